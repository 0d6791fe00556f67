/* `forkbench claims`: tests the claims of tutorials on this machine, by running the lessons. */
#include "bench/command/cli.h"
#include "bench/format/result_dir.h"
#include "bench/format/json.h"
#include "bench/command/lessons.h"
#include "bench/host/machine.h"
#include "bench/format/progress.h"
#include "bench/format/table.h"

#include "harness/cpython/peer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLAIMS 22

struct options {
    bool json;
    bool wanted[CLAIMS + 1]; /* by number */
    bool some;               /* only the wanted ones; false: all */
    const char *folder;      /* to write into; NULL: none */
};

static const struct argp_option option_table[] = {
    { "json", 'j', 0, 0, "Print JSON", 0 },
    { "output", 'o', "DIR", 0, "Write claims.json and claims.md into it", 0 },
    { 0 },
};

/* Takes an argument "C9". */
static error_t take_claim(struct options *options, const char *claim)
{
    char *end = NULL;
    unsigned long number = *claim == 'C' ? strtoul(claim + 1, &end, 10) : 0;
    if (number < 1 || number > CLAIMS || *end) {
        fb_fail(FB_EXIT_USAGE, "no such claim: %.40s: there are C1 to C%d", claim, CLAIMS);
        return EINVAL;
    }
    options->wanted[number] = options->some = true;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'j':
        options->json = true;
        return 0;
    case 'o':
        options->folder = arg;
        return 0;
    case ARGP_KEY_ARG:
        return take_claim(options, arg);
    default:
        return fb_parse_rest(key, arg, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "[CLAIM...]",
    .doc = "Tests on this machine what tutorials on multiprocessing claim. Prints what was "
           "measured, and whether the claim holds, does not hold, or depends. Each belongs to a "
           "lesson, which explains it. Takes about half a minute.",
};

/* ---- running the lessons ---- */

static unsigned number_of(const json_t *claim)
{
    const char *row = json_string_value(json_object_get(claim, "claim"));
    return row ? (unsigned)strtoul(row + 1, NULL, 10) : 0;
}

/* Inserts a claim in the order of numbers. */
static void insert(json_t *claims, json_t *claim)
{
    size_t place = 0;
    while (place < json_array_size(claims) &&
           number_of(json_array_get(claims, place)) <= number_of(claim))
        place++;
    json_array_insert(claims, place, claim);
}

/* Whether rows ("M7 W14 C9") contains a wanted claim. */
static bool has_claims(const char *rows, const struct options *options)
{
    for (unsigned number; (number = fb_lesson_next_claim(&rows)) > 0;)
        if (number <= CLAIMS && (!options->some || options->wanted[number]))
            return true;
    return false;
}

/* Appends words to the claim's condition. */
static void add_condition(json_t *claim, const char *words)
{
    const char *before = json_string_value(json_object_get(claim, "condition"));
    json_object_set_new(claim, "condition",
                        json_sprintf("%s%s%s", before, *before ? "; " : "", words));
}

/* Runs a lesson if it has a wanted claim: adds its claims, or to untested if it printed none.
 * Returns an fb_exit. */
static int test_lesson(const char *name, const struct options *options, json_t *claims,
                       json_t *untested)
{
    struct fb_lesson lesson;
    struct fb_error error = { 0 };
    json_t *printed, *claim;
    size_t i;
    int code = fb_lesson_find(name, &lesson, &error);
    if (code < 0)
        return fb_fail_with(&error);
    if (!has_claims(lesson.rows, options))
        return FB_EXIT_OK;
    code = fb_lesson_run_json(&lesson, &printed, &error);
    if (!printed)
        json_array_append_new(untested,
                              json_pack("{ss ss ss si}", "lesson", name, "rows", lesson.rows, "why",
                                        code < 0                     ? error.text
                                        : code == FB_EXIT_IMPOSSIBLE ? "this machine can't show it"
                                                                     : "the lesson went wrong",
                                        "code", code));
    json_array_foreach(json_object_get(printed, "claims"), i, claim)
    {
        if (code != FB_EXIT_OK)
            add_condition(claim,
                          code == FB_EXIT_UNCERTAIN
                              ? "not all that the lesson measures showed itself: try again on "
                                "a quiet machine"
                              : "not to be relied on: the lesson's own check failed");
        unsigned number = number_of(claim);
        if (!options->some || (number <= CLAIMS && options->wanted[number]))
            insert(claims, claim);
    }
    json_decref(printed);
    return FB_EXIT_OK;
}

/* Makes the lessons' Python versions use the interpreter of the cpython harnesses. */
static void share_python(void)
{
    char python[PATH_MAX];
    if (fb_peer_find(NULL, python, sizeof python, NULL) == 0)
        setenv("FORKBENCH_PYTHON", python, 0);
}

static int test_all(const struct options *options, json_t *claims, json_t *untested)
{
    struct fb_progress progress;
    size_t count = 0;
    int result = FB_EXIT_OK;
    while (fb_lessons[count])
        count++;
    fb_progress_begin(&progress);
    for (size_t i = 0; i < count && result == FB_EXIT_OK; i++) {
        fb_progress_show(&progress, (double)i / (double)count, fb_lessons[i]);
        result = test_lesson(fb_lessons[i], options, claims, untested);
    }
    fb_progress_end(&progress);
    return result;
}

/* ---- printing ---- */

static void put_text(const json_t *claim, const char *key, char *cell)
{
    const char *text = json_string_value(json_object_get(claim, key));
    if (text && *text)
        snprintf(cell, FB_TABLE_TEXT, "%s", text);
}

static void fill_row(fb_table_row row, const json_t *claim)
{
    const json_t *value = json_object_get(claim, "measured"), *low = json_object_get(claim, "low"),
                 *high = json_object_get(claim, "high");
    double most = fabs(json_number_value(value));
    const char *format = most >= 1000 ? "%.0f" : "%.3g";
    char number[2][40];
    put_text(claim, "claim", row[0]);
    put_text(claim, "says", row[1]);
    put_text(claim, "verdict", row[2]);
    put_text(claim, "lesson", row[3]);
    put_text(claim, "unit", row[4]);
    if (json_is_number(value))
        snprintf(row[5], FB_TABLE_TEXT, format, json_number_value(value));
    if (!json_is_number(low))
        return;
    snprintf(number[0], sizeof *number, format, json_number_value(low));
    snprintf(number[1], sizeof *number, format, json_number_value(high));
    snprintf(row[6], FB_TABLE_TEXT, "[%s, %s]", number[0], number[1]);
}

struct report {
    json_t *claims, *untested;
    const struct fb_machine *machine;
};

static void print_untested(const struct report *report, FILE *to)
{
    json_t *lesson;
    size_t i;
    json_array_foreach(report->untested, i, lesson)
    {
        char claims[40];
        fb_lesson_claims(json_string_value(json_object_get(lesson, "rows")), claims, sizeof claims);
        fprintf(to, "Not tested: %s (%s): %s\n", claims,
                json_string_value(json_object_get(lesson, "lesson")),
                json_string_value(json_object_get(lesson, "why")));
    }
}

/* Prints a paragraph for each claim, which fits a terminal. */
static void print_plain(const struct report *report)
{
    json_t *claim;
    size_t i;
    json_array_foreach(report->claims, i, claim)
    {
        char cells[FB_TABLE_COLUMNS][FB_TABLE_TEXT] = { 0 };
        const char *condition = json_string_value(json_object_get(claim, "condition"));
        fill_row(cells, claim);
        printf("%-4s%-15s%s %s %s  (lesson %s)\n", cells[0], cells[2], cells[5], cells[6], cells[4],
               cells[3]);
        printf("    \"%s\"\n", cells[1]);
        if (condition && *condition)
            printf("    %s\n", condition);
        putchar('\n');
    }
    print_untested(report, stdout);
}

static int write_markdown(const void *context, FILE *to)
{
    const struct report *report = context;
    static const char *const heads[] = { "claim", "the tutorials say", "here",         "lesson",
                                         "unit",  "measured",          "95 % interval" };
    struct fb_table table = { .heads = heads, .columns = 7, .names = 5 };
    json_t *claim;
    size_t i;
    json_array_foreach(report->claims, i, claim)
    {
        fb_table_row *row = fb_table_add(&table);
        if (row)
            fill_row(*row, claim);
    }
    fb_table_print(&table, true, to);
    fb_table_clear(&table);
    fputc('\n', to);
    json_array_foreach(report->claims, i, claim)
    {
        const char *condition = json_string_value(json_object_get(claim, "condition"));
        if (condition && *condition)
            fprintf(to, "- %s: %s.\n", json_string_value(json_object_get(claim, "claim")),
                    condition);
    }
    print_untested(report, to);
    return 0;
}

static int write_json(const void *context, FILE *to)
{
    const struct report *report = context;
    return fb_json_print(json_pack("{so sO sO}", "machine", fb_machine_json(report->machine),
                                   "claims", report->claims, "not_tested", report->untested),
                         to);
}

static int claims_main(int argc, char **argv)
{
    static const char *const taken[] = { "claims.json", "claims.md", NULL };
    struct options options = { 0 };
    struct fb_error error = { 0 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    if (options.folder && fb_result_dir_make(options.folder, taken, &error) < 0)
        return fb_fail_with(&error);
    struct fb_machine machine;
    const struct report report = { json_array(), json_array(), &machine };
    fb_machine_read(&machine);
    share_python();
    result = test_all(&options, report.claims, report.untested);
    if (result == FB_EXIT_OK && options.json)
        write_json(&report, stdout);
    else if (result == FB_EXIT_OK)
        print_plain(&report);
    if (result == FB_EXIT_OK && options.folder &&
        (fb_result_dir_write(options.folder, "claims.json", write_json, &report, &error) < 0 ||
         fb_result_dir_write(options.folder, "claims.md", write_markdown, &report, &error) < 0))
        result = fb_fail_with(&error);
    json_decref(report.claims);
    json_decref(report.untested);
    return result;
}

const struct fb_command fb_command_claims = {
    .name = "claims",
    .summary = "what the tutorials claim, put to the test on this machine",
    .main = claims_main,
};
