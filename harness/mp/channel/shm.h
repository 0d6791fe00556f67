/* Named shared memory: segments that unrelated processes find by name. A name exists until it is
 * unlinked or until every process that created or attached the segment, and every process forked
 * from one of these, has ended. Then the tracker removes the name, no matter how the processes
 * ended. */
#ifndef FB_MP_SHM_H
#define FB_MP_SHM_H

#include <stddef.h>

#define FB_MP_SEGMENT_NAME 200 /* largest length of a name, in bytes */

struct fb_mp_segment;

/* Creates a segment of size zeroed bytes. All of its memory is reserved, so writing to it can't
 * fail. name: any bytes but '/'; NULL: a new unique name. 0 and *ret_segment (close it with
 * fb_mp_segment_close). On failure no segment is left:
 * -EINVAL   size is 0, or the name is empty, too long or contains a '/'
 * -EEXIST   a segment of that name exists
 * -ENOSPC, -ENOMEM, -EFBIG   not enough memory or another negative errno. */
int fb_mp_segment_create(const char *name, size_t size, struct fb_mp_segment **ret_segment);

/* Attaches the segment of that name. 0 and *ret_segment, or:
 * -ENOENT   no such segment exists
 * -EACCES   it belongs to another user, and the caller is not root
 * -EINVAL   the name is not valid
 * or another negative errno. */
int fb_mp_segment_attach(const char *name, struct fb_mp_segment **ret_segment);

void *fb_mp_segment_memory(const struct fb_mp_segment *segment);
size_t fb_mp_segment_size(const struct fb_mp_segment *segment);
const char *fb_mp_segment_name(const struct fb_mp_segment *segment);

/* Unmaps the memory in this process. The name stays, and the process keeps a descriptor open until
 * the name is unlinked. NULL is accepted. */
void fb_mp_segment_close(struct fb_mp_segment *segment);

/* Removes the name; processes that have attached the segment keep its memory. 0, -ENOENT, -EINVAL,
 * -EPERM: it belongs to another user, or -EBUSY: another program has kept the folder locked for a
 * second. */
int fb_mp_segment_unlink(const char *name);

#endif
