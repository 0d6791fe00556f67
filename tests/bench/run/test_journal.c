/* bench/run/journal.c: entries are read back, and an incomplete one is dropped alone. */
#include "tests/support/support.h"

#include "tests/support/folder.h"

#include "bench/run/journal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[FOLDER_NAME];

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static json_t *head(void)
{
    return json_pack("{s:s, s:i}", "asked", "for this", "seed", 17);
}

static json_t *entry(int number)
{
    return json_pack("{s:i, s:s}", "trial", number, "text", "line\nbreak \" µ");
}

static void append(struct fb_journal *journal, int number)
{
    struct fb_error error = { 0 };
    if (fb_journal_append(journal, entry(number), &error) < 0)
        fail_msg("%s", error.text);
}

/* A journal with entries 0 … count - 1. */
static void make(int count)
{
    struct fb_journal journal;
    struct fb_error error = { 0 };
    if (fb_journal_create(&journal, folder, head(), &error) < 0)
        fail_msg("%s", error.text);
    for (int i = 0; i < count; i++)
        append(&journal, i);
    fb_journal_close(&journal);
}

static void open_good(struct fb_journal *journal)
{
    struct fb_error error = { 0 };
    if (fb_journal_open(journal, folder, &error) < 0)
        fail_msg("%s", error.text);
    json_t *wanted = head();
    assert_true(json_equal(journal->head, wanted));
    json_decref(wanted);
}

/* Takes entries 0 … count - 1 and checks that there are no more. */
static void take_all(struct fb_journal *journal, int count)
{
    for (int i = 0; i < count; i++) {
        json_t *wanted = entry(i);
        assert_true(json_equal(fb_journal_take(journal), wanted));
        json_decref(wanted);
    }
    assert_null(fb_journal_take(journal));
    assert_null(fb_journal_take(journal));
}

static void check_holds(int count)
{
    struct fb_journal journal;
    open_good(&journal);
    take_all(&journal, count);
    fb_journal_close(&journal);
}

/* Checks that opening fails with that code and leaves the file unchanged. */
static void check_refused(int code)
{
    struct fb_journal journal;
    struct fb_error error = { 0 };
    char *before = file_read(folder, FB_JOURNAL);
    assert_int_equal(fb_journal_open(&journal, folder, &error), code);
    assert_int_equal(error.code, code);
    assert_string_not_equal(error.text, "");
    fb_journal_close(&journal);
    char *after = file_read(folder, FB_JOURNAL);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

/* Appends this to the file. */
static void add_text(const char *tail)
{
    char *text = file_read(folder, FB_JOURNAL), *longer = NULL;
    assert_true(asprintf(&longer, "%s%s", text, tail) > 0);
    file_write(folder, FB_JOURNAL, longer);
    free(text);
    free(longer);
}

/* ---- writing and reading ---- */

static void entries_come_back_in_order(void **state)
{
    (void)state;
    make(50);
    check_holds(50);
    /* Opening changes nothing. */
    check_holds(50);
    char *text = file_read(folder, FB_JOURNAL);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 51);
    free(text);
}

static void a_head_alone_is_a_journal(void **state)
{
    (void)state;
    make(0);
    check_holds(0);
}

static void entries_are_appended_after_opening(void **state)
{
    (void)state;
    struct fb_journal journal;
    make(3);
    open_good(&journal);
    /* New entries are not returned. */
    append(&journal, 3);
    append(&journal, 4);
    take_all(&journal, 3);
    fb_journal_close(&journal);
    check_holds(5);
}

static void a_new_journal_has_no_entries_to_take(void **state)
{
    (void)state;
    struct fb_journal journal;
    struct fb_error error = { 0 };
    assert_int_equal(fb_journal_create(&journal, folder, head(), &error), 0);
    append(&journal, 0);
    assert_null(fb_journal_take(&journal));
    json_t *wanted = head();
    assert_true(json_equal(journal.head, wanted));
    json_decref(wanted);
    fb_journal_close(&journal);
    fb_journal_close(&journal); /* a closed journal can be closed again */
}

static void a_removed_journal_can_be_created_again(void **state)
{
    (void)state;
    make(2);
    fb_journal_remove(folder);
    assert_int_equal(folder_count(folder), 0);
    fb_journal_remove(folder);
    make(1);
    check_holds(1);
}

/* ---- incomplete files ---- */

static void an_incomplete_last_line_is_dropped(void **state)
{
    (void)state;
    make(3);
    char *good = file_read(folder, FB_JOURNAL);
    /* The third is complete except for the end of its line, which can't be known. */
    static const char *const torn[] = { "{", "{\"trial\": 7, \"te", "{\"trial\":7}", "\xc3" };
    for (size_t i = 0; i < sizeof torn / sizeof *torn; i++) {
        file_write(folder, FB_JOURNAL, good);
        add_text(torn[i]);
        check_holds(3);
        char *text = file_read(folder, FB_JOURNAL);
        assert_string_equal(text, good);
        free(text);
        add_text(torn[i]);
        struct fb_journal journal;
        open_good(&journal);
        append(&journal, 3);
        fb_journal_close(&journal);
        check_holds(4);
    }
    free(good);
}

