/* harness/mp/channel/shm.c: segments are found by their names. Deaths of their users are in
 * test_mp_tracker.c. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/channel/segment_fixture.h"
#include "tests/support/programs/rerun_self.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/process/process.h"
#include "harness/mp/channel/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DOUBLES 1000

/* ---- the other process: forked, spawned, or an unrelated program ---- */

static double add_up(const struct fb_mp_segment *segment)
{
    const double *number = fb_mp_segment_memory(segment);
    double sum = 0;
    for (size_t i = 0; i < DOUBLES; i++)
        sum += number[i];
    return sum;
}

static void write_doubles(const struct fb_mp_segment *segment)
{
    double *number = fb_mp_segment_memory(segment);
    for (size_t i = 0; i < DOUBLES; i++)
        number[i] = 1.0 / (double)(i + 3);
}

/* The other process stores its sum behind the numbers. */
static double *sum_of(const struct fb_mp_segment *segment)
{
    return (double *)fb_mp_segment_memory(segment) + DOUBLES;
}

static int sum_up(const void *name, size_t size)
{
    struct fb_mp_segment *segment;
    (void)size;
    if (fb_mp_segment_attach(name, &segment) != 0)
        return 1;
    *sum_of(segment) = add_up(segment);
    fb_mp_segment_close(segment);
    return 0;
}

static int write_and_sum(const void *name, size_t size)
{
    struct fb_mp_segment *segment;
    (void)size;
    if (fb_mp_segment_attach(name, &segment) != 0)
        return 1;
    write_doubles(segment);
    *sum_of(segment) = add_up(segment);
    fb_mp_segment_close(segment);
    return 0;
}

static int as_program(fb_mp_run run)
{
    const char *name = segment_passed_name();
    return run(name, strlen(name) + 1);
}

static int sum_in_program(enum fb_mp_method method)
{
    (void)method;
    return as_program(sum_up);
}

static int write_in_program(enum fb_mp_method method)
{
    (void)method;
    return as_program(write_and_sum);
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(sum_up),
    FB_MP_RUN(write_and_sum),
    { 0 },
};
static const struct self_program programs[] = {
    { "sum_in_program", sum_in_program, false },
    { "write_in_program", write_in_program, false },
    { 0 },
};

/* Runs it in another process: with one of our methods, or if way is METHODS in an unrelated
 * program. */
static void run_elsewhere(fb_mp_run run, const char *program, size_t way, const char *name)
{
    if (way == METHODS) {
        segment_pass_name(name);
        self_check(program, FB_MP_FORK, "");
        return;
    }
    assert_int_equal(ended(started((struct fb_mp_process_options){
                         .run = run,
                         .argument = name,
                         .size = strlen(name) + 1,
                         .method = methods[way],
                     })),
                     0);
}

/* W12: a process writes 1,000 doubles; another one attaches the segment by name and adds them up.
 */
static void sums_agree(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    for (size_t way = 0; way <= METHODS; way++) {
        struct fb_mp_segment *segment = segment_make(name, (DOUBLES + 1) * sizeof(double));
        run_elsewhere(write_and_sum, "write_in_program", way, name);
        double sum = add_up(segment);
        assert_true(sum > 5 && sum < 7);
        assert_memory_equal(sum_of(segment), &sum, sizeof sum);
        *sum_of(segment) = 0;
        run_elsewhere(sum_up, "sum_in_program", way, name);
        assert_memory_equal(sum_of(segment), &sum, sizeof sum);
        fb_mp_segment_close(segment);
        assert_int_equal(fb_mp_segment_unlink(name), 0);
    }
}

/* ---- names and sizes ---- */

static void a_segment_is_zeroed_and_of_its_size(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 63, 4095, 4096, 4097, 5000, 100000, 1 << 20 };
    char name[NAME_SIZE];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct fb_mp_segment *segment = segment_make(name, sizes[i]), *other;
        assert_int_equal(fb_mp_segment_size(segment), sizes[i]);
        assert_string_equal(fb_mp_segment_name(segment), name);
        char *memory = fb_mp_segment_memory(segment);
        for (size_t byte = 0; byte < sizes[i]; byte++)
            assert_int_equal(memory[byte], 0);
        memset(memory, 'x', sizes[i]);
        assert_int_equal(fb_mp_segment_attach(name, &other), 0);
        assert_int_equal(fb_mp_segment_size(other), sizes[i]);
        assert_string_equal(fb_mp_segment_name(other), name);
        assert_ptr_not_equal(fb_mp_segment_memory(other), memory);
        assert_memory_equal(fb_mp_segment_memory(other), memory, sizes[i]);
        assert_int_equal(fb_mp_segment_unlink(name), 0);
        fb_mp_segment_close(segment);
        memory = fb_mp_segment_memory(other); /* an attached segment keeps its memory */
        for (size_t byte = 0; byte < sizes[i]; byte++)
            assert_int_equal(memory[byte], 'x');
        memset(memory, 'y', sizes[i]);
        fb_mp_segment_close(other);
    }
}

static void a_name_has_one_segment(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    struct fb_mp_segment *segment = segment_make(name, 10), *untouched = segment, *second;
    memcpy(fb_mp_segment_memory(segment), "original", 9);
    assert_int_equal(fb_mp_segment_create(name, 99, &untouched), -EEXIST);
    assert_ptr_equal(untouched, segment);
    assert_string_equal(fb_mp_segment_memory(segment), "original");
    assert_int_equal(fb_mp_segment_unlink(name), 0);
    assert_int_equal(fb_mp_segment_unlink(name), -ENOENT);
    assert_int_equal(fb_mp_segment_attach(name, &untouched), -ENOENT);
    assert_ptr_equal(untouched, segment);
    assert_int_equal(fb_mp_segment_create(name, 20, &second), 0); /* a new one of the old name */
    assert_int_equal(*(char *)fb_mp_segment_memory(second), 0);
    assert_string_equal(fb_mp_segment_memory(segment), "original");
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_attach(name, &segment), 0);
    assert_int_equal(fb_mp_segment_size(segment), 20);
    fb_mp_segment_close(segment);
    fb_mp_segment_close(second);
    fb_mp_segment_close(NULL);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
}

