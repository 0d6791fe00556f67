/* kernels/waiting/download.c and bench/trial/server.c: documents arrive complete, and failed items have reasons. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/support/server_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct result {
    int32_t status;
    uint32_t reserved;
    uint64_t bytes, digest;
};

/* ---- the server ---- */

/* Fetches path without libcurl. Returns the size of the whole answer, head and body. */
static size_t ask(const char *url, const char *method, const char *path, char *answer, size_t room)
{
    char request[300];
    unsigned port = 0;
    assert_int_equal(sscanf(url, "http://127.0.0.1:%u", &port), 1);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    int size = snprintf(request, sizeof request, "%s %s HTTP/1.0\r\n\r\n", method, path);
    assert_int_equal(write(fd, request, (size_t)size), size);
    size_t have = 0;
    for (ssize_t got; (got = read(fd, answer + have, room - 1 - have)) > 0;)
        have += (size_t)got;
    close(fd);
    answer[have] = '\0';
    return have;
}

static void the_server_sends_known_bytes(void **state)
{
    (void)state;
    static const unsigned char document_1[] = { 0xc1, 0x5c, 0x02, 0x89, 0xec, 0x2d, 0x0a,
                                                0x91, 0x67, 0xec, 0x8e, 0x65, 0xa1, 0x8d,
                                                0xeb, 0xbe, 0x5e, 0x55, 0x32, 0xfb };
    char answer[2000];
    size_t size = ask(serving.url, "GET", "/20/0/1", answer, sizeof answer);
    assert_non_null(strstr(answer, " 200 OK\r\n"));
    assert_non_null(strstr(answer, "\r\nContent-Length: 20\r\n"));
    assert_true(size > sizeof document_1);
    assert_memory_equal(answer + size - sizeof document_1, document_1, sizeof document_1);
}

static void unknown_documents_are_404(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/",
        "/5",
        "/5/0",
        "/5/0/",
        "/5/0/0/",
        "/5/0/0x",
        "/x/0/0",
        "//5/0/0",
        "/-1/0/0",
        "/5/0/0/0",
        "/document_1",
        "/5/0/0%20",
        "/5 /0/0/0",
        "/../../x",
        "/1073741825/0/0",
        "/5/60000001/0",
        "/99999999999999999999/0/0",
    };
    char answer[2000];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ask(serving.url, "GET", paths[i], answer, sizeof answer);
        if (!strstr(answer, " 404 ") && !strstr(answer, " 400 "))
            fail_msg("%s: %.*s", paths[i], (int)strcspn(answer, "\r"), answer);
    }
    ask(serving.url, "DELETE", "/5/0/0", answer, sizeof answer);
    assert_non_null(strstr(answer, " 404 "));
}

static void several_servers_run_at_once(void **state)
{
    (void)state;
    struct fb_server other;
    char answer[2000];
    assert_int_equal(fb_server_start(&other, NULL), 0);
    assert_string_not_equal(other.url, serving.url);
    for (int i = 0; i < 2; i++) {
        ask(i ? other.url : serving.url, "GET", "/9/0/1", answer, sizeof answer);
        assert_non_null(strstr(answer, " 200 OK\r\n"));
    }
    fb_server_end(&other);
    assert_string_equal(other.url, "");
    fb_server_end(&other); /* the second call has no effect */
    ask(serving.url, "GET", "/9/0/1", answer, sizeof answer);
    assert_non_null(strstr(answer, " 200 OK\r\n"));
}

/* SIGINT goes to the whole process group; the process that started the server ends it. */
static void ctrl_c_does_not_end_the_server(void **state)
{
    (void)state;
    char answer[2000];
    assert_int_equal(kill(serving.child.pid, SIGINT), 0);
    ask(serving.url, "GET", "/9/0/1", answer, sizeof answer);
    assert_non_null(strstr(answer, " 200 OK\r\n"));
    assert_int_equal(waitpid(serving.child.pid, NULL, WNOHANG), 0);
}

/* ---- documents ---- */

/* Three documents of each size. The digests were computed in Python, with another splitmix64. */
static void documents_are_complete_and_correct(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint64_t one, all; /* digest of document 1, and of the job */
        const char *answer;
    } known[] = {
        { "0", 0, 0xcbd37ad29b93b094, "3 documents, 0 bytes" },
        { "1", 0xf7bb2b266558a3d8, 0x61f661c27a9e9bf4, "3 documents, 3 bytes" },
        { "7", 0x249b464d7ee5bed5, 0x095409503c1d725c, "3 documents, 21 bytes" },
        { "8", 0x2c255cac878803d9, 0xda26feae189723b1, "3 documents, 24 bytes" },
        { "9", 0xdbe337ac65b91366, 0x47a04348f65a3057, "3 documents, 27 bytes" },
        { "100000", 0x354e3f4e927534b8, 0xfc0c5e0369b529fc, "3 documents, 300000 bytes" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct task task;
        char text[100];
        serving_task(&task, "3", known[i].bytes, i % 2 ? "100" : "0");
        task_run_single(&task, serving_arena);
        const struct result *result = task.job.results;
        assert_int_equal(task_check(&task, NULL), 0);
        assert_int_equal(fb_results_failed(task.kernel, result, 3), 0);
        assert_true(result[1].digest == known[i].one);
        assert_true(task_digest(&task) == known[i].all);
        task.kernel->answer(task.input, result, text, sizeof text);
        assert_string_equal(text, known[i].answer);
        task_close(&task);
    }
}

