/* Named segments for tests, away from those of other programs, and what becomes of them. */
#ifndef TEST_SEGMENT_FIXTURE_H
#define TEST_SEGMENT_FIXTURE_H

#include "harness/mp/channel/shm.h"
#include "harness/mp/channel/tracker.h"

#include "tests/support/rerun_self.h"

#include <stdbool.h>
#include <sys/types.h>

#define SEGMENTS_FOLDER FB_MP_TRACKER_FOLDER
#define NAME_SIZE 64

/* First thing in the test process: gives it and its children a folder for segments of their own, of
 * 64 MB, if the system allows that; else it shares the machine's. */
void segments_separate(void);
bool segments_are_private(void);

/* A name that nobody else has. */
void segment_name(char ret_name[NAME_SIZE]);
/* Creates one of such a name; fails the test when that is refused. */
struct fb_mp_segment *segment_make(char ret_name[NAME_SIZE], size_t size);

/* Tells a program that is started from now on what to work on; and there, what that is. */
void segment_give(const char *name);
const char *segment_given(void);

/* Without using it. */
bool segment_is_there(const char *name);
/* Waits until it has gone; false when LIMIT_MS passed. */
bool segment_wait_gone(const char *name);

/* The trackers of that user which look after this folder; returns how many there are. */
size_t trackers(uid_t user, pid_t *ret_pid);

/* Whether somebody else's segments are where ours are. */
bool segments_of_others(void);

/* ---- programs that use one ---- */

#define SEGMENTS_NOBODY 65534 /* the user of those that are another user's */

/* All but "be_nobody_and_look" and "make_and_leave" stay until they are killed:
 * make_and_leave      creates it and exits, as any program does
 * make_and_stay       creates it
 * attach_and_stay
 * close_and_stay      creates it, and closes it
 * make_and_fork       creates it, and has a child, whose number it prints
 * be_nobody           creates it as another user
 * be_nobody_and_look  says whether another user is refused it */
extern const struct self_program segment_programs[];

/* Starts one for a segment of that name, and waits until it has come so far. */
struct self segment_begin(const char *program, const char *name);
void segment_kill_user(struct self *user);

/* Has an unrelated program make one and leave it behind. */
void segment_leave_one(char ret_name[NAME_SIZE]);

/* Returns after the tracker has looked at every segment. */
void segments_let_look(void);

#endif