/* Cut at each byte: all complete lines are there, and appending works. */
static void a_journal_can_be_cut_at_any_byte(void **state)
{
    (void)state;
    make(2);
    char *good = file_read(folder, FB_JOURNAL);
    size_t size = strlen(good), first = (size_t)(strchr(good, '\n') - good) + 1;
    for (size_t keep = 0; keep <= size; keep++) {
        int lines = 0;
        char *text = strndup(good, keep);
        assert_non_null(text);
        for (const char *at = text; (at = strchr(at, '\n')); at++)
            lines++;
        file_write(folder, FB_JOURNAL, text);
        free(text);
        if (keep < first) {
            check_refused(-EBADMSG);
            continue;
        }
        struct fb_journal journal;
        open_good(&journal);
        take_all(&journal, lines - 1);
        append(&journal, lines - 1);
        fb_journal_close(&journal);
        check_holds(lines);
    }
    free(good);
}

/* ---- refused ---- */

static void an_existing_journal_is_not_overwritten(void **state)
{
    (void)state;
    struct fb_journal journal;
    struct fb_error error = { 0 };
    make(2);
    assert_int_equal(fb_journal_create(&journal, folder, json_object(), &error), -EEXIST);
    assert_int_equal(error.code, -EEXIST);
    assert_non_null(strstr(error.text, FB_JOURNAL));
    fb_journal_close(&journal);
    check_holds(2);
}

static void a_missing_journal_is_refused(void **state)
{
    (void)state;
    struct fb_journal journal;
    struct fb_error error = { 0 };
    assert_int_equal(fb_journal_open(&journal, folder, &error), -ENOENT);
    assert_int_equal(error.code, -ENOENT);
    fb_journal_close(&journal);
    assert_int_equal(folder_count(folder), 0);
}

static void a_damaged_journal_is_refused(void **state)
{
    (void)state;
    static const char *const garbage[] = {
        "",
        "\n",
        "{}",
        "garbage\n",
        "[]\n",
        "{}\n[]\n",
        "{}\n\n",
        "{}\n{\"a\n{}\n",
        "{\"trial\": 1} x\n",
        "1\n",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        file_write(folder, FB_JOURNAL, garbage[i]);
        check_refused(-EBADMSG);
    }
}

static void a_journal_that_is_open_elsewhere_is_refused(void **state)
{
    (void)state;
    struct fb_journal journal;
    make(2);
    open_good(&journal);
    check_refused(-EBUSY);
    append(&journal, 2);
    fb_journal_close(&journal);
    check_holds(3);
    fb_journal_remove(folder);
    struct fb_error error = { 0 };
    assert_int_equal(fb_journal_create(&journal, folder, head(), &error), 0);
    check_refused(-EBUSY);
    fb_journal_close(&journal);
    check_holds(0);
}

/* ---- a full disk ---- */

/* Limits the size of files; returns the old limit. */
static struct rlimit limit_size(rlim_t bytes)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit now = { .rlim_cur = bytes, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    return before;
}

static uint64_t file_size(int fd)
{
    struct stat stat;
    assert_int_equal(fstat(fd, &stat), 0);
    return (uint64_t)stat.st_size;
}

/* With space for 20 bytes of the next line, or for none. */
static void a_full_disk_keeps_the_old_entries(void **state)
{
    (void)state;
    make(3);
    for (rlim_t room = 0; room <= 20; room += 20) {
        struct fb_journal journal;
        struct fb_error error = { 0 };
        char *text = file_read(folder, FB_JOURNAL);
        rlim_t size = strlen(text);
        free(text);
        open_good(&journal);
        void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
        struct rlimit before = limit_size(size + room);
        int result = fb_journal_append(&journal, entry(3), &error);
        int limited = setrlimit(RLIMIT_FSIZE, &before);
        uint64_t left = file_size(journal.fd);
        assert_int_equal(left, size); /* no incomplete line that the next one would continue */
        signal(SIGXFSZ, handler);
        fb_journal_close(&journal);
        assert_int_equal(limited, 0);
        assert_int_equal(result, -EFBIG);
        assert_int_equal(error.code, -EFBIG);
        assert_string_not_equal(error.text, "");
        check_holds(3);
    }
    struct fb_journal journal;
    open_good(&journal);
    append(&journal, 3);
    fb_journal_close(&journal);
    check_holds(4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_come_back_in_order),
        TEST(a_head_alone_is_a_journal),
        TEST(entries_are_appended_after_opening),
        TEST(a_new_journal_has_no_entries_to_take),
        TEST(a_removed_journal_can_be_created_again),
        TEST(an_incomplete_last_line_is_dropped),
        TEST(a_journal_can_be_cut_at_any_byte),
        TEST(an_existing_journal_is_not_overwritten),
        TEST(a_missing_journal_is_refused),
        TEST(a_damaged_journal_is_refused),
        TEST(a_journal_that_is_open_elsewhere_is_refused),
        TEST(a_full_disk_keeps_the_old_entries),
    };
    return RUN_TESTS(tests);
}