static void a_job_may_have_no_documents(void **state)
{
    (void)state;
    struct task task;
    char text[100];
    serving_task(&task, "0", "20", "0");
    assert_int_equal(task.job.items, 0);
    task_run_single(&task, serving_arena);
    assert_int_equal(task_check(&task, NULL), 0);
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_string_equal(text, "0 documents, 0 bytes");
    task_close(&task);
}

static void tampered_results_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    serving_task(&task, "4", "20", "0");
    task_run_single(&task, serving_arena);
    struct result *result = task.job.results;
    uint64_t digest = task_digest(&task);
    for (size_t i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "document %zu ", i);
        result[i].digest ^= 1;
        assert_int_equal(task_check(&task, &error), -EBADMSG);
        assert_non_null(strstr(error.text, name));
        assert_true(task_digest(&task) != digest);
        result[i].digest ^= 1;
        result[i].bytes--;
        assert_int_equal(task_check(&task, &error), -EBADMSG);
        result[i].bytes++;
        result[i].status = -EPROTO; /* failed items are not checked */
        assert_int_equal(task_check(&task, &error), 0);
        assert_true(task_digest(&task) != digest);
        result[i].status = 0;
    }
    assert_true(task_digest(&task) == digest);
    task_close(&task);
}

/* ---- failures ---- */

static void check_item(const struct task *task, size_t item, int32_t status, const char *words)
{
    char text[600];
    const struct result *result = task->job.results;
    if (result[item].status != status)
        fail_msg("%zu: status %d, not %d", item, result[item].status, status);
    task->kernel->describe(task->input, result, item, text, sizeof text);
    if (!strstr(text, words))
        fail_msg("no \"%s\": %s", words, text);
}

static void items_say_why_they_failed(void **state)
{
    (void)state;
    char elsewhere[100];
    snprintf(elsewhere, sizeof elsewhere, "url=%s/elsewhere", serving.url);
    const struct {
        const char *url, *words;
        int32_t status;
    } bad[] = {
        { elsewhere, "/elsewhere/20000/10000/1: No such file", -ENOENT },
        { "url=http://127.0.0.1:1", "http://127.0.0.1:1/20000/10000/1: Connection refused",
          -ECONNREFUSED },
        { "url=ht tp://x", "ht tp://x/20000/10000/1: Invalid argument", -EINVAL },
        { "url=http://127.0.0.1:99999", ": Invalid argument", -EINVAL },
        { "url=gibberish://127.0.0.1", ": Invalid argument", -EINVAL },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct task task;
        task_open(&task, serving_arena, kernel_named("download"),
                  (const char *const[]){ bad[i].url, "count=2", NULL });
        task_run_single(&task, serving_arena);
        check_item(&task, 0, bad[i].status, "/0: ");
        check_item(&task, 1, bad[i].status, bad[i].words);
        task_close(&task);
    }
}

/* It is killed while it takes a minute to answer. */
static void a_killed_server_fails_its_items(void **state)
{
    (void)state;
    static const char *const names[] = { "single", "pthread", "eventloop" };
    for (unsigned i = 0; i < 3; i++) {
        const struct fb_harness *harness = harness_named(names[i]);
        struct task task;
        struct fb_error error = { 0 };
        serving_task(&task, "3", "20", "60000000");
        struct fb_pool *pool = pool_open(harness, serving_arena, i + 1);
        pid_t killer = serving_kill_at(i + 1);
        assert_int_equal(harness->run(pool, &task.job, NULL, &error), 0);
        assert_int_equal(forked_end(killer), 0);
        const struct result *result = task.job.results;
        for (size_t item = 0; item < 3; item++)
            assert_true(result[item].status == -EPROTO || result[item].status == -ECONNREFUSED);
        harness->close(pool);
        task_close(&task);
        fb_server_end(&serving);
        assert_int_equal(fb_server_start(&serving, NULL), 0);
    }
}

