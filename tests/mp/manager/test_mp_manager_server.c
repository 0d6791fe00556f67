/* harness/mp/manager/manager_server.c, manager_stream.c: the server's descriptors, its memory, and when it
 * ends. */
#include "tests/mp/manager/manager_fixture.h"

#include "tests/support/programs/background_program.h"
#include "tests/support/programs/rerun_self.h"

#include "harness/mp/process/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fb_mp_proxy *shared;

/* ---- descriptors ---- */

static int manager_finish(void **state)
{
    fb_mp_log_to(STDERR_FILENO, FB_MP_LOG_OFF);
    return managed_finish(state);
}

static void start_forked(void)
{
    struct fb_error error;
    if (fb_mp_manager_start(FB_MP_FORK, &manager, &error) < 0)
        fail_msg("%s", error.text);
}

/* Moves a descriptor to a number that is at least lowest. */
static int move_up(int fd, int lowest)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
    assert_true(moved >= lowest);
    close(fd);
    return moved;
}

/* Whether a descriptor refers to the same file in this process and in another one. */
static bool has_same(pid_t pid, int fd)
{
    char path[64];
    struct stat ours, its;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    assert_int_equal(fstat(fd, &ours), 0);
    return stat(path, &its) == 0 && its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

/* The server keeps the log's descriptor, even after enough connections to use all lower numbers. */
static void check_log_is_kept(int fd)
{
    enum { CLIENTS = 80 };
    int client[CLIENTS];
    fb_mp_log_to(fd, FB_MP_LOG_DEBUG);
    start_forked();
    pid_t server = managed_server();
    assert_true(has_same(server, fd));
    for (int i = 0; i < CLIENTS; i++)
        assert_true((client[i] = managed_connect()) >= 0);
    DONE(fb_mp_list_make(manager, &shared)); /* the server has accepted all earlier connections */
    assert_true(has_same(server, fd));
    for (int i = 0; i < CLIENTS; i++)
        close(client[i]);
    fb_mp_proxy_close(shared);
    fb_mp_manager_close(manager);
    manager = NULL;
}

/* A file and a pipe, with numbers below and above the descriptor by which the server reports that it listens. */
static void a_forked_server_keeps_the_log(void **state)
{
    (void)state;
    static const int lowest[] = { 3, 60 };
    for (size_t i = 0; i < sizeof lowest / sizeof *lowest; i++) {
        int ends[2], fd = move_up(memfd_create("log", MFD_CLOEXEC), lowest[i]);
        check_log_is_kept(fd);
        close(fd);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        ends[1] = move_up(ends[1], lowest[i]);
        check_log_is_kept(ends[1]);
        close(ends[0]);
        close(ends[1]);
    }
}

/* Pipes with numbers below, between and above the two descriptors that the server keeps at first. */
static void a_forked_server_holds_no_pipe(void **state)
{
    (void)state;
    static const int lowest[] = { 3, 30, 70 }, of_log[] = { 3, 50 };
    enum { PIPES = 3 };
    for (size_t i = 0; i < sizeof of_log / sizeof *of_log; i++) {
        int ends[PIPES][2];
        char byte;
        for (int k = 0; k < PIPES; k++) {
            assert_int_equal(pipe2(ends[k], O_CLOEXEC | O_NONBLOCK), 0);
            ends[k][1] = move_up(ends[k][1], lowest[k]);
        }
        int log = move_up(memfd_create("log", MFD_CLOEXEC), of_log[i]);
        fb_mp_log_to(log, FB_MP_LOG_DEBUG);
        start_forked();
        for (int k = 0; k < PIPES; k++) {
            assert_int_equal(read(ends[k][0], &byte, 1),
                             -1); /* this process has the other end open */
            close(ends[k][1]);
            assert_int_equal(read(ends[k][0], &byte, 1), 0); /* and no other process has */
            close(ends[k][0]);
        }
        close(log);
        fb_mp_manager_close(manager);
        manager = NULL;
    }
}

static void wait_for_room(const struct fb_mp_manager_address *address)
{
    struct fb_mp_manager *other;
    int result;
    for (uint64_t limit = clock_ms() + LIMIT_MS;
         (result = fb_mp_manager_connect(address, &other)) != 0; sched_yield()) {
        assert_int_equal(result, -EMFILE);
        assert_true(clock_ms() < limit);
    }
    fb_mp_manager_close(other);
}

static void too_many_connections_are_refused(void **state)
{
    (void)state;
    enum { ROOM = 40 };
    struct fb_mp_manager_address address;
    struct fb_mp_manager *other[ROOM], *none = NULL;
    int count = 0, result = 0;
    fb_mp_manager_address(manager, &address);
    DONE(fb_mp_list_make(manager, &shared));
    assert_int_equal(prlimit(managed_server(), RLIMIT_NOFILE, &(struct rlimit){ ROOM, ROOM }, NULL),
                     0);
    while (count < ROOM && (result = fb_mp_manager_connect(&address, &other[count])) == 0)
        count++;
    assert_int_equal(result, -EMFILE);
    assert_true(count > 0);
    for (int i = 0; i < 100; i++) /* each attempt is refused */
        assert_int_equal(fb_mp_manager_connect(&address, &none), -EMFILE);
    assert_null(none);
    DONE(fb_mp_list_append(shared, N(1))); /* existing connections continue */
    while (count > 0) {
        fb_mp_manager_close(other[--count]);
        wait_for_room(&address);
    }
    DONE(fb_mp_list_copy(shared, &value));
    IS(0, "[1]");
    fb_mp_proxy_close(shared);
}

/* ---- memory ---- */

#define LARGE ((size_t)20 << 20)
#define KEPT ((size_t)12 << 20) /* may stay allocated */

/* The process's resident memory, in bytes. */
static size_t resident(pid_t pid)
{
    char path[64], line[200];
    size_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %zu", &kib) == 1)
            break;
    fclose(file);
    assert_true(kib > 0);
    return kib << 10;
}

static void memory_of_a_large_value_is_returned(void **state)
{
    (void)state;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    skip(); /* sanitizers don't return freed memory */
#endif
    pid_t server = managed_server();
    char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    memset(bytes, 'x', LARGE);
    DONE(fb_mp_managed_value_make(manager, fb_mp_nil(), &shared));
    size_t before = resident(server);
    DONE(fb_mp_managed_value_set(shared, fb_mp_bytes(bytes, LARGE)));
    DONE(fb_mp_managed_value_get(shared, &value));
    assert_int_equal(value.size, LARGE);
    assert_memory_equal(value.bytes, bytes, LARGE);
    fb_mp_object_free(&value);
    free(bytes);
    assert_true(resident(server) >= before + LARGE);
    DONE(fb_mp_managed_value_set(shared, fb_mp_nil()));
    for (uint64_t limit = clock_ms() + LIMIT_MS; resident(server) >= before + KEPT; sched_yield())
        if (clock_ms() > limit)
            fail_msg("%zu bytes, %zu before", resident(server), before);
    fb_mp_proxy_close(shared);
}

/* ---- the server's end ---- */

static int have_server(enum fb_mp_method method)
{
    struct fb_error error;
    int result = fb_mp_manager_start(method, &manager, &error);
    self_say("r");
    return result < 0;
}

static int have_server_and_stay(enum fb_mp_method method)
{
    if (have_server(method))
        return 1;
    for (;;)
        pause();
}

static const struct self_program programs[] = { { "have_server", have_server, false },
                                                { "have_server_and_stay", have_server_and_stay,
                                                  false },
                                                { 0 } };

static void the_server_ends_with_its_parent(void **state)
{
    (void)state;
    char mark[MARK_SIZE], text[SELF_TEXT];
    for (size_t i = 0; i < 2 * METHODS; i++) {
        bool killed = i / METHODS;
        mark_new(mark);
        struct self self =
            self_start(killed ? "have_server_and_stay" : "have_server", methods[i % METHODS]);
        assert_int_equal(read(self.out, text, 1), 1);
        if (killed)
            kill(self.pid, SIGKILL);
        assert_int_equal(self_finish(&self, text), killed ? -SIGKILL : 0);
        assert_true(wait_for_none_marked(mark));
    }
}

static void an_interrupt_does_not_end_the_server(void **state)
{
    (void)state;
    pid_t server = managed_server();
    DONE(fb_mp_list_make(manager, &shared));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(kill(server, SIGINT), 0);
        DONE(fb_mp_list_append(shared, N(i)));
    }
    fb_mp_proxy_close(shared);
}

static const struct fb_mp_task tasks[] = { { 0 } };

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    const struct self_program *program = self_program(programs, argc, argv);
    if (program)
        return self_be(program, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_forked_server_keeps_the_log, manager_finish),
        cmocka_unit_test_teardown(a_forked_server_holds_no_pipe, manager_finish),
        UNDER_BOTH(too_many_connections_are_refused),
        UNDER_BOTH(memory_of_a_large_value_is_returned),
        cmocka_unit_test(the_server_ends_with_its_parent),
        UNDER_BOTH(an_interrupt_does_not_end_the_server),
    };
    return RUN_TESTS(tests);
}
