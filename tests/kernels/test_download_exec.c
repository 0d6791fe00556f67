/* `download` as a user runs it: saved documents, the Python version, and servers that end. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/support/programs/background_program.h"
#include "tests/support/programs/program.h"
#include "tests/support/programs/python.h"

#include "kernels/waiting/served.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define EXEC "exec", "-k", "download", "-p", "latency_us=0"

/* ---- digests ---- */

/* exec -H harness of five documents of 1001 bytes. */
static void read_digest(const char *harness, char ret_digest[17])
{
    struct said said = RUN(EXEC, "-p", "count=5", "-p", "bytes=1001", "-H", harness, "-w",
                           strstr(harness, "single") ? "1" : "3");
    const char *at = strstr(said.out, "digest ");
    if (said.code != 0 || !at || !strstr(said.out, "checked"))
        fail_msg("%s: exit code %d: %s%s", harness, said.code, said.out, said.err);
    snprintf(ret_digest, 17, "%.16s", at + 7);
    said_clear(&said);
}

static void the_python_version_gives_the_same(void **state)
{
    (void)state;
    char digest[17], other[17];
    if (!python_any())
        skip();
    read_digest("single", digest);
    read_digest("cpython-single", other);
    assert_string_equal(other, digest);
    read_digest("cpython-thread", other);
    assert_string_equal(other, digest);
}

/* ---- saving ---- */

static void check_saved(const char *folder, size_t count, size_t size)
{
    unsigned char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(folder_count(folder), count); /* and no other files */
    for (size_t i = 0; i < count; i++) {
        char name[32], path[FOLDER_NAME];
        struct stat info;
        snprintf(name, sizeof name, "document_%zu", i);
        snprintf(path, sizeof path, "%.20s/%s", folder, name);
        char *saved = file_read(folder, name);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_size, size);
        fb_served_fill(i, size, bytes);
        assert_memory_equal(saved, bytes, size);
        free(saved);
    }
    free(bytes);
}

static void documents_are_saved_completely(void **state)
{
    (void)state;
    static const char *const harnesses[] = { "single", "pthread", "forkpool", "eventloop",
                                             "cpython-thread" };
    for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++) {
        char folder[32], out[40];
        if (i == 4 && !python_any())
            continue;
        snprintf(folder, sizeof folder, "saved_%zu", i);
        snprintf(out, sizeof out, "out=%s", folder);
        for (int again = 0; again < 2; again++) { /* the second time they are replaced */
            struct said said = RUN(EXEC, "-p", "count=9", "-p", "bytes=20001", "-H", harnesses[i],
                                   "-w", i ? "3" : "1", "-p", out);
            if (said.code != 0)
                fail_msg("%s: %s", harnesses[i], said.err);
            check_saved(folder, 9, 20001);
            said_clear(&said);
        }
    }
}

static void check_refused(const char *out, const char *words)
{
    struct said said = RUN(EXEC, "-H", "single", "-p", out);
    assert_int_equal(said.code, 2);
    assert_string_equal(said.out, "");
    assert_int_equal(count_lines(said.err), 1);
    if (!strstr(said.err, words))
        fail_msg("no \"%s\": %s", words, said.err);
    said_clear(&said);
}

static void out_must_be_a_folder(void **state)
{
    (void)state;
    file_write(folder_entered, "file", "");
    check_refused("out=file", "not a folder: out=file");
    check_refused("out=file/below", "file/below: Not a directory");
    check_refused("out=no/such", "no/such: No such file or directory");
}

/* A folder has the name of document 1. */
static void a_document_that_can_not_be_saved_fails(void **state)
{
    (void)state;
    assert_int_equal(mkdir("out", 0777), 0);
    assert_int_equal(mkdir("out/document_1", 0777), 0);
    struct said said = RUN(EXEC, "-H", "single", "-p", "count=3", "-p", "out=out");
    assert_int_equal(said.code, 1);
    assert_int_equal(count_lines(said.err), 1);
    assert_non_null(strstr(said.err, "/1: Is a directory"));
    said_clear(&said);
    assert_int_equal(folder_count("out"), 3);
    assert_true(file_exists("out", "document_0") && file_exists("out", "document_2"));
}

/* ---- failures ---- */

