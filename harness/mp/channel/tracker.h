/* The tracker: a process, one for each user of the machine, that removes named segments which
 * everybody has left. It ends when there are none. */
#ifndef FB_MP_TRACKER_H
#define FB_MP_TRACKER_H

#include <stddef.h>

#define FB_MP_TRACKER_FOLDER "/dev/shm"
#define FB_MP_TRACKER_PREFIX "fb-mp."

/* Makes sure that it runs, as a fresh image of this program, in a session of its own and no child
 * of ours. 0 or a negative errno. */
int fb_mp_tracker_start(void);

/* Keeps everybody else from removing names while the descriptor is open: so that a name is removed
 * from the file that was looked at, and no newer one. Returns it, -EBUSY: somebody has kept it for
 * a second, or another negative errno. */
int fb_mp_tracker_lock_folder(void);

/* Removes those of this user's segments that everybody has left. Returns how many are in use. */
size_t fb_mp_tracker_sweep(void);

#endif
