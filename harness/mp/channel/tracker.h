/* The tracker: a process, one for each user of the machine, that removes the names of segments that
 * no process uses any more. It exits when there are no segments. */
#ifndef FB_MP_TRACKER_H
#define FB_MP_TRACKER_H

#include <stddef.h>

#define FB_MP_TRACKER_FOLDER "/dev/shm"
#define FB_MP_TRACKER_PREFIX "fb-mp."

/* Starts the tracker unless it runs: a spawned process of this program, in a session of its own and
 * not a child of the caller. 0 or a negative errno. */
int fb_mp_tracker_start(void);

/* Locks the folder until the returned descriptor is closed. Names are removed only under this lock,
 * so that a name is removed from the file that was checked, not from a newer one. Returns -EBUSY if
 * another process keeps the lock for a second, or another negative errno. */
int fb_mp_tracker_lock_folder(void);

/* Removes this user's segments that no process uses. Returns the number of those in use, or 1 if
 * that can't be found out. */
size_t fb_mp_tracker_sweep(void);

#endif