static void bad_parameters_are_refused(void **state)
{
    (void)state;
    char url_too_long[500] = "url=http://", out_too_long[PATH_MAX + 10] = "out=/tmp";
    memset(url_too_long + 11, 'x', sizeof url_too_long - 12);
    memset(out_too_long + 8, '/', sizeof out_too_long - 9);
    const struct {
        const char *assignment, *words;
        int code;
    } refused[] = {
        { "url=", "give url=", -EDESTADDRREQ },
        { url_too_long, "too long: url=", -ENAMETOOLONG },
        { out_too_long, "too long: out=", -ENAMETOOLONG },
        { "out=/nowhere/at/all", "/nowhere/at/all", -ENOENT },
        { "out=/dev/null", "not a folder", -ENOTDIR },
    };
    const struct fb_kernel *kernel = kernel_named("download");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct fb_params params;
        struct fb_input *input;
        struct fb_error error = { 0 };
        assert_int_equal(fb_params_init(&params, kernel), 0);
        assert_int_equal(fb_params_set(&params, "url=http://127.0.0.1:1", NULL), 0);
        assert_int_equal(fb_params_set(&params, refused[i].assignment, NULL), 0);
        assert_int_equal(kernel->setup(&params, serving_arena, &input, &error), refused[i].code);
        if (!strstr(error.text, refused[i].words))
            fail_msg("no \"%s\": %s", refused[i].words, error.text);
        fb_params_clear(&params);
    }
}

/* ---- the lock ---- */

struct counting {
    struct fb_yield yield;
    const struct result *result;
    unsigned left, released, acquired;
    unsigned kill_released, kill_acquired; /* the call at which the server is killed; 0: none */
};

static bool stop_later(struct fb_yield *yield)
{
    struct counting *counting = (struct counting *)yield;
    assert_int_equal(counting->released, counting->acquired);
    return counting->left-- == 0;
}

static void note_release(struct fb_yield *yield, enum fb_release why)
{
    struct counting *counting = (struct counting *)yield;
    assert_int_equal(why, FB_RELEASE_WAITING);
    assert_int_equal(counting->released++, counting->acquired);
    if (counting->released == counting->kill_released)
        fb_server_end(&serving);
}

/* Nothing may have been computed without the lock. */
static void note_acquire(struct fb_yield *yield, enum fb_release why)
{
    struct counting *counting = (struct counting *)yield;
    assert_int_equal(why, FB_RELEASE_WAITING);
    assert_int_equal(counting->result[counting->acquired++].bytes, 0);
    assert_int_equal(counting->released, counting->acquired);
    if (counting->acquired == counting->kill_acquired)
        fb_server_end(&serving);
}

static void run_counting(struct task *task, struct counting *counting)
{
    _Atomic uint32_t request = 1;
    void *scratch;
    serving_task(task, "5", "20", "0");
    task_forget(task);
    counting->result = task->job.results;
    counting->yield = (struct fb_yield){ &request, stop_later, note_release, note_acquire };
    assert_int_equal(task->kernel->worker_begin(task->input, &scratch), 0);
    task->kernel->run(task->input, scratch, 0, 5, task->job.results, &counting->yield);
    task->kernel->worker_end(scratch);
}

static void it_stops_between_two_documents(void **state)
{
    (void)state;
    struct counting counting = { .left = 2 };
    struct task task;
    run_counting(&task, &counting);
    assert_int_equal(counting.released, 2);
    assert_int_equal(counting.acquired, 2);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(counting.result[i].bytes, i < 2 ? 20 : 0);
    task_close(&task);
}

/* If the server is killed when the lock is released, the current document fails; if it is killed when the lock is
 * acquired again, only the next document fails. */
static void the_lock_is_released_exactly_during_a_transfer(void **state)
{
    (void)state;
    for (unsigned after = 0; after < 2; after++) {
        struct counting counting = { .left = 100 };
        struct task task;
        counting.kill_released = after ? 0 : 3;
        counting.kill_acquired = after ? 3 : 0;
        run_counting(&task, &counting);
        assert_int_equal(counting.released, 5);
        assert_int_equal(counting.acquired, 5);
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(counting.result[i].status == 0, i < 2 + after);
        task_close(&task);
        assert_int_equal(fb_server_start(&serving, NULL), 0);
    }
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, serving_begin, serving_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(the_server_sends_known_bytes),
        SERVED(unknown_documents_are_404),
        SERVED(several_servers_run_at_once),
        SERVED(ctrl_c_does_not_end_the_server),
        SERVED(documents_are_complete_and_correct),
        SERVED(a_job_may_have_no_documents),
        SERVED(tampered_results_are_noticed),
        SERVED(items_say_why_they_failed),
        SERVED(a_killed_server_fails_its_items),
        SERVED(bad_parameters_are_refused),
        SERVED(it_stops_between_two_documents),
        SERVED(the_lock_is_released_exactly_during_a_transfer),
    };
    return RUN_TESTS(tests);
}
