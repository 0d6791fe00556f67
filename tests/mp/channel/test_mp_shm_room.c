/* harness/mp/channel/shm.c: segments that are too large, and leaks of closed ones. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/channel/segment_fixture.h"
#include "tests/support/programs/rerun_self.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

/* ---- room ---- */

/* The memory of a segment is reserved: filling it can't fail. */
static int fill_all_memory(void *context)
{
    struct statvfs status;
    struct fb_mp_segment *segment;
    const char *name = context;
    if (statvfs(SEGMENTS_FOLDER, &status) != 0)
        return 1;
    size_t size = status.f_bavail * status.f_frsize;
    int result = fb_mp_segment_create(name, size, &segment);
    if (result == -ENOSPC || result == -ENOMEM) /* another program has taken some of it */
        return segment_exists(name);
    if (result != 0)
        return 2;
    memset(fb_mp_segment_memory(segment), 'f', size);
    fb_mp_segment_close(segment);
    return fb_mp_segment_unlink(name) != 0;
}

static void too_large_segments_are_refused(void **state)
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
    assert_false(segment_exists(name));
    assert_int_equal(descriptors_open(), open_before);
    if (segments_are_private()) {
        assert_int_equal(statvfs(SEGMENTS_FOLDER, &after), 0);
        assert_int_equal(after.f_bavail, before.f_bavail);
        assert_int_equal(fb_mp_segment_create(name, left + 1, &segment), -ENOSPC);
    }
    if (left <= (size_t)1 << 28)
        assert_int_equal(forked_end(forked_run(fill_all_memory, name)), 0);
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

/* Closes both handles and unlinks the name; order: when the name is unlinked. */
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
    assert_false(segment_exists(name));
}

/* A closed segment keeps one descriptor for its name, however often it was attached. The descriptor
 * is closed after the name was unlinked, even by another process. */
static int unlink_it(void *context)
{
    return fb_mp_segment_unlink(context) != 0;
}

static void a_closed_segment_keeps_one_descriptor(void **state)
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

/* The tracker is not a child of the process that started it. */
static void the_tracker_is_not_a_child(void **state)
{
    (void)state;
    char name[NAME_SIZE];
    struct fb_mp_segment *segment = segment_make(name, 10);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    fb_mp_segment_close(segment);
    assert_int_equal(fb_mp_segment_unlink(name), 0);
}

static const struct fb_mp_task tasks[] = { { 0 } };

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    segments_separate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tracker_is_not_a_child),
        cmocka_unit_test(too_large_segments_are_refused),
        cmocka_unit_test(nothing_leaks),
        cmocka_unit_test(a_closed_segment_keeps_one_descriptor),
    };
    return RUN_TESTS(tests);
}
