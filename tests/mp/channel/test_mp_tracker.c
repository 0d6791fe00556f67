/* harness/mp/channel/tracker.c: named segments go when the last of their users has ended, in whatever way,
 * and not before. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/channel/segment_fixture.h"
#include "tests/support/rerun_self.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CREATORS 20

/* ---- names go with the last user ---- */

static void a_killed_creators_name_goes(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_name(name);
    struct self creator = segment_begin("make_and_stay", name);
    assert_true(segment_is_there(name));
    segment_kill_user(&creator);
    assert_true(segment_wait_gone(name));
}

static void a_name_goes_when_all_are_killed(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    struct self user[4];
    segment_name(name);
    for (int i = 0; i < 4; i++)
        user[i] = segment_begin(i == 0 ? "make_and_stay" : "attach_and_stay", name);
    for (int i = 0; i < 4; i++)
        segment_kill_user(&user[i]);
    assert_true(segment_wait_gone(name));
}

static void a_name_goes_after_a_usual_exit(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_leave_one(name);
    assert_true(segment_wait_gone(name));
}

static void a_name_stays_for_who_has_attached(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_name(name);
    struct self creator = segment_begin("make_and_stay", name),
                user = segment_begin("attach_and_stay", name);
    segment_kill_user(&creator);
    segments_let_look();
    assert_true(segment_is_there(name));
    struct self second = segment_begin("attach_and_stay", name);
    segment_kill_user(&user);
    segments_let_look();
    assert_true(segment_is_there(name));
    segment_kill_user(&second);
    assert_true(segment_wait_gone(name));
}

static void a_name_stays_for_who_has_closed(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_name(name);
    struct self creator = segment_begin("close_and_stay", name);
    segments_let_look();
    assert_true(segment_is_there(name));
    segment_kill_user(&creator);
    assert_true(segment_wait_gone(name));
}

static void a_name_stays_for_who_was_forked(void **state)
{
    (void)state;
    char name[NAME_SIZE], text[SELF_TEXT] = "";
    segment_name(name);
    struct self creator = segment_begin("make_and_fork", name);
    for (size_t i = 0; i < 20 && !strchr(text, ' '); i++)
        assert_int_equal(read(creator.out, text + i, 1), 1);
    assert_int_equal(kill(creator.pid, SIGKILL), 0);
    segments_let_look();
    assert_true(segment_is_there(name));
    assert_int_equal(kill(atoi(text), SIGKILL), 0);
    assert_int_equal(self_finish(&creator, text), -SIGKILL);
    assert_true(segment_wait_gone(name));
}

/* ---- the tracker itself ---- */

/* Others' segments keep the tracker that all of a user share. */
static void skip_unless_alone(void)
{
    if (!segments_are_private() && segments_of_others())
        skip();
}

static void wait_for_trackers(uid_t user, size_t count)
{
    const struct timespec pause = { .tv_nsec = 2000000 };
    pid_t pid;
    uint64_t limit = clock_ms() + LIMIT_MS;
    for (; trackers(user, &pid) != count && clock_ms() < limit; nanosleep(&pause, NULL))
        skip_unless_alone();
    assert_int_equal(trackers(user, &pid), count);
}

