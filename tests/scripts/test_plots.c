/* scripts/plot.sh: every figure of an invented run, without a word on stderr. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"
#include "tests/support/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL                                                                                        \
    "pthread", "forkpool", "gil", "openmp", "cpython-thread=/opt/python3.13t/bin/python3",         \
        "cpython-process", "cpython-thread"

/* ---- figures ---- */

static struct svg svg;

static void every_figure(void **state)
{
    (void)state;
    const struct invention what = { .harness = { ALL },
                                    .workers = { 1, 2, 4, 8, 16, 32, 64, 128, 256 },
                                    .cpus = 64,
                                    .failed = "gil" };
    invent(&what);
    plot_quietly();
    for (size_t i = 0; i < WORKS; i++) {
        read_figure(&svg, works[i].figure);
        check_says(&svg, works[i].figure, works[i].kernel);
        check_says(&svg, works[i].figure, "ideal");
        check_says(&svg, works[i].figure, "measured ceiling");
        for (size_t h = 0; what.harness[h]; h++)
            check_says(&svg, works[i].figure, what.harness[h]);
    }
    read_figure(&svg, "gil");
    for (size_t h = 0; what.harness[h]; h++)
        check_says(&svg, "gil", what.harness[h]);
    read_figure(&svg, "times");
    check_says(&svg, "times", "pthread × 64");
    check_says(&svg, "times", "cpython-single");
    char *text = file_read(plotted_folder, "out.txt");
    assert_int_equal(count_lines(text), WORKS + 2); /* names of what was drawn */
    free(text);
    char path[FOLDER_NAME + 16];
    snprintf(path, sizeof path, "%s/run/plots", plotted_folder);
    assert_int_equal(folder_count(path), 2 * (WORKS + 2));
}

static void only_c(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { "pthread", "forkpool", "gil" }, .workers = { 2, 4 }, .cpus = 2 });
    plot_quietly();
    assert_false(file_exists(plotted_folder, "run/plots/gil.svg"));
    assert_false(file_exists(plotted_folder, "run/plots/gil.png"));
}

static void one_worker_count_and_no_intervals(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { ALL }, .workers = { 2 }, .cpus = 2, .no_intervals = true });
    plot_quietly();
    read_figure(&svg, "gil");
    read_figure(&svg, works[1].figure);
    check_says(&svg, works[1].figure, "ideal");
}

/* No ceiling: there is nothing for a second copy to run on. */
static void one_cpu(void **state)
{
    (void)state;
    invent(&(struct invention){ .harness = { ALL }, .workers = { 1, 2 }, .cpus = 1 });
    plot_quietly();
    read_figure(&svg, works[0].figure);
    assert_int_equal(svg_count(&svg, "measured ceiling"), 0);
}

/* It has lines and bars of its own. */
static void another_build(void **state)
{
    (void)state;
    invent(&(struct invention){ .harness = { "pthread", "cpython-thread" },
                                .workers = { 1, 2, 4 },
                                .cpus = 4,
                                .against = true });
    plot_quietly();
    read_figure(&svg, works[1].figure);
    check_says(&svg, works[1].figure, "pthread");
    check_says(&svg, works[1].figure, "pthread(against)");
    check_says(&svg, works[1].figure, "cpython-thread(against)");
    assert_int_equal(svg.points, 1 + 4 * 3 + 2); /* the base, harnesses, ceilings */
    read_figure(&svg, "gil");
    check_says(&svg, "gil", "cpython-thread(against)");
    read_figure(&svg, "times");
    check_says(&svg, "times", "pthread(against) × 4");
    check_says(&svg, "times", "single(against)");
}

/* What comes again is there to tell noise, not to be looked at. */
static void again_is_not_drawn(void **state)
{
    (void)state;
    invent(&(struct invention){ .harness = { "pthread" }, .workers = { 2 }, .cpus = 2 });
    plot_quietly();
    read_figure(&svg, works[0].figure);
    assert_int_equal(svg_count(&svg, "pthread"), 1);
    assert_int_equal(svg.points, 1 + 1 + 1); /* the base, pthread, the ceiling */
    read_figure(&svg, "times");
    assert_int_equal(svg_count(&svg, "pthread × 2"), WORKS);
}

static void bases_alone(void **state)
{
    (void)state;
    invent(&(struct invention){ .harness = { NULL }, .workers = { 2 }, .cpus = 2 });
    plot_quietly();
    read_figure(&svg, "times");
}

/* ---- refusals ---- */

static void check_refused(const char *arguments)
{
    assert_int_equal(plot(arguments), 2);
    char *text = file_read(plotted_folder, "err.txt");
    assert_int_equal(count_lines(text), 1);
    free(text);
}

static void no_summary(void **state)
{
    (void)state;
    char arguments[FOLDER_NAME + 32], path[FOLDER_NAME + 8];
    check_refused(NULL);
    check_refused("");
    check_refused("one two");
    snprintf(arguments, sizeof arguments, "'%s/nothing'", plotted_folder);
    check_refused(arguments);
    snprintf(path, sizeof path, "%s/run", plotted_folder);
    assert_int_equal(folder_count(path), 0);
}

/* A run whose every cell failed has a summary, and no figures: one line, no words of gnuplot's. */
static void nothing_to_draw(void **state)
{
    (void)state;
    invent(&(struct invention){ .harness = { "pthread" }, .workers = { 2 }, .cpus = 2 });
    char *text = file_read(plotted_folder, "run/summary.csv");
    for (char *at = text; (at = strstr(at, ",ok,"));)
        memcpy(at, ",no,", 4);
    file_write(plotted_folder, "run/summary.csv", text);
    free(text);
    assert_int_not_equal(plot(NULL), 0);
    text = file_read(plotted_folder, "err.txt");
    assert_int_equal(count_lines(text), 1);
    free(text);
}

int main(void)
{
    if (!getenv("FORKBENCH_SCRIPTS") || !has_command("gnuplot"))
        return EXIT_SKIP;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_figure, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(only_c, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(one_worker_count_and_no_intervals, plotted_begin,
                                        plotted_end),
        cmocka_unit_test_setup_teardown(one_cpu, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(another_build, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(again_is_not_drawn, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(bases_alone, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(no_summary, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(nothing_to_draw, plotted_begin, plotted_end),
    };
    return RUN_TESTS(tests);
}
