/* harness/mp/process/process.c, spawn.c: starting, joining and ending processes, by fork and spawn. */
#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/process/process.h"
#include "harness/mp/channel/wait.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what processes do ---- */

static int return_first(const void *argument, size_t size)
{
    return size ? *(const unsigned char *)argument : 0;
}

static int sleep_for_ever(const void *argument, size_t size)
{
    (void)argument, (void)size;
    for (;;)
        pause();
    return 0;
}

static int count_up(const void *argument, size_t size)
{
    _Atomic uint32_t *counter;
    if (size != sizeof counter)
        return 1;
    memcpy(&counter, argument, sizeof counter);
    atomic_fetch_add(counter, 1);
    return 0;
}

static int check_name(const void *argument, size_t size)
{
    (void)size;
    return strcmp(fb_mp_self_name(), argument) != 0;
}

static int abort_at_once(const void *argument, size_t size)
{
    (void)argument, (void)size;
    signal(SIGABRT, SIG_DFL);
    abort();
}

/* The number of open pidfds. */
static int count_pidfds(const void *argument, size_t size)
{
    (void)argument, (void)size;
    int count = 0;
    char path[320], target[64];
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        count += strstr(target, "pidfd") != NULL; /* "anon_inode:[pidfd]" or "pidfd:[NUMBER]" */
    }
    if (folder)
        closedir(folder);
    return count;
}

/* The number of pidfds in a child of this process. */
static int count_pidfds_of_child(const void *argument, size_t size)
{
    (void)argument, (void)size;
    int code = 1000;
    struct fb_mp_process *process;
    struct fb_mp_process_options options = { .run = count_pidfds };
    if (fb_mp_process_start(&options, &process, NULL) < 0 ||
        fb_mp_process_join(process, LIMIT_NS) < 0 || fb_mp_process_exit_code(process, &code) < 0)
        return 100;
    return code;
}

static int not_in_the_table(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return 0;
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(return_first), FB_MP_RUN(sleep_for_ever), FB_MP_RUN(count_up),
    FB_MP_RUN(check_name),   FB_MP_RUN(abort_at_once),  { 0 },
};

/* ---- */

static void exit_codes_are_returned(void **state)
{
    (void)state;
    static const unsigned char codes[] = { 0, 1, 7, 127, 128, 255 };
    for (size_t m = 0; m < METHODS; m++)
        for (size_t i = 0; i < sizeof codes; i++)
            assert_int_equal(
                ended(started((struct fb_mp_process_options){
                    .run = return_first, .argument = &codes[i], .size = 1, .method = methods[m] })),
                codes[i]);
}

static void signals_are_returned_as_negative_exit_codes(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process_options options = { .run = sleep_for_ever, .method = methods[m] };
        struct fb_mp_process *process = started(options);
        assert_true(fb_mp_process_is_alive(process));
        assert_int_equal(fb_mp_process_join(process, 0), -ETIMEDOUT);
        assert_int_equal(fb_mp_process_join(process, 20 * FB_MP_MILLISECOND), -ETIMEDOUT);
        int code;
        assert_int_equal(fb_mp_process_exit_code(process, &code), -EAGAIN);
        assert_int_equal(fb_mp_process_close(process), -EBUSY);
        assert_int_equal(fb_mp_process_kill(process), 0);
        assert_int_equal(ended(process), -SIGKILL);
        process = started(options);
        assert_int_equal(fb_mp_process_terminate(process), 0);
        assert_int_equal(ended(process), -SIGTERM);
        options.run = abort_at_once;
        assert_int_equal(ended(started(options)), -SIGABRT);
    }
}