static void kill_tracker(uid_t user)
{
    const struct timespec pause = { .tv_nsec = 2000000 };
    pid_t pid;
    assert_int_equal(trackers(user, &pid), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    for (uint64_t limit = clock_ms() + LIMIT_MS; trackers(user, &pid) > 0;) {
        assert_true(clock_ms() < limit);
        nanosleep(&pause, NULL);
    }
}

static void it_ends_when_nothing_is_left(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    skip_unless_alone();
    struct fb_mp_segment *segment = segment_make(name, 1);
    wait_for_trackers(getuid(), 1);
    fb_mp_segment_close(segment);
    segments_let_look();
    wait_for_trackers(getuid(), 1);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
    wait_for_trackers(getuid(), 0);
}

/* What its descriptors are: nothing, and its name; the folder while it looks. */
static void it_keeps_nothing_of_ours(void **state)
{
    (void)state;
    char name[NAME_SIZE], path[64], target[64] = "";
    unsigned count = 0;
    pid_t pid;
    skip_unless_alone();
    struct fb_mp_segment *segment = segment_make(name, 1);
    segments_let_look();
    assert_int_equal(trackers(getuid(), &pid), 1);
    assert_int_equal(getsid(pid), pid);
    snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    assert_int_equal(readlink(path, target, sizeof target - 1), 1);
    for (int fd = 0; fd < 3; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
        memset(target, 0, sizeof target);
        assert_true(readlink(path, target, sizeof target - 1) > 0);
        assert_string_equal(target, "/dev/null");
    }
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    assert_true(count - 2 <= 6);
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
}

/* It was killed, then were the users: the next one who creates or attaches anything clears up. */
static void another_one_does_what_a_killed_one_left(void **state)
{
    (void)state;
    char name[2][NAME_SIZE], own[NAME_SIZE];
    struct self user[2];
    skip_unless_alone();
    for (int attach = 0; attach < 2; attach++) {
        struct fb_mp_segment *segment = segment_make(own, 1), *other;
        for (int i = 0; i < 2; i++) {
            segment_name(name[i]);
            user[i] = segment_begin("make_and_stay", name[i]);
        }
        wait_for_trackers(getuid(), 1);
        kill_tracker(getuid());
        for (int i = 0; i < 2; i++)
            segment_kill_user(&user[i]);
        assert_true(segment_is_there(name[0]) && segment_is_there(name[1]));
        if (attach)
            assert_int_equal(fb_mp_segment_attach(own, &other), 0);
        else
            assert_int_equal(fb_mp_segment_create(NULL, 1, &other), 0);
        assert_true(segment_wait_gone(name[0]) && segment_wait_gone(name[1]));
        assert_true(segment_is_there(own));
        assert_int_equal(fb_mp_segment_unlink(fb_mp_segment_name(other)), 0);
        assert_int_equal(fb_mp_segment_unlink(own), attach ? -ENOENT : 0);
        fb_mp_segment_close(other);
        fb_mp_segment_close(segment);
    }
}

struct crowd {
    int start[2], ready[2], end[2];
    char name[CREATORS][NAME_SIZE];
    int number;
};

static int create_with_others(void *context)
{
    struct crowd *crowd = context;
    char byte;
    close(crowd->start[1]);
    close(crowd->end[1]);
    struct fb_mp_segment *mine;
    if (read(crowd->start[0], &byte, 1) != 0 ||
        fb_mp_segment_create(crowd->name[crowd->number], 10, &mine) < 0 ||
        write(crowd->ready[1], "r", 1) != 1)
        return 1;
    return read(crowd->end[0], &byte, 1) != 0;
}

static void one_is_enough_for_all(void **state)
{
    (void)state;
    struct crowd crowd;
    pid_t creator[CREATORS];
    char byte;
    skip_unless_alone();
    for (int round = 0; round < 5; round++) {
        wait_for_trackers(getuid(), 0);
        assert_true(pipe(crowd.start) == 0 && pipe(crowd.ready) == 0 && pipe(crowd.end) == 0);
        for (crowd.number = 0; crowd.number < CREATORS; crowd.number++) {
            segment_name(crowd.name[crowd.number]);
            creator[crowd.number] = forked_run(create_with_others, &crowd);
        }
        close(crowd.start[1]); /* now */
        for (int i = 0; i < CREATORS; i++)
            assert_int_equal(read(crowd.ready[0], &byte, 1), 1);
        wait_for_trackers(getuid(), 1);
        segments_let_look();
        wait_for_trackers(getuid(), 1);
        close(crowd.end[1]);
        for (int i = 0; i < CREATORS; i++)
            assert_int_equal(forked_end(creator[i]), 0);
        for (int i = 0; i < CREATORS; i++)
            assert_true(segment_wait_gone(crowd.name[i]));
        close(crowd.start[0]);
        close(crowd.end[0]);
        close(crowd.ready[0]);
        close(crowd.ready[1]);
    }
}

/* ---- other users ---- */

/* Left by a user who has no tracker any more: ours does not care. */
static void another_users_stays(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    struct fb_mp_segment *segment;
    if (getuid() != 0 || !segments_are_private())
        skip();
    segment_name(name);
    struct self user = segment_begin("be_nobody", name);
    assert_int_equal(fb_mp_segment_attach(name, &segment), 0); /* as root may look at anything */
    assert_int_equal(fb_mp_segment_size(segment), 5000);
    wait_for_trackers(SEGMENTS_NOBODY, 1);
    kill_tracker(SEGMENTS_NOBODY);
    segment_kill_user(&user);
    segments_let_look();
    assert_true(segment_is_there(name));
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
    /* With no user left at all. */
    user = segment_begin("be_nobody", name);
    wait_for_trackers(SEGMENTS_NOBODY, 1);
    kill_tracker(SEGMENTS_NOBODY);
    segment_kill_user(&user);
    segments_let_look();
    assert_true(segment_is_there(name));
    assert_int_equal(fb_mp_segment_unlink(name), 0);
}

static void ours_is_not_for_others(void **state)
{
    (void)state;
    char name[NAME_SIZE], path[PATH_MAX];
    if (getuid() != 0 || !segments_are_private())
        skip();
    struct fb_mp_segment *segment = segment_make(name, 10);
    segment_give(name);
    self_check("be_nobody_and_look", FB_MP_FORK, "refused refused");
    assert_true(segment_is_there(name));
    /* Neither if the file's mode would let them. */
    snprintf(path, sizeof path, "%s/%s%s", SEGMENTS_FOLDER, FB_MP_TRACKER_PREFIX, name);
    assert_int_equal(chmod(path, 0666), 0);
    self_check("be_nobody_and_look", FB_MP_FORK, "refused refused");
    assert_true(segment_is_there(name));
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
}

int main(int argc, char **argv)
{
    const struct self_program *program = self_program(segment_programs, argc, argv);
    if (program)
        return self_be(program, argv);
    segments_separate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_creators_name_goes),
        cmocka_unit_test(a_name_goes_when_all_are_killed),
        cmocka_unit_test(a_name_goes_after_a_usual_exit),
        cmocka_unit_test(a_name_stays_for_who_has_attached),
        cmocka_unit_test(a_name_stays_for_who_has_closed),
        cmocka_unit_test(a_name_stays_for_who_was_forked),
        cmocka_unit_test(it_ends_when_nothing_is_left),
        cmocka_unit_test(it_keeps_nothing_of_ours),
        cmocka_unit_test(another_one_does_what_a_killed_one_left),
        cmocka_unit_test(one_is_enough_for_all),
        cmocka_unit_test(another_users_stays),
        cmocka_unit_test(ours_is_not_for_others),
    };
    return RUN_TESTS(tests);
}
