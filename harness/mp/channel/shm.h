/* Named shared memory: segments that unrelated processes find by their names. A name lasts until it
 * is unlinked, or until every process that created or attached the segment has ended: then a
 * tracker removes it, however they ended. While one of them lives (or a process forked from it) it
 * stays. */
#ifndef FB_MP_SHM_H
#define FB_MP_SHM_H

#include <stddef.h>

#define FB_MP_SEGMENT_NAME 200 /* bytes of a name at most */

struct fb_mp_segment;

/* Creates a segment of size zeroed bytes, all of which are there: writing to them can't fail.
 * name: any bytes but '/'; NULL: one that nobody has.
 * 0 and *ret_segment (end with fb_mp_segment_close), or, and then there is no such segment:
 * -EINVAL   size is 0, or the name is empty, too long or has a '/' in it
 * -EEXIST   there is one of that name
 * -ENOSPC, -ENOMEM, -EFBIG   no room for it
 * or another negative errno. */
int fb_mp_segment_create(const char *name, size_t size, struct fb_mp_segment **ret_segment);

/* Attaches the segment of that name, in whole. 0 and *ret_segment, or:
 * -ENOENT   there is none
 * -EACCES   it is another user's (root may)
 * -EINVAL   that can't be a name
 * or another negative errno. */
int fb_mp_segment_attach(const char *name, struct fb_mp_segment **ret_segment);

void *fb_mp_segment_memory(const struct fb_mp_segment *segment);
size_t fb_mp_segment_size(const struct fb_mp_segment *segment);
const char *fb_mp_segment_name(const struct fb_mp_segment *segment);

/* Ends this process's use of the memory; the name stays, and keeps a descriptor of this process
 * until it is unlinked. NULL is accepted. */
void fb_mp_segment_close(struct fb_mp_segment *segment);

/* Removes the name; who has attached it keeps the memory. 0, -ENOENT, -EINVAL, -EPERM: it is
 * another user's, or -EBUSY: for a second somebody, who must be another program, kept the folder
 * locked. */
int fb_mp_segment_unlink(const char *name);

#endif
