/* harness/mp/process/log.c: the form of lines, and that they stay whole. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/process/log_fixture.h"

#include "harness/mp/process/date.h"
#include "harness/mp/process/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MOST 3900 /* bytes that a line may have after its head */
#define WRITERS 8
#define LINES 1000u

/* ---- lines ---- */

static void log_all(void)
{
    fb_mp_log(FB_MP_LOG_DEBUG, "one %d", 1);
    fb_mp_log(FB_MP_LOG_INFO, "two %s", "2");
    fb_mp_log(FB_MP_LOG_WARNING, "three");
    fb_mp_log(FB_MP_LOG_ERROR, "four");
    fb_mp_log(FB_MP_LOG_OFF, "five");
}

/* time() may be behind the log's clock by some milliseconds. */
static time_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

static void lines_have_time_level_name_and_pid(void **state)
{
    (void)state;
    int fd = logged_make();
    fb_mp_log_to(fd, FB_MP_LOG_DEBUG);
    time_t before = seconds_now();
    errno = 77;
    log_all();
    assert_int_equal(errno, 77);
    char *text = logged_stop(fd);
    int pid = (int)getpid();
    assert_true(logged_matches(text,
                               "^" TIME "DEBUG   MainProcess\\[%d\\] one 1\n" TIME
                               "INFO    MainProcess\\[%d\\] two 2\n" TIME
                               "WARNING MainProcess\\[%d\\] three\n" TIME
                               "ERROR   MainProcess\\[%d\\] four\n$",
                               pid, pid, pid, pid));
    time_t after = seconds_now();
    struct tm tm = { 0 };
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
    time_t said = timegm(&tm);
    assert_true(said >= before && said <= after);
    free(text);
}

/* For more than two cycles of 400 years. */
static void dates_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (time_t day = 0; day < 300000; day++) {
        struct tm tm;
        int date[3];
        assert_non_null(gmtime_r(&(time_t){ day * 86400 }, &tm));
        fb_mp_find_date(day, date);
        assert_int_equal(date[0], tm.tm_year + 1900);
        assert_int_equal(date[1], tm.tm_mon + 1);
        assert_int_equal(date[2], tm.tm_mday);
    }
}

static void lower_levels_are_not_logged(void **state)
{
    (void)state;
    for (int level = FB_MP_LOG_DEBUG; level <= FB_MP_LOG_OFF; level++) {
        int fd = logged_make();
        fb_mp_log_to(fd, (enum fb_mp_log_level)level);
        log_all();
        char *text = logged_stop(fd);
        log_all(); /* must write nothing */
        assert_int_equal(logged_lines(text), FB_MP_LOG_OFF - level);
        free(text);
    }
}

/* Where the text of the only line begins. */
static const char *only_text(const char *line)
{
    assert_int_equal(logged_lines(line), 1);
    const char *text = strstr(line, "] ");
    assert_non_null(text);
    return text + 2;
}

static void control_characters_are_replaced(void **state)
{
    (void)state;
    int fd = logged_make();
    fb_mp_log_to(fd, FB_MP_LOG_INFO);
    fb_mp_log(FB_MP_LOG_INFO, "a\nb\tc\r\x1b[1m\x7f\x01 ü%s", "\n");
    char *line = logged_stop(fd);
    assert_string_equal(only_text(line), "a?b?c??[1m?? ü?\n");
    free(line);
}

static void long_text_is_cut(void **state)
{
    (void)state;
    char *text = malloc(10002);
    for (size_t size = TEXT_MOST - 2; size <= 10000; size += size <= TEXT_MOST + 2 ? 1 : 3000) {
        int fd = logged_make();
        memset(text, 'x', size);
        text[size] = '\0';
        fb_mp_log_to(fd, FB_MP_LOG_INFO);
        fb_mp_log(FB_MP_LOG_INFO, "%s", text);
        char *line = logged_stop(fd);
        size_t length = strlen(only_text(line)) - 1;
        assert_int_equal(length, size < TEXT_MOST ? size : TEXT_MOST);
        assert_true(strlen(line) <= PIPE_BUF);
        free(line);
    }
    for (size_t shift = 0; shift < 2; shift++) { /* characters of two bytes are not cut in half */
        int fd = logged_make();
        memset(text, 'x', shift);
        for (size_t i = shift; i < 10000 + shift; i += 2)
            memcpy(text + i, "ü", 3);
        fb_mp_log_to(fd, FB_MP_LOG_INFO);
        fb_mp_log(FB_MP_LOG_INFO, "%s", text);
        char *line = logged_stop(fd);
        size_t length = strlen(only_text(line)) - 1;
        assert_true(length <= TEXT_MOST && length > TEXT_MOST - 4);
        assert_int_equal((length - shift) % 2, 0);
        free(line);
    }
    free(text);
}

