/* `forkbench compare`: whether one run is worse than another. */
#include "bench/command/cli.h"
#include "bench/judge/comparability.h"
#include "bench/run/precision.h"
#include "bench/judge/regress.h"
#include "bench/format/interval.h"
#include "bench/format/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct options {
    char *folder[2];
    unsigned folders;
    double most; /* 0.05: up to 5 % slower is no worse */
};

static const struct argp_option option_table[] = {
    { "max-regress", 'm', "PERCENT", 0, "Up to PERCENT slower is no worse (default 5)", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    double percent = 0;
    error_t result;
    switch (key) {
    case 'm':
        result = fb_take_real("--max-regress", arg, &percent);
        options->most = percent / 100;
        return result;
    case ARGP_KEY_ARG:
        if (options->folders == 2)
            return fb_parse_rest(key, arg, state);
        options->folder[options->folders++] = arg;
        return 0;
    default:
        return fb_parse_rest(key, arg, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "A B",
    .doc = "Whether run B (a folder that `forkbench run` wrote) is slower than run A. They were "
           "measured at different times, so only larger differences are found than between two "
           "builds in one run (`forkbench run --against`). Exit: 0 no worse, 1 worse, 4 can't "
           "tell, 5 not comparable.",
};

/* The verdicts on all cells. */
struct judgement {
    size_t count[FB_REGRESS_VERDICTS];
    const struct fb_recorded_cell
        *worst; /* the worse cell with the largest ratio; NULL: none is worse */
    struct fb_interval worst_ratio;
    size_t few;    /* cells with fewer than FB_BLOCKS_LEAST blocks */
    double blocks; /* the most that a cell needs to be judged */
};

static const char *const heads[] = { "kernel", "harness",    "workers",       "A ms",    "B ms",
                                     "blocks", "time ratio", "95 % interval", "verdict", "needs" };

static void put_cell(const struct fb_recorded_cell *a, const struct fb_recorded_cell *b,
                     const struct fb_regress *regress, fb_table_row row)
{
    snprintf(row[0], FB_TABLE_TEXT, "%s%s%.200s%s", a->kernel, a->asked[0] ? " (" : "", a->asked,
             a->asked[0] ? ")" : "");
    snprintf(row[1], FB_TABLE_TEXT, "%.200s", a->harness);
    snprintf(row[2], FB_TABLE_TEXT, "%u", a->workers);
    if (a->blocks)
        snprintf(row[3], FB_TABLE_TEXT, "%.4g", fb_median(a->run_ns, a->blocks) / 1e6);
    if (b->blocks)
        snprintf(row[4], FB_TABLE_TEXT, "%.4g", fb_median(b->run_ns, b->blocks) / 1e6);
    snprintf(row[5], FB_TABLE_TEXT, "%zu, %zu", a->blocks, b->blocks);
    fb_interval_print_value(&regress->ratio, 1, 3, row[6], FB_TABLE_TEXT);
    fb_interval_print_bounds(&regress->ratio, 1, 3, row[7], FB_TABLE_TEXT);
    snprintf(row[8], FB_TABLE_TEXT, "%s", fb_regress_names[regress->verdict]);
    if (isinf(regress->blocks))
        strcpy(row[9], "--against");
    else if (regress->blocks > 0)
        snprintf(row[9], FB_TABLE_TEXT, "%.0f blocks", regress->blocks);
}

static int judge_cells(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                       const struct fb_comparability *comparability, double most,
                       struct fb_table *table, struct judgement *judgement)
{
    for (size_t i = 0; i < comparability->matches; i++) {
        const struct fb_recorded_cell *left = &a->cell[comparability->match[i].a];
        const struct fb_recorded_cell *right = &b->cell[comparability->match[i].b];
        struct fb_regress regress;
        fb_table_row *row = fb_table_add(table);
        if (!row || fb_regress_judge(left->run_ns, left->blocks, right->run_ns, right->blocks, most,
                                     &regress) < 0)
            return -ENOMEM;
        put_cell(left, right, &regress, *row);
        judgement->count[regress.verdict]++;
        judgement->few += regress.ratio.samples < FB_BLOCKS_LEAST;
        judgement->blocks = fmax(judgement->blocks, regress.blocks);
        if (regress.verdict == FB_WORSE &&
            (!judgement->worst || regress.ratio.value > judgement->worst_ratio.value)) {
            judgement->worst = left;
            judgement->worst_ratio = regress.ratio;
        }
    }
    return 0;
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "?";
}

static void print_head(const struct options *options, const struct fb_recorded_run *a,
                       const struct fb_recorded_run *b,
                       const struct fb_comparability *comparability)
{
    const struct fb_recorded_run *run[] = { a, b };
    for (int i = 0; i < 2; i++)
        printf("%c: %s, %s, commit %s%s\n", 'A' + i, options->folder[i],
               text(run[i]->root, "started_utc"), text(run[i]->build, "commit"),
               json_is_true(json_object_get(run[i]->root, "complete")) ? "" : ", interrupted");
    if (comparability->factor[0])
        printf("What differs: %s.\n", comparability->factor);
    else
        puts("The machine code of kernels and harnesses is the same.");
    if (comparability->alone)
        printf("Not compared: %zu cell%s that only one of the runs has.\n", comparability->alone,
               comparability->alone == 1 ? "" : "s");
    puts("");
}

/* Prints the last line and returns the exit code. */
static int print_verdict(const struct judgement *judgement, size_t cells, double most)
{
    double percent = 100 * most;
    if (judgement->worst) {
        printf("\nWorse: %zu of %zu cells more than %g %% slower, most of all %s under %s on "
               "%u: %.3f times [%.3f, %.3f].\n",
               judgement->count[FB_WORSE], cells, percent, judgement->worst->kernel,
               judgement->worst->harness, judgement->worst->workers, judgement->worst_ratio.value,
               judgement->worst_ratio.low, judgement->worst_ratio.high);
        return FB_EXIT_NO;
    }
    if (judgement->count[FB_CANT_TELL] == 0) {
        printf("\nNo worse: none of %zu cells is more than %g %% slower.\n", cells, percent);
        return FB_EXIT_OK;
    }
    if (judgement->few) {
        printf(
            "\nCan't tell: %zu of %zu cells have fewer than %d blocks in one of the runs: measure "
            "it with a larger --budget.\n",
            judgement->few, cells, FB_BLOCKS_LEAST);
        return FB_EXIT_UNCERTAIN;
    }
    printf("\nCan't tell: %zu of %zu cells may be more than %g %% slower or not: ",
           judgement->count[FB_CANT_TELL], cells, percent);
    if (isinf(judgement->blocks))
        printf("no number of blocks up to %d would do,\nthe runs differ too much within "
               "themselves: measure both builds in one run (`forkbench run --against`).\n",
               FB_BLOCKS_MOST);
    else
        printf("measure both runs with %.0f blocks or more\n(a smaller --precision, a larger "
               "--budget), or both builds in one run (`forkbench run --against`).\n",
               judgement->blocks);
    return FB_EXIT_UNCERTAIN;
}

static int compare(const struct options *options, const struct fb_recorded_run *a,
                   const struct fb_recorded_run *b)
{
    struct fb_comparability comparability;
    struct fb_error error;
    struct judgement judgement = { 0 };
    struct fb_table table = { .heads = heads, .columns = sizeof heads / sizeof *heads, .names = 2 };
    int result = fb_comparability_find(a, b, &comparability, &error);
    if (result == -EXDEV)
        return fb_fail(FB_EXIT_INCOMPARABLE, "not comparable: %s", error.text);
    if (result < 0)
        return fb_fail_with(&error);
    if (judge_cells(a, b, &comparability, options->most, &table, &judgement) < 0) {
        result = fb_fail(FB_EXIT_IMPOSSIBLE, "out of memory");
    } else {
        print_head(options, a, b, &comparability);
        fb_table_print(&table, false, stdout);
        result = print_verdict(&judgement, comparability.matches, options->most);
    }
    fb_table_clear(&table);
    fb_comparability_clear(&comparability);
    return result;
}

static int fail_reading(const struct fb_error *error)
{
    if (error->code == -ENOTSUP)
        return fb_fail(FB_EXIT_INCOMPARABLE, "not comparable: %s", error->text);
    return fb_fail(error->code == -ENOMEM ? FB_EXIT_IMPOSSIBLE : FB_EXIT_USAGE, "%s", error->text);
}

static int compare_main(int argc, char **argv)
{
    struct options options = { .most = 0.05 };
    struct fb_recorded_run a = { 0 }, b = { 0 };
    struct fb_error error = { 0 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    if (options.folders < 2)
        return fb_fail(FB_EXIT_USAGE, "missing argument: give two folders that `forkbench run` "
                                      "wrote");
    if (fb_recorded_run_read(options.folder[0], &a, &error) < 0 ||
        fb_recorded_run_read(options.folder[1], &b, &error) < 0)
        result = fail_reading(&error);
    else
        result = compare(&options, &a, &b);
    fb_recorded_run_clear(&a);
    fb_recorded_run_clear(&b);
    return result;
}

const struct fb_command fb_command_compare = {
    .name = "compare",
    .summary = "whether one run is worse than another",
    .main = compare_main,
};