static void invalid_names_are_refused(void **state)
{
    (void)state;
    static char text[FB_MP_SEGMENT_NAME + 2], own[NAME_SIZE];
    struct fb_mp_segment *segment = NULL;
    const char *const wrong[] = { "", "a/b", "/", "/a", text };
    segment_name(own);
    memset(text, 'n', FB_MP_SEGMENT_NAME + 1);
    memcpy(text, own, strlen(own));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(fb_mp_segment_create(wrong[i], 1, &segment), -EINVAL);
        assert_int_equal(fb_mp_segment_attach(wrong[i], &segment), -EINVAL);
        assert_int_equal(fb_mp_segment_unlink(wrong[i]), -EINVAL);
    }
    assert_int_equal(fb_mp_segment_create(own, 0, &segment), -EINVAL);
    assert_null(segment);
    assert_false(segment_exists(own));
    text[FB_MP_SEGMENT_NAME] = '\0';
    text[FB_MP_SEGMENT_NAME - 1] = '\n'; /* any bytes but '/' */
    text[FB_MP_SEGMENT_NAME - 2] = (char)0xff;
    assert_int_equal(fb_mp_segment_create(text, 1, &segment), 0);
    assert_string_equal(fb_mp_segment_name(segment), text);
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_attach(text, &segment), 0);
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_unlink(text), 0);
}

static void unnamed_segments_get_unique_names(void **state)
{
    (void)state;
    enum { SEGMENTS = 50 };
    struct fb_mp_segment *segment[SEGMENTS], *other;
    for (int i = 0; i < SEGMENTS; i++) {
        assert_int_equal(fb_mp_segment_create(NULL, 100, &segment[i]), 0);
        const char *name = fb_mp_segment_name(segment[i]);
        assert_true(strlen(name) > 0 && strlen(name) <= FB_MP_SEGMENT_NAME);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(name, fb_mp_segment_name(segment[k]));
        assert_int_equal(fb_mp_segment_attach(name, &other), 0);
        fb_mp_segment_close(other);
    }
    for (int i = 0; i < SEGMENTS; i++) {
        assert_int_equal(fb_mp_segment_unlink(fb_mp_segment_name(segment[i])), 0);
        fb_mp_segment_close(segment[i]);
    }
}

static void closing_does_not_unlink(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    struct fb_mp_segment *segment = segment_make(name, 10);
    memcpy(fb_mp_segment_memory(segment), "kept", 5);
    fb_mp_segment_close(segment);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fb_mp_segment_attach(name, &segment), 0);
        assert_string_equal(fb_mp_segment_memory(segment), "kept");
        fb_mp_segment_close(segment);
    }
    assert_int_equal(fb_mp_segment_unlink(name), 0);
    assert_int_equal(fb_mp_segment_attach(name, &segment), -ENOENT);
}

/* ---- another process keeps the folder locked ---- */

struct folder_lock {
    int ready[2], end[2];
};

static int keep_folder(void *context)
{
    const struct folder_lock *folder_lock = context;
    char byte;
    close(folder_lock->end[1]);
    int folder = open(SEGMENTS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || flock(folder, LOCK_EX) < 0 || write(folder_lock->ready[1], "r", 1) != 1)
        return 1;
    return read(folder_lock->end[0], &byte, 1) != 0;
}

/* The lock is released with its owner's end, also if that is killed. */
static void a_wait_for_the_folder_is_limited(void **state)
{
    (void)state;
    char name[NAME_SIZE], byte;
    if (!segments_are_private())
        skip();
    for (int killed = 0; killed < 2; killed++) {
        struct folder_lock folder_lock;
        struct fb_mp_segment *segment = segment_make(name, 10), *other;
        assert_true(pipe2(folder_lock.ready, O_CLOEXEC) == 0 &&
                    pipe2(folder_lock.end, O_CLOEXEC) == 0);
        pid_t pid = forked_run(keep_folder, &folder_lock);
        assert_int_equal(read(folder_lock.ready[0], &byte, 1), 1);
        assert_int_equal(fb_mp_segment_unlink(name), -EBUSY);
        assert_int_equal(fb_mp_segment_attach(name, &other), 0); /* still there */
        fb_mp_segment_close(other);
        if (killed)
            kill(pid, SIGKILL);
        close(folder_lock.end[1]);
        assert_int_equal(forked_end(pid), killed ? -SIGKILL : 0);
        assert_int_equal(fb_mp_segment_unlink(name), 0);
        assert_false(segment_exists(name));
        fb_mp_segment_close(segment);
        close(folder_lock.end[0]);
        close(folder_lock.ready[0]);
        close(folder_lock.ready[1]);
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    const struct self_program *program = self_program(programs, argc, argv);
    if (program)
        return self_be(program, argv);
    segments_separate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_agree),
        cmocka_unit_test(a_segment_is_zeroed_and_of_its_size),
        cmocka_unit_test(a_name_has_one_segment),
        cmocka_unit_test(invalid_names_are_refused),
        cmocka_unit_test(unnamed_segments_get_unique_names),
        cmocka_unit_test(closing_does_not_unlink),
        cmocka_unit_test(a_wait_for_the_folder_is_limited),
    };
    return RUN_TESTS(tests);
}