/* ---- several processes ---- */

static int log_fd, other_end = -1;

/* Lines have various lengths, some of which are cut; each writer has its own letter. */
static size_t length_of(unsigned line)
{
    return line % 50 == 7 ? 3700 + line % 400 : line * 37 % 300;
}

static int write_lines(void *context)
{
    static char letters[5000];
    close(other_end); /* so that the writer ends when the reader has closed its end */
    memset(letters, 'a' + *(int *)context, sizeof letters);
    fb_mp_log_to(log_fd, FB_MP_LOG_INFO);
    for (unsigned line = 0; line < LINES; line++)
        fb_mp_log(FB_MP_LOG_INFO, "%d %u %.*s", *(int *)context, line, (int)length_of(line),
                  letters);
    return 0;
}

/* Checks that the line is whole and the next one of its writer. */
static void check_line(const char *line, const pid_t *writer, unsigned *next)
{
    int pid, who, begin = 0;
    unsigned number;
    const char *name = strstr(line, "INFO    MainProcess[");
    assert_ptr_equal(name, line + strlen("2026-01-31 12:34:56.789Z "));
    assert_int_equal(sscanf(name, "INFO MainProcess[%d] %d %u %n", &pid, &who, &number, &begin), 3);
    assert_in_range(who, 0, WRITERS - 1);
    assert_int_equal(pid, writer[who]);
    assert_int_equal(number, next[who]++);
    const char *text = strstr(line, "] ") + 2, *letters = name + begin;
    size_t room = (size_t)(text + TEXT_MOST - letters), wanted = length_of(number);
    size_t length = strspn(letters, (char[]){ (char)('a' + who), '\0' });
    assert_int_equal(letters[length], '\0');
    assert_int_equal(length, wanted < room ? wanted : room);
}

static void check_lines(FILE *file, const pid_t *writer)
{
    static char line[PIPE_BUF + 2];
    unsigned next[WRITERS] = { 0 };
    for (unsigned i = 0; i < WRITERS * LINES; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        check_line(line, writer, next);
    }
    assert_null(fgets(line, sizeof line, file));
}

static void start_writers(pid_t writer[WRITERS])
{
    for (int who = 0; who < WRITERS; who++)
        writer[who] = forked_run(write_lines, &who);
}

static void end_writers(const pid_t writer[WRITERS])
{
    for (int who = 0; who < WRITERS; who++)
        assert_int_equal(forked_end(writer[who]), 0);
}

static void lines_stay_whole_in_a_pipe(void **state)
{
    (void)state;
    int ends[2];
    pid_t writer[WRITERS];
    assert_int_equal(pipe(ends), 0);
    log_fd = ends[1];
    other_end = ends[0];
    start_writers(writer);
    close(ends[1]);
    FILE *file = fdopen(ends[0], "r");
    assert_non_null(file);
    check_lines(file, writer);
    fclose(file);
    end_writers(writer);
    other_end = -1;
}

/* Each process opens the file for itself. */
static int write_lines_of_own(void *context)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", log_fd);
    log_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return log_fd < 0 || write_lines(context);
}

static void lines_stay_whole_in_a_file(void **state)
{
    (void)state;
    pid_t writer[WRITERS];
    int fd = logged_make();
    log_fd = fd;
    for (int who = 0; who < WRITERS; who++)
        writer[who] = forked_run(write_lines_of_own, &who);
    end_writers(writer);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    FILE *file = fdopen(fd, "r");
    assert_non_null(file);
    check_lines(file, writer);
    fclose(file);
}

int main(void)
{
    unsetenv("FB_MP_LOG");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_time_level_name_and_pid),
        cmocka_unit_test(dates_are_those_of_the_c_library),
        cmocka_unit_test(lower_levels_are_not_logged),
        cmocka_unit_test(control_characters_are_replaced),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(lines_stay_whole_in_a_pipe),
        cmocka_unit_test(lines_stay_whole_in_a_file),
    };
    return RUN_TESTS(tests);
}