static void shared_memory_is_shared(void **state)
{
    (void)state;
    void *memory;
    assert_int_equal(fb_mp_alloc(sizeof(uint32_t), &memory), 0);
    _Atomic uint32_t *counter = memory;
    for (size_t m = 0; m < METHODS; m++)
        for (int i = 0; i < 10; i++)
            assert_int_equal(ended(started((struct fb_mp_process_options){
                                 .run = count_up,
                                 .argument = &memory,
                                 .size = sizeof memory,
                                 .shared = (const void *const[]){ memory },
                                 .shareds = 1,
                                 .method = methods[m] })),
                             0);
    assert_int_equal(*counter, 20);
    assert_int_equal(fb_mp_free(memory), 0);
    assert_int_equal(fb_mp_heap_used(), 0);
}

static void processes_have_names(void **state)
{
    (void)state;
    assert_string_equal(fb_mp_self_name(), "MainProcess");
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process_options options = { .run = check_name,
                                                 .argument = "worker seven",
                                                 .size = 13,
                                                 .name = "worker seven",
                                                 .method = methods[m] };
        assert_int_equal(ended(started(options)), 0);
    }
    struct fb_mp_process *process = started((struct fb_mp_process_options){ .run = return_first });
    assert_int_equal(strncmp(fb_mp_process_name(process), "Process-", 8), 0);
    assert_int_equal(ended(process), 0);
}

static void a_hundred_processes_run_at_once(void **state)
{
    (void)state;
    struct fb_mp_process *process[100];
    for (size_t m = 0; m < METHODS; m++) {
        for (int i = 0; i < 100; i++)
            process[i] = started(
                (struct fb_mp_process_options){ .run = sleep_for_ever, .method = methods[m] });
        for (int i = 0; i < 100; i++)
            assert_int_equal(fb_mp_process_kill(process[i]), 0);
        for (int i = 0; i < 100; i++)
            assert_int_equal(ended(process[i]), -SIGKILL);
    }
}

/* A forked process has its parent's sentinel, and none of its siblings or grandparents. */
static void a_forked_process_has_one_pidfd(void **state)
{
    (void)state;
    struct fb_mp_process *sibling[3];
    for (int i = 0; i < 3; i++)
        sibling[i] =
            started((struct fb_mp_process_options){ .run = sleep_for_ever, .daemon = true });
    assert_int_equal(count_pidfds(NULL, 0), 3);
    assert_int_equal(ended(started((struct fb_mp_process_options){ .run = count_pidfds })), 1);
    assert_int_equal(ended(started((struct fb_mp_process_options){ .run = count_pidfds_of_child })),
                     1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fb_mp_process_kill(sibling[i]), 0);
        assert_int_equal(ended(sibling[i]), -SIGKILL);
    }
}

static void invalid_options_are_refused(void **state)
{
    (void)state;
    struct fb_mp_process *process;
    struct fb_error error;
    int private;
    struct fb_mp_process_options options = { .run = not_in_the_table, .method = FB_MP_SPAWN };
    assert_int_equal(fb_mp_process_start(&options, &process, &error), -ENOENT);
    options.run = NULL;
    assert_int_equal(fb_mp_process_start(&options, &process, &error), -EINVAL);
    options = (struct fb_mp_process_options){ .run = return_first,
                                              .shared = (const void *const[]){ &private },
                                              .shareds = 1,
                                              .method = FB_MP_SPAWN };
    assert_int_equal(fb_mp_process_start(&options, &process, &error), -EFAULT);
    signal(SIGCHLD, SIG_IGN);
    options = (struct fb_mp_process_options){ .run = return_first };
    assert_int_equal(fb_mp_process_start(&options, &process, &error), -EINVAL);
    signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_are_returned),
        cmocka_unit_test(signals_are_returned_as_negative_exit_codes),
        cmocka_unit_test(shared_memory_is_shared),
        cmocka_unit_test(processes_have_names),
        cmocka_unit_test(a_hundred_processes_run_at_once),
        cmocka_unit_test(a_forked_process_has_one_pidfd),
        cmocka_unit_test(invalid_options_are_refused),
    };
    return RUN_TESTS(tests);
}
