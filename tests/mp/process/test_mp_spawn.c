/* harness/mp/process/process.h: descriptors, arguments and names of processes; that none of them
 * leak. */
#include "tests/support/support.h"

#include "tests/mp/shared_page.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/process/process.h"
#include "harness/mp/channel/wait.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Spawning takes long under a sanitizer. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define MANY 50
#else
#define MANY 1000
#endif

#define FILES 4
#define BIG ((size_t)1 << 20)

/* What processes report. */
struct shared_page {
    char letters[FB_MP_FDS + 1]; /* of the files passed, in order */
    char stray[64];              /* a descriptor of a spawned process that was not passed */
    int beyond;                  /* fb_mp_descriptor after the last one */
    pid_t parent, real_parent;
    int ended_parents;
    char name[FB_MP_NAME];
};

static int files[FILES]; /* each contains one letter; most processes must not get them */

/* ---- what processes do ---- */

static int return_first(const void *argument, size_t size)
{
    return size ? *(const unsigned char *)argument : 0;
}

static int check_pattern(const void *argument, size_t size)
{
    const unsigned char *bytes = argument;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != (unsigned char)(i * 7 + i / 256))
            return 1;
    return size == BIG ? 0 : 2;
}

static int check_no_argument(const void *argument, size_t size)
{
    (void)argument;
    return size == 0 ? 0 : 1;
}

static int report_self(const void *argument, size_t size)
{
    (void)size;
    struct shared_page *given = shared_page_of(argument);
    bool ended = true;
    given->parent = fb_mp_parent_pid();
    given->real_parent = getppid();
    given->ended_parents = fb_mp_wait((int[]){ fb_mp_parent_sentinel() }, 1, 0, &ended);
    snprintf(given->name, sizeof given->name, "%s", fb_mp_self_name());
    return 0;
}

static bool was_given(int fd)
{
    for (size_t i = 0; fb_mp_descriptor(i) >= 0; i++)
        if (fb_mp_descriptor(i) == fd)
            return true;
    return fd <= STDERR_FILENO || fd == fb_mp_parent_sentinel();
}

static void find_stray_descriptors(struct shared_page *given)
{
    DIR *folder = opendir("/proc/self/fd");
    char path[64], target[64];
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(folder) || was_given(fd))
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (strncmp(target, "/memfd:fb-mp-heap", 17) != 0)
            snprintf(given->stray, sizeof given->stray, "%d: %.40s", fd, target);
    }
    if (folder)
        closedir(folder);
}

static int report_descriptors(const void *argument, size_t size)
{
    (void)size;
    struct shared_page *given = shared_page_of(argument);
    size_t count = 0;
    for (; fb_mp_descriptor(count) >= 0; count++)
        if (pread(fb_mp_descriptor(count), &given->letters[count], 1, 0) != 1)
            given->letters[count] = '?';
    given->letters[count] = '\0';
    given->beyond = fb_mp_descriptor(count + 1);
    find_stray_descriptors(given);
    return 0;
}

/* The descriptor passed is a sibling's sentinel, and must not have become another process's. */
static int wait_for_sentinel(const void *argument, size_t size)
{
    (void)argument, (void)size;
    bool ready;
    return fb_mp_wait((int[]){ fb_mp_descriptor(0) }, 1, LIMIT_NS, &ready) != 1;
}

static int check_alignment(const void *argument, size_t size)
{
    (void)size;
    return (int)((uintptr_t)argument % _Alignof(max_align_t));
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(wait_for_sentinel),  FB_MP_RUN(check_alignment),
    FB_MP_RUN(return_first),       FB_MP_RUN(check_pattern),
    FB_MP_RUN(check_no_argument),  FB_MP_RUN(report_self),
    FB_MP_RUN(report_descriptors), { 0 },
};

/* ---- */

/* Options of a process that reports on the shared page. */
static struct fb_mp_process_options with_shared_page(fb_mp_run run, enum fb_mp_method method)
{
    return (struct fb_mp_process_options){
        .run = run, .argument = &shared_page, .size = sizeof shared_page, .method = method
    };
}

/* ---- descriptors and arguments ---- */

static void descriptors_keep_their_order(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        int index[6];
        const char *letters;
    } cases[] = {
        { 0, { 0 }, "" },
        { 4, { 0, 1, 2, 3 }, "abcd" },
        { 4, { 3, 2, 1, 0 }, "dcba" },
        { 3, { 2, 2, 2 }, "ccc" },
        { 6, { 1, 0, 1, 3, 0, 2 }, "babdac" },
    };
    for (size_t m = 0; m < METHODS; m++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int fd[6];
            for (size_t k = 0; k < cases[i].count; k++)
                fd[k] = files[cases[i].index[k]];
            struct fb_mp_process_options options = with_shared_page(report_descriptors, methods[m]);
            options.fd = fd;
            options.fds = cases[i].count;
            memset(shared_page, 0, sizeof *shared_page);
            assert_int_equal(ended(started(options)), 0);
            assert_string_equal(shared_page->letters, cases[i].letters);
            assert_int_equal(shared_page->beyond, -1);
            if (methods[m] == FB_MP_SPAWN)
                assert_string_equal(shared_page->stray, "");
        }
}