static void each_document_that_fails_has_its_line(void **state)
{
    (void)state;
    static const char *const urls[] = { "url=http://127.0.0.1:1", "url=ht tp://x" };
    static const char *const words[] = { "Connection refused", "Invalid argument" };
    static const char *const harnesses[] = { "single", "pthread", "forkpipe", "eventloop" };
    for (size_t i = 0; i < 8; i++) {
        struct said said = RUN(EXEC, "-H", harnesses[i / 2], "-w", i < 2 ? "1" : "2", "-p",
                               "count=3", "-p", urls[i % 2]);
        assert_int_equal(said.code, 1);
        assert_non_null(strstr(said.out, "0 documents, 0 bytes"));
        assert_non_null(strstr(said.out, "NOT VALID"));
        assert_int_equal(count_lines(said.err), 3);
        assert_non_null(strstr(said.err, words[i % 2]));
        said_clear(&said);
    }
}

static void without_documents_nothing_fails(void **state)
{
    (void)state;
    struct said said = RUN(EXEC, "-H", "eventloop", "-w", "2", "-p", "count=0");
    assert_int_equal(said.code, 0);
    assert_non_null(strstr(said.out, "0 documents, 0 bytes"));
    said_clear(&said);
}

/* ---- the end of the server ---- */

static void no_process_is_left_afterwards(void **state)
{
    (void)state;
    static const char *const urls[] = { "url=", "url=ht tp://x" };
    for (int i = 0; i < 2; i++) {
        char mark[MARK_SIZE];
        mark_new(mark);
        struct said said = RUN(EXEC, "-H", "pthread", "-w", "2", "-p", "count=3", "-p", urls[i]);
        assert_int_equal(said.code, i);
        assert_int_equal(marked(mark, NULL, 0), 0);
        said_clear(&said);
    }
    char mark[MARK_SIZE];
    mark_new(mark);
    struct said said =
        RUN(EXEC, "-H", "single", "-p", "out=/dev/null"); /* the server runs by then */
    assert_int_equal(said.code, 2);
    assert_int_equal(marked(mark, NULL, 0), 0);
    said_clear(&said);
}

/* It is killed during a document that takes a minute. */
static void the_server_ends_with_its_parent(void **state)
{
    (void)state;
    static const int signals[] = { SIGKILL, SIGINT, SIGTERM };
    for (size_t i = 0; i < 3; i++) {
        char mark[MARK_SIZE];
        mark_new(mark);
        struct running running =
            START("exec", "-k", "download", "-H", "single", "-p", "latency_us=60000000");
        assert_true(wait_for_marked(mark, 2));
        kill(running.pid, signals[i]);
        struct said said = program_finish(&running);
        assert_int_equal(said.code, 128 + signals[i]);
        assert_true(wait_for_none_marked(mark));
        said_clear(&said);
    }
}

/* ---- run ---- */

/* Checks that all trials in run.json have the same url, that of a server. Returns the number of trials. */
static size_t trials_of_one_server(const char *text)
{
    static const char name[] = "\"url\": \"http://127.0.0.1:";
    const char *first = strstr(text, name);
    size_t count = 0, length = first ? strcspn(first + sizeof name, "\"") + sizeof name : 0;
    for (const char *at = first; at; at = strstr(at + 1, name)) {
        assert_memory_equal(at, first, length);
        count++;
    }
    return count;
}

static void a_run_has_one_server_for_all_trials(void **state)
{
    (void)state;
    char mark[MARK_SIZE];
    mark_new(mark);
    struct said said = RUN("run", "-k", "download", "-H", "pthread", "-w", "2", "-p", "count=2",
                           "-p", "latency_us=0", "-p", "bytes=9", "-B", "0.1", "-o", "out");
    if (said.code != 0)
        fail_msg("exit code %d: %s", said.code, said.err);
    assert_int_equal(marked(mark, NULL, 0), 0);
    char *text = file_read("out", "run.json");
    assert_true(trials_of_one_server(text) >= 2);
    free(text);
    said_clear(&said);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_python_version_gives_the_same),
        IN_FOLDER(documents_are_saved_completely),
        IN_FOLDER(out_must_be_a_folder),
        IN_FOLDER(a_document_that_can_not_be_saved_fails),
        cmocka_unit_test(each_document_that_fails_has_its_line),
        cmocka_unit_test(without_documents_nothing_fails),
        cmocka_unit_test(no_process_is_left_afterwards),
        cmocka_unit_test(the_server_ends_with_its_parent),
        IN_FOLDER(a_run_has_one_server_for_all_trials),
    };
    return RUN_TESTS(tests);
}
