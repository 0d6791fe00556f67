/* `forkbench claims`: what the tutorials say, put to the test here. */
#include "cli.h"
#include "folder.h"
#include "json.h"
#include "lessons.h"
#include "machine.h"
#include "progress.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct options {
    bool json;
    const char *folder; /* to write into; NULL: none */
};

static const struct argp_option option_table[] = {
    { "json", 'j', 0, 0, "Print JSON", 0 },
    { "output", 'o', "DIR", 0, "Write claims.json and claims.md into it", 0 },
    { 0 },
};

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
    default:
        return fb_parse_rest(key, arg, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .doc =
        "Tests what tutorials on multiprocessing claim, on this machine: what was measured, and "
        "whether "
        "the claim holds, does not hold, or depends. Each belongs to a lesson, which explains it.",
};

/* ---- asking ---- */

static unsigned number_of(const json_t *claim)
{
    const char *row = json_string_value(json_object_get(claim, "claim"));
    return row ? (unsigned)strtoul(row + 1, NULL, 10) : 0;
}

/* Puts a claim where its number belongs. */
static void insert(json_t *claims, json_t *claim)
{
    size_t place = 0;
    while (place < json_array_size(claims) &&
           number_of(json_array_get(claims, place)) <= number_of(claim))
        place++;
    json_array_insert(claims, place, claim);
}

/* Whether rows ("M7 W14 C9") has a claim. */
static bool has_claims(const char *rows)
{
    return rows[0] == 'C' || strstr(rows, " C");
}

static int ask(const char *name, json_t *claims, json_t *silent)
{
    struct fb_lesson lesson;
    struct fb_error error = { 0 };
    json_t *said, *claim;
    size_t i;
    int code = fb_lesson_find(name, &lesson, &error);
    if (code < 0)
        return fb_fail_with(&error);
    if (!has_claims(lesson.rows))
        return FB_EXIT_OK;
    code = fb_lesson_ask(&lesson, &said, &error);
    if (!said)
        json_array_append_new(silent,
                              json_pack("{ss ss si}", "lesson", name, "why",
                                        code < 0                     ? error.text
                                        : code == FB_EXIT_IMPOSSIBLE ? "this machine can't show it"
                                                                     : "the lesson went wrong",
                                        "code", code));
    json_array_foreach(json_object_get(said, "claims"), i, claim)
    {
        if (code == FB_EXIT_NO) /* what it judges by is not to be relied on */
            json_object_set_new(claim, "condition",
                                json_string("not to be relied on: the lesson's own check failed; "
                                            "try again on a quiet machine"));
        insert(claims, claim);
    }
    json_decref(said);
    return FB_EXIT_OK;
}

static int ask_all(json_t *claims, json_t *silent)
{
    struct fb_progress progress;
    size_t count = 0;
    int result = FB_EXIT_OK;
    while (fb_lessons[count])
        count++;
    fb_progress_begin(&progress);
    for (size_t i = 0; i < count && result == FB_EXIT_OK; i++) {
        fb_progress_show(&progress, (double)i / (double)count, fb_lessons[i]);
        result = ask(fb_lessons[i], claims, silent);
    }
    fb_progress_end(&progress);
    return result;
}

/* ---- saying ---- */

static void put_text(const json_t *claim, const char *key, char *cell)
{
    const char *text = json_string_value(json_object_get(claim, key));
    if (text && *text)
        snprintf(cell, FB_TABLE_TEXT, "%s", text);
}

static void put_row(struct fb_table *table, const json_t *claim)
{
    fb_table_row *row = fb_table_add(table);
    if (!row)
        return;
    put_text(claim, "claim", (*row)[0]);
    put_text(claim, "says", (*row)[1]);
    put_text(claim, "verdict", (*row)[2]);
    put_text(claim, "lesson", (*row)[3]);
    put_text(claim, "unit", (*row)[4]);
    const json_t *value = json_object_get(claim, "measured"), *low = json_object_get(claim, "low"),
                 *high = json_object_get(claim, "high");
    if (json_is_number(value))
        snprintf((*row)[5], FB_TABLE_TEXT, "%.4g", json_number_value(value));
    if (json_is_number(low))
        snprintf((*row)[6], FB_TABLE_TEXT, "[%.4g, %.4g]", json_number_value(low),
                 json_number_value(high));
}

/* On what a claim depends, or what holds instead: a line each, too long for the table. */
static void print_conditions(const json_t *claims, bool markdown, FILE *to)
{
    json_t *claim;
    size_t i;
    fputc('\n', to);
    json_array_foreach(claims, i, claim)
    {
        const char *condition = json_string_value(json_object_get(claim, "condition"));
        if (condition && *condition)
            fprintf(to, "%s%s: %s.\n", markdown ? "- " : "",
                    json_string_value(json_object_get(claim, "claim")), condition);
    }
}

struct report {
    json_t *claims, *silent;
    const struct fb_machine *machine;
};

static int print_table(const struct report *report, bool markdown, FILE *to)
{
    static const char *const heads[] = { "claim", "the tutorials say", "here",         "lesson",
                                         "unit",  "measured",          "95 % interval" };
    struct fb_table table = { .heads = heads, .columns = 7, .names = 5 };
    json_t *claim;
    size_t i;
    json_array_foreach(report->claims, i, claim)
    {
        put_row(&table, claim);
    }
    fb_table_print(&table, markdown, to);
    fb_table_clear(&table);
    print_conditions(report->claims, markdown, to);
    json_array_foreach(report->silent, i, claim)
    {
        fprintf(to, "Not tested: %s: %s\n", json_string_value(json_object_get(claim, "lesson")),
                json_string_value(json_object_get(claim, "why")));
    }
    return 0;
}

static int write_markdown(const void *context, FILE *to)
{
    return print_table(context, true, to);
}

static int write_json(const void *context, FILE *to)
{
    const struct report *report = context;
    return fb_json_print(json_pack("{so sO sO}", "machine", fb_machine_json(report->machine),
                                   "claims", report->claims, "not_tested", report->silent),
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
    if (options.folder && fb_folder_make(options.folder, taken, &error) < 0)
        return fb_fail_with(&error);
    struct fb_machine machine;
    const struct report report = { json_array(), json_array(), &machine };
    fb_machine_read(&machine);
    result = ask_all(report.claims, report.silent);
    if (result == FB_EXIT_OK && options.json)
        write_json(&report, stdout);
    else if (result == FB_EXIT_OK)
        print_table(&report, false, stdout);
    if (result == FB_EXIT_OK && options.folder &&
        (fb_folder_write(options.folder, "claims.json", write_json, &report, &error) < 0 ||
         fb_folder_write(options.folder, "claims.md", write_markdown, &report, &error) < 0))
        result = fb_fail_with(&error);
    json_decref(report.claims);
    json_decref(report.silent);
    return result;
}

const struct fb_command fb_command_claims = {
    .name = "claims",
    .summary = "what the tutorials claim, put to the test on this machine",
    .main = claims_main,
};