static void a_sentinel_can_be_passed_on(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process *sibling = started(
            (struct fb_mp_process_options){ .run = check_no_argument, .method = methods[m] });
        int fd = fb_mp_process_sentinel(sibling);
        assert_int_equal(
            ended(started((struct fb_mp_process_options){
                .run = wait_for_sentinel, .fd = &fd, .fds = 1, .method = methods[m] })),
            0);
        assert_int_equal(ended(sibling), 0);
    }
}

static void arguments_are_aligned(void **state)
{
    (void)state;
    const max_align_t argument = { 0 };
    for (size_t m = 0; m < METHODS; m++)
        assert_int_equal(ended(started((struct fb_mp_process_options){ .run = check_alignment,
                                                                       .argument = &argument,
                                                                       .size = sizeof argument,
                                                                       .method = methods[m] })),
                         0);
}

static void the_most_descriptors_can_be_passed(void **state)
{
    (void)state;
    int fd[FB_MP_FDS + 1];
    char letters[FB_MP_FDS + 1] = "";
    for (int i = 0; i <= FB_MP_FDS; i++)
        fd[i] = files[i * 3 % FILES];
    for (int i = 0; i < FB_MP_FDS; i++)
        letters[i] = (char)('a' + i * 3 % FILES);
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process_options options = with_shared_page(report_descriptors, methods[m]);
        struct fb_mp_process *process = NULL;
        struct fb_error error;
        options.fd = fd;
        options.fds = FB_MP_FDS;
        memset(shared_page, 0, sizeof *shared_page);
        assert_int_equal(ended(started(options)), 0);
        assert_string_equal(shared_page->letters, letters);
        options.fds = FB_MP_FDS + 1;
        assert_int_equal(fb_mp_process_start(&options, &process, &error), -EINVAL);
        assert_null(process);
    }
}

static void arguments_may_have_any_size(void **state)
{
    (void)state;
    unsigned char *bytes = malloc(BIG);
    assert_non_null(bytes);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process_options options = { .run = check_no_argument, .method = methods[m] };
        assert_int_equal(ended(started(options)), 0);
        options.argument = bytes; /* an address, but no bytes */
        assert_int_equal(ended(started(options)), 0);
        options.run = check_pattern;
        options.size = BIG;
        assert_int_equal(ended(started(options)), 0);
    }
    free(bytes);
}

static void a_process_has_its_parent_and_name(void **state)
{
    (void)state;
    char name[201];
    memset(name, 'n', 200);
    name[200] = '\0';
    assert_int_equal(fb_mp_parent_pid(), 0);
    assert_int_equal(fb_mp_parent_sentinel(), -1);
    assert_int_equal(fb_mp_descriptor(0), -1);
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process_options options = with_shared_page(report_self, methods[m]);
        options.name = name;
        struct fb_mp_process *process = started(options);
        assert_int_equal(strlen(fb_mp_process_name(process)), FB_MP_NAME - 1);
        assert_int_equal(ended(process), 0);
        assert_int_equal(shared_page->parent, getpid());
        assert_int_equal(shared_page->real_parent, getpid());
        assert_int_equal(shared_page->ended_parents, 0);
        assert_int_equal(strlen(shared_page->name), FB_MP_NAME - 1);
        assert_int_equal(strspn(shared_page->name, "n"), FB_MP_NAME - 1);
    }
}

static void a_thousand_processes_leave_nothing_behind(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process_options options = { .run = return_first, .method = methods[m] };
        for (int i = 0; i < 10; i++) /* for what is made only once */
            assert_int_equal(ended(started(options)), 0);
        unsigned open = descriptors_open();
        size_t used = mallinfo2().uordblks;
        for (int i = 0; i < MANY; i++)
            assert_int_equal(ended(started(options)), 0);
        assert_int_equal(descriptors_open(), open);
        assert_in_range(mallinfo2().uordblks, 0, used + 10000);
    }
}

/* ---- main ---- */

/* Before the heap is made, so that they have the numbers that descriptors get in a spawned process. */
static void make_files(void)
{
    for (int i = 0; i < FILES; i++) {
        files[i] = memfd_create("letter", 0);
        if (files[i] < 0 || write(files[i], &"abcd"[i], 1) != 1)
            abort();
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    make_files();
    fb_mp_heap_make();
    const struct CMUnitTest tests[] = {
        WITH_SHARED_PAGE(descriptors_keep_their_order),
        WITH_SHARED_PAGE(the_most_descriptors_can_be_passed),
        cmocka_unit_test(a_sentinel_can_be_passed_on),
        cmocka_unit_test(arguments_are_aligned),
        cmocka_unit_test(arguments_may_have_any_size),
        WITH_SHARED_PAGE(a_process_has_its_parent_and_name),
        cmocka_unit_test(a_thousand_processes_leave_nothing_behind),
    };
    return RUN_TESTS(tests);
}
