/* Named segments for tests, separate from those of other programs, and their trackers. */
#ifndef TEST_SEGMENT_FIXTURE_H
#define TEST_SEGMENT_FIXTURE_H

#include "harness/mp/channel/shm.h"
#include "harness/mp/channel/tracker.h"

#include "tests/support/programs/rerun_self.h"

#include <stdbool.h>
#include <sys/types.h>

#define SEGMENTS_FOLDER FB_MP_TRACKER_FOLDER
#define NAME_SIZE 64

/* To be called first in the test process: if the system allows it, gives the process and its
 * children a folder for segments of their own, of 64 MB. Otherwise they use the machine's folder.
 */
void segments_separate(void);
bool segments_are_private(void);

/* A unique name. */
void segment_name(char ret_name[NAME_SIZE]);
/* Creates a segment with a unique name; fails the test if that fails. */
struct fb_mp_segment *segment_make(char ret_name[NAME_SIZE], size_t size);

/* Passes a segment's name to programs that are started from now on; and what they got. */
void segment_pass_name(const char *name);
const char *segment_passed_name(void);

/* Whether the name exists; does not use the segment. */
bool segment_exists(const char *name);
/* Waits until the name is gone. False after LIMIT_MS. */
bool segment_wait_gone(const char *name);

/* Returns the number of the user's trackers of this folder, and the pid of one of them. */
size_t trackers(uid_t user, pid_t *ret_pid);

/* Whether the folder has segments of other programs. */
bool segments_of_others(void);

/* ---- programs that use a segment ---- */

#define SEGMENTS_NOBODY 65534 /* uid of programs that run as another user */

/* All but "be_nobody_and_look" and "make_and_leave" run until they are killed:
 * make_and_leave      creates the segment and exits normally
 * make_and_stay       creates it
 * attach_and_stay     attaches it
 * close_and_stay      creates and closes it
 * make_and_fork       creates it, forks a child and prints its pid
 * be_nobody           creates it as another user
 * be_nobody_and_look  prints whether another user may attach and unlink it */
extern const struct self_program segment_programs[];

/* Starts a program for a segment of that name and waits until it has done this. */
struct self segment_begin(const char *program, const char *name);
void segment_kill_user(struct self *user);

/* Lets an unrelated program create a segment and exit. */
void segment_leave_one(char ret_name[NAME_SIZE]);

/* Returns after the tracker has checked every segment. */
void segments_wait_for_sweep(void);

#endif
