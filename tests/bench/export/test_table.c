/* bench/format/table.c: the alignment of columns, for a terminal and in Markdown. */
#include "tests/support/support.h"

#include "bench/format/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MANY 200

static const char *const heads[] = { "kernel", "harness", "time", "part" };

static struct fb_table table_of(size_t names, size_t columns)
{
    return (struct fb_table){ .heads = heads, .columns = columns, .names = names };
}

/* Adds a row with these texts; NULL leaves "-". */
static void add(struct fb_table *table, const char *first, const char *second, const char *third,
                const char *fourth)
{
    const char *const text[] = { first, second, third, fourth };
    fb_table_row *row = fb_table_add(table);
    assert_non_null(row);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        if (text[i])
            snprintf((*row)[i], FB_TABLE_TEXT, "%s", text[i]);
}

/* The printed table; owned. */
static char *printed(const struct fb_table *table, bool markdown)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    fb_table_print(table, markdown, to);
    assert_int_equal(fclose(to), 0);
    assert_non_null(text);
    return text;
}

static void check_print(const struct fb_table *table, bool markdown, const char *wanted)
{
    char *text = printed(table, markdown);
    assert_string_equal(text, wanted);
    free(text);
}

/* Counts the bars that separate cells: those without a backslash before them. */
static size_t count_bars(const char *line, const char *end)
{
    size_t count = 0;
    for (const char *at = line; at < end; at++)
        count += *at == '|' && (at == line || at[-1] != '\\');
    return count;
}

/* Checks that each line has that many bars; returns how many lines there are. */
static size_t check_bars(const char *text, size_t wanted)
{
    size_t lines = 0;
    for (const char *end; (end = strchr(text, '\n')); text = end + 1, lines++) {
        assert_int_equal(text[0], '|');
        assert_int_equal(end[-1], '|');
        assert_int_equal(count_bars(text, end), wanted);
    }
    assert_int_equal(*text, '\0');
    return lines;
}

/* ---- for a terminal ---- */

static void columns_align(void **state)
{
    (void)state;
    struct fb_table table = table_of(2, 4);
    add(&table, "a", "forkpool", "1.5 ms", "3 %");
    add(&table, "primes of many", "gil", "12345.25 ms", "100 %");
    check_print(&table, false,
                "kernel          harness          time   part\n"
                "a               forkpool       1.5 ms    3 %\n"
                "primes of many  gil       12345.25 ms  100 %\n");
    fb_table_clear(&table);
}

static void lines_have_no_blanks_at_the_end(void **state)
{
    (void)state;
    struct fb_table table = table_of(2, 2);
    add(&table, "a", "forkpool", NULL, NULL);
    add(&table, "b", "gil", NULL, NULL);
    check_print(&table, false,
                "kernel  harness\n"
                "a       forkpool\n"
                "b       gil\n");
    fb_table_clear(&table);
}

static void new_rows_have_only_dashes(void **state)
{
    (void)state;
    struct fb_table table = table_of(1, 3);
    fb_table_row *row = fb_table_add(&table);
    assert_non_null(row);
    for (size_t i = 0; i < FB_TABLE_COLUMNS; i++)
        assert_string_equal((*row)[i], "-");
    check_print(&table, false,
                "kernel  harness  time\n"
                "-             -     -\n");
    fb_table_clear(&table);
}

/* ---- Markdown ---- */

static void markdown_has_a_line_below_the_heads(void **state)
{
    (void)state;
    struct fb_table table = table_of(1, 3);
    add(&table, "primes", "2", "1.5", NULL);
    check_print(&table, true,
                "| kernel | harness | time |\n"
                "|---|--:|--:|\n"
                "| primes |       2 |  1.5 |\n");
    fb_table_clear(&table);
}

static void markdown_escapes_bars(void **state)
{
    (void)state;
    struct fb_table table = table_of(2, 4);
    add(&table, "a|b", "||", "|", "1");
    add(&table, "none", "gil", "2", "3");
    char *text = printed(&table, true);
    assert_non_null(strstr(text, "a\\|b"));
    assert_non_null(strstr(text, "\\|\\|"));
    assert_int_equal(check_bars(text, 5), 4);
    free(text);
    /* On a terminal they are not escaped. */
    text = printed(&table, false);
    assert_non_null(strstr(text, "a|b"));
    assert_null(strstr(text, "\\"));
    free(text);
    fb_table_clear(&table);
}

/* The longest text, if all of it is bars, gets twice as long. */
static void markdown_has_space_for_the_longest_text(void **state)
{
    (void)state;
    char longest[FB_TABLE_TEXT], escaped[2 * FB_TABLE_TEXT + 8];
    size_t used = 0;
    memset(longest, '|', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i + 1 < sizeof longest; i++) {
        escaped[used++] = '\\';
        escaped[used++] = '|';
    }
    memcpy(escaped + used, " |", 3);
    struct fb_table table = table_of(1, 2);
    add(&table, longest, longest, NULL, NULL);
    char *text = printed(&table, true);
    assert_non_null(strstr(text, escaped));
    assert_int_equal(check_bars(text, 3), 3);
    free(text);
    fb_table_clear(&table);
}

/* ---- few and many rows ---- */

static void an_empty_table_has_only_headings(void **state)
{
    (void)state;
    struct fb_table table = table_of(1, 3);
    check_print(&table, false, "kernel  harness  time\n");
    check_print(&table, true,
                "| kernel | harness | time |\n"
                "|---|--:|--:|\n");
    fb_table_clear(&table);
    assert_int_equal(table.rows, 0);
}

static void a_table_grows(void **state)
{
    (void)state;
    struct fb_table table = table_of(1, 2);
    char number[16];
    for (unsigned i = 0; i < ROWS_MANY; i++) {
        snprintf(number, sizeof number, "%u", i);
        add(&table, "row", number, NULL, NULL);
        assert_int_equal(table.rows, i + 1);
    }
    for (unsigned i = 0; i < ROWS_MANY; i++) {
        snprintf(number, sizeof number, "%u", i);
        assert_string_equal(table.row[i][0], "row");
        assert_string_equal(table.row[i][1], number);
        assert_string_equal(table.row[i][2], "-");
        assert_string_equal(table.row[i][FB_TABLE_COLUMNS - 1], "-");
    }
    char *text = printed(&table, true);
    assert_int_equal(check_bars(text, 3), ROWS_MANY + 2);
    free(text);
    fb_table_clear(&table);
}

static void a_cleared_table_can_be_filled_again(void **state)
{
    (void)state;
    struct fb_table table = table_of(1, 2);
    for (unsigned i = 0; i < 40; i++)
        add(&table, "old", "1", NULL, NULL);
    fb_table_clear(&table);
    assert_null(table.row);
    add(&table, "new", "2", NULL, NULL);
    check_print(&table, false,
                "kernel  harness\n"
                "new           2\n");
    fb_table_clear(&table);
    fb_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_align),
        cmocka_unit_test(lines_have_no_blanks_at_the_end),
        cmocka_unit_test(new_rows_have_only_dashes),
        cmocka_unit_test(markdown_has_a_line_below_the_heads),
        cmocka_unit_test(markdown_escapes_bars),
        cmocka_unit_test(markdown_has_space_for_the_longest_text),
        cmocka_unit_test(an_empty_table_has_only_headings),
        cmocka_unit_test(a_table_grows),
        cmocka_unit_test(a_cleared_table_can_be_filled_again),
    };
    return RUN_TESTS(tests);
}
