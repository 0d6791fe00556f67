/* harness/mp/shm.c: segments that are found by their names. What becomes of those whose users die:
 * test_mp_tracker.c. */
#include "support.h"

#include "forked.h"
#include "segments.h"
#include "self.h"
#include "started.h"

#include "harness/mp/process.h"
#include "harness/mp/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOUBLES 1000

/* ---- what the other process does: forked, spawned, or a program of its own ---- */

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

/* Behind the numbers is room for what the other one says their sum is. */
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
    const char *name = segment_given();
    return run(name, strlen(name) + 1);
}

static int be_summing(enum fb_mp_method method)
{
    (void)method;
    return as_program(sum_up);
}

static int be_writing(enum fb_mp_method method)
{
    (void)method;
    return as_program(write_and_sum);
}

static const struct fb_mp_task tasks[] = {
    { "sum_up", sum_up },
    { "write_and_sum", write_and_sum },
    { 0 },
};
static const struct self_program programs[] = {
    { "be_summing", be_summing, false },
    { "be_writing", be_writing, false },
    { 0 },
};

/* Has another process do it: one of ours, or with METHODS an unrelated one. */
static void have_done(fb_mp_run run, const char *program, size_t way, const char *name)
{
    if (way == METHODS) {
        segment_give(name);
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

/* W12: a process writes 1,000 doubles, another one that attaches by the name adds them up. */
static void sums_agree(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    for (size_t way = 0; way <= METHODS; way++) {
        struct fb_mp_segment *segment = segment_make(name, (DOUBLES + 1) * sizeof(double));
        have_done(write_and_sum, "be_writing", way, name);
        double sum = add_up(segment);
        assert_true(sum > 5 && sum < 7);
        assert_memory_equal(sum_of(segment), &sum, sizeof sum);
        *sum_of(segment) = 0;
        have_done(sum_up, "be_summing", way, name);
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
        memory = fb_mp_segment_memory(other); /* who has attached it keeps the memory */
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

static void what_is_no_name_is_refused(void **state)
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
    assert_false(segment_is_there(own));
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

static void names_are_found(void **state)
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

static void closing_is_no_unlinking(void **state)
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

/* ---- room ---- */

/* What a creation takes is there: filling it can't fail. */
static int fill_all_there_is(void *context)
{
    struct statvfs status;
    struct fb_mp_segment *segment;
    const char *name = context;
    if (statvfs(SEGMENTS_FOLDER, &status) != 0)
        return 1;
    size_t size = status.f_bavail * status.f_frsize;
    int result = fb_mp_segment_create(name, size, &segment);
    if (result == -ENOSPC || result == -ENOMEM) /* somebody else was faster */
        return segment_is_there(name);
    if (result != 0)
        return 2;
    memset(fb_mp_segment_memory(segment), 'f', size);
    fb_mp_segment_close(segment);
    return fb_mp_segment_unlink(name) != 0;
}

static void more_than_there_is(void **state)
{
    (void)state;
    struct statvfs before, after;
    char name[NAME_SIZE];
    struct fb_mp_segment *segment = NULL;
    assert_int_equal(statvfs(SEGMENTS_FOLDER, &before), 0);
    size_t there = before.f_blocks * before.f_frsize, left = before.f_bavail * before.f_frsize;
    if (there == 0) /* no limit */
        skip();
    segment_name(name);
    unsigned open_before = descriptors_open();
    int result = fb_mp_segment_create(name, there + 1, &segment);
    assert_true(result == -ENOSPC || result == -ENOMEM);
    assert_int_equal(fb_mp_segment_create(name, SIZE_MAX, &segment), -EFBIG);
    result = fb_mp_segment_create(name, (size_t)INT64_MAX, &segment);
    assert_true(result == -ENOSPC || result == -ENOMEM || result == -EFBIG);
    assert_null(segment);
    assert_false(segment_is_there(name));
    assert_int_equal(descriptors_open(), open_before);
    if (segments_are_private()) {
        assert_int_equal(statvfs(SEGMENTS_FOLDER, &after), 0);
        assert_int_equal(after.f_bavail, before.f_bavail);
        assert_int_equal(fb_mp_segment_create(name, left + 1, &segment), -ENOSPC);
    }
    if (left <= (size_t)1 << 28)
        assert_int_equal(forked_end(forked_run(fill_all_there_is, name)), 0);
}

/* ---- leaks ---- */

static unsigned mappings(void)
{
    unsigned lines = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    assert_non_null(file);
    for (int byte; (byte = fgetc(file)) != EOF;)
        lines += byte == '\n';
    fclose(file);
    return lines;
}

/* In each order in which the three ends can come. */
static void use_once(const char *name, int order)
{
    struct fb_mp_segment *first, *second;
    assert_int_equal(fb_mp_segment_create(name, 5000, &first), 0);
    assert_int_equal(fb_mp_segment_attach(name, &second), 0);
    *(char *)fb_mp_segment_memory(first) = 'x';
    assert_int_equal(*(char *)fb_mp_segment_memory(second), 'x');
    if (order == 0)
        assert_int_equal(fb_mp_segment_unlink(name), 0);
    fb_mp_segment_close(order % 2 ? first : second);
    if (order == 1)
        assert_int_equal(fb_mp_segment_unlink(name), 0);
    fb_mp_segment_close(order % 2 ? second : first);
    if (order == 2)
        assert_int_equal(fb_mp_segment_unlink(name), 0);
}

static void nothing_leaks(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    segment_name(name);
    for (int order = 0; order < 3; order++)
        use_once(name, order);
    unsigned open_before = descriptors_open(), mapped = mappings();
    for (int i = 0; i < 10000; i++)
        use_once(name, i % 3);
    assert_int_equal(descriptors_open(), open_before);
    assert_true(mappings() <= mapped + 2); /* the C library's own memory may have grown */
    assert_false(segment_is_there(name));
}

/* A closed segment keeps its name, and for that one descriptor, however often it is attached; even
 * if somebody else unlinks it, that is given up. */
static int unlink_it(void *context)
{
    return fb_mp_segment_unlink(context) != 0;
}

static void a_closed_one_keeps_a_descriptor(void **state)
{
    (void)state;
    char name[NAME_SIZE], other[NAME_SIZE];
    unsigned open_before = descriptors_open();
    struct fb_mp_segment *segment = segment_make(name, 10);
    fb_mp_segment_close(segment);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(fb_mp_segment_attach(name, &segment), 0);
        fb_mp_segment_close(segment);
    }
    assert_int_equal(descriptors_open(), open_before + 1);
    assert_int_equal(forked_end(forked_run(unlink_it, name)), 0);
    segment = segment_make(other, 10);
    assert_int_equal(descriptors_open(), open_before + 1);
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_unlink(other), 0);
    assert_int_equal(descriptors_open(), open_before);
}

/* The tracker is nobody's child: a program that waits for its own never sees it. */
static void no_child_appears(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    struct fb_mp_segment *segment = segment_make(name, 10);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    const struct self_program *program = self_program(programs, argc, argv);
    if (program)
        return self_be(program, argv);
    segments_separate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_child_appears),
        cmocka_unit_test(sums_agree),
        cmocka_unit_test(a_segment_is_zeroed_and_of_its_size),
        cmocka_unit_test(a_name_has_one_segment),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(closing_is_no_unlinking),
        cmocka_unit_test(more_than_there_is),
        cmocka_unit_test(nothing_leaks),
        cmocka_unit_test(a_closed_one_keeps_a_descriptor),
    };
    return RUN_TESTS(tests);
}
