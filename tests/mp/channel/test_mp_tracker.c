/* harness/mp/channel/tracker.c: the name of a segment is removed when its last user has ended, no
 * matter how, and not before. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/channel/segment_fixture.h"
#include "tests/support/programs/rerun_self.h"

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

/* ---- a name is removed with the last user ---- */

static void the_name_of_a_killed_creator_is_removed(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_name(name);
    struct self creator = segment_begin("make_and_stay", name);
    assert_true(segment_exists(name));
    segment_kill_user(&creator);
    assert_true(segment_wait_gone(name));
}

static void a_name_is_removed_when_all_users_are_killed(void **state)
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

static void a_name_is_removed_after_a_normal_exit(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_leave_one(name);
    assert_true(segment_wait_gone(name));
}

static void a_name_stays_while_the_segment_is_attached(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_name(name);
    struct self creator = segment_begin("make_and_stay", name),
                user = segment_begin("attach_and_stay", name);
    segment_kill_user(&creator);
    segments_wait_for_sweep();
    assert_true(segment_exists(name));
    struct self second = segment_begin("attach_and_stay", name);
    segment_kill_user(&user);
    segments_wait_for_sweep();
    assert_true(segment_exists(name));
    segment_kill_user(&second);
    assert_true(segment_wait_gone(name));
}

static void a_name_stays_after_a_close(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_name(name);
    struct self creator = segment_begin("close_and_stay", name);
    segments_wait_for_sweep();
    assert_true(segment_exists(name));
    segment_kill_user(&creator);
    assert_true(segment_wait_gone(name));
}

static void a_name_stays_for_forked_processes(void **state)
{
    (void)state;
    char name[NAME_SIZE], text[SELF_TEXT] = "";
    segment_name(name);
    struct self creator = segment_begin("make_and_fork", name);
    for (size_t i = 0; i < 20 && !strchr(text, ' '); i++)
        assert_int_equal(read(creator.out, text + i, 1), 1);
    assert_int_equal(kill(creator.pid, SIGKILL), 0);
    segments_wait_for_sweep();
    assert_true(segment_exists(name));
    assert_int_equal(kill(atoi(text), SIGKILL), 0);
    assert_int_equal(self_finish(&creator, text), -SIGKILL);
    assert_true(segment_wait_gone(name));
}

/* ---- the tracker itself ---- */

/* A user's programs share a tracker, which runs as long as one of them has segments. */
static void skip_if_shared(void)
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
        skip_if_shared();
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

static void the_tracker_exits_when_no_segment_is_left(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    skip_if_shared();
    struct fb_mp_segment *segment = segment_make(name, 1);
    wait_for_trackers(getuid(), 1);
    fb_mp_segment_close(segment);
    segments_wait_for_sweep();
    wait_for_trackers(getuid(), 1);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
    wait_for_trackers(getuid(), 0);
}

/* Its descriptors are /dev/null, its socket and, during a sweep, the folder. */
static void the_tracker_keeps_no_descriptor_of_its_starter(void **state)
{
    (void)state;
    char name[NAME_SIZE], path[64], target[64] = "";
    unsigned count = 0;
    pid_t pid;
    skip_if_shared();
    struct fb_mp_segment *segment = segment_make(name, 1);
    segments_wait_for_sweep();
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

/* The tracker is killed, then the users. The next process that creates or attaches a segment starts
 * another tracker, which removes theirs. */
static void a_new_tracker_continues_for_a_killed_one(void **state)
{
    (void)state;
    char name[2][NAME_SIZE], own[NAME_SIZE];
    struct self user[2];
    skip_if_shared();
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
        assert_true(segment_exists(name[0]) && segment_exists(name[1]));
        if (attach)
            assert_int_equal(fb_mp_segment_attach(own, &other), 0);
        else
            assert_int_equal(fb_mp_segment_create(NULL, 1, &other), 0);
        assert_true(segment_wait_gone(name[0]) && segment_wait_gone(name[1]));
        assert_true(segment_exists(own));
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

static void processes_that_start_at_once_share_a_tracker(void **state)
{
    (void)state;
    struct crowd crowd;
    pid_t creator[CREATORS];
    char byte;
    skip_if_shared();
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
        segments_wait_for_sweep();
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

/* A tracker leaves the segments of other users alone, even if they have no tracker any more. */
static void segments_of_other_users_stay(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    struct fb_mp_segment *segment;
    if (getuid() != 0 || !segments_are_private())
        skip();
    segment_name(name);
    struct self user = segment_begin("be_nobody", name);
    assert_int_equal(fb_mp_segment_attach(name, &segment), 0); /* root may */
    assert_int_equal(fb_mp_segment_size(segment), 5000);
    wait_for_trackers(SEGMENTS_NOBODY, 1);
    kill_tracker(SEGMENTS_NOBODY);
    segment_kill_user(&user);
    segments_wait_for_sweep();
    assert_true(segment_exists(name));
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
    /* Nor if no process of ours uses it. */
    user = segment_begin("be_nobody", name);
    wait_for_trackers(SEGMENTS_NOBODY, 1);
    kill_tracker(SEGMENTS_NOBODY);
    segment_kill_user(&user);
    segments_wait_for_sweep();
    assert_true(segment_exists(name));
    assert_int_equal(fb_mp_segment_unlink(name), 0);
}

static void other_users_are_refused(void **state)
{
    (void)state;
    char name[NAME_SIZE], path[PATH_MAX];
    if (getuid() != 0 || !segments_are_private())
        skip();
    struct fb_mp_segment *segment = segment_make(name, 10);
    segment_pass_name(name);
    self_check("be_nobody_and_look", FB_MP_FORK, "refused refused");
    assert_true(segment_exists(name));
    /* Nor if the mode of the file would allow it. */
    snprintf(path, sizeof path, "%s/%s%s", SEGMENTS_FOLDER, FB_MP_TRACKER_PREFIX, name);
    assert_int_equal(chmod(path, 0666), 0);
    self_check("be_nobody_and_look", FB_MP_FORK, "refused refused");
    assert_true(segment_exists(name));
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
        cmocka_unit_test(the_name_of_a_killed_creator_is_removed),
        cmocka_unit_test(a_name_is_removed_when_all_users_are_killed),
        cmocka_unit_test(a_name_is_removed_after_a_normal_exit),
        cmocka_unit_test(a_name_stays_while_the_segment_is_attached),
        cmocka_unit_test(a_name_stays_after_a_close),
        cmocka_unit_test(a_name_stays_for_forked_processes),
        cmocka_unit_test(the_tracker_exits_when_no_segment_is_left),
        cmocka_unit_test(the_tracker_keeps_no_descriptor_of_its_starter),
        cmocka_unit_test(a_new_tracker_continues_for_a_killed_one),
        cmocka_unit_test(processes_that_start_at_once_share_a_tracker),
        cmocka_unit_test(segments_of_other_users_stay),
        cmocka_unit_test(other_users_are_refused),
    };
    return RUN_TESTS(tests);
}
