/* scripts/plot.sh: the figures of invented runs, and refusals. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"
#include "tests/support/programs/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL                                                                                        \
    "pthread", "forkpool", "gil", "openmp", "cpython-thread=/opt/python3.13t/bin/python3",         \
        "cpython-process", "cpython-thread"

/* ---- a run of all harnesses ---- */

static struct svg svg;
static const struct invention all = {
    .harness = { ALL }, .workers = { 1, 2, 4, 8, 16, 32, 64, 128, 256 }, .cpus = 64, .failed = "gil"
};

static void every_figure_is_drawn(void **state)
{
    (void)state;
    invent(&all);
    plot_quietly();
    assert_int_equal(figures_printed(), WORKS + 2);
    assert_int_equal(files_drawn(), 2 * (WORKS + 2));
}

static void a_speedup_figure_names_its_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORKS; i++) {
        read_figure(&svg, works[i].figure);
        check_says(&svg, works[i].figure, works[i].kernel);
        check_says(&svg, works[i].figure, "ideal");
        check_says(&svg, works[i].figure, "measured ceiling");
        for (size_t h = 0; all.harness[h]; h++)
            check_says(&svg, works[i].figure, all.harness[h]);
    }
}

static void the_gil_figure_names_its_lines(void **state)
{
    (void)state;
    read_figure(&svg, "gil");
    for (size_t h = 0; all.harness[h]; h++)
        check_says(&svg, "gil", all.harness[h]);
}

static void the_times_figure_names_its_bars(void **state)
{
    (void)state;
    read_figure(&svg, "times");
    check_says(&svg, "times", "pthread × 64");
    check_says(&svg, "times", "cpython-single");
}

/* ---- other runs ---- */

/* The second label of a cell measures noise, so it is not drawn. */
static void a_run_in_c_only(void **state)
{
    (void)state;
    invent(
        &(struct invention){ .works = 2, .harness = { "pthread" }, .workers = { 2 }, .cpus = 2 });
    plot_quietly();
    assert_true(is_not_drawn("gil"));
    read_figure(&svg, works[0].figure);
    assert_int_equal(svg_count(&svg, "pthread"), 1);
    assert_int_equal(svg.points, 1 + 1 + 1); /* the base, pthread, the ceiling */
    read_figure(&svg, "times");
    assert_int_equal(svg_count(&svg, "pthread × 2"), 2);
}

static void one_worker_count_and_no_intervals(void **state)
{
    (void)state;
    invent(&(struct invention){
        .works = 2, .harness = { ALL }, .workers = { 2 }, .cpus = 2, .no_intervals = true });
    plot_quietly();
    read_figure(&svg, "gil");
    read_figure(&svg, works[1].figure);
    check_says(&svg, works[1].figure, "ideal");
}

/* There is no CPU for a second copy, so no ceiling. */
static void one_cpu(void **state)
{
    (void)state;
    invent(&(struct invention){ .works = 1, .harness = { ALL }, .workers = { 1, 2 }, .cpus = 1 });
    plot_quietly();
    read_figure(&svg, works[0].figure);
    assert_int_equal(svg_count(&svg, "measured ceiling"), 0);
}

static void another_build_has_lines_and_bars(void **state)
{
    (void)state;
    invent(&(struct invention){ .works = 2,
                                .harness = { "pthread", "cpython-thread" },
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

static void bases_alone(void **state)
{
    (void)state;
    invent(&(struct invention){ .works = 1, .harness = { NULL }, .workers = { 2 }, .cpus = 2 });
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

static void a_folder_without_a_summary_is_refused(void **state)
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

/* If all cells failed, there is a summary but nothing to draw: one line, and no messages of gnuplot. */
static void a_run_without_measured_cells_is_refused(void **state)
{
    (void)state;
    invent(
        &(struct invention){ .works = 1, .harness = { "pthread" }, .workers = { 2 }, .cpus = 2 });
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
    const struct CMUnitTest all_harnesses[] = {
        cmocka_unit_test(every_figure_is_drawn),
        cmocka_unit_test(a_speedup_figure_names_its_lines),
        cmocka_unit_test(the_gil_figure_names_its_lines),
        cmocka_unit_test(the_times_figure_names_its_bars),
    };
    const struct CMUnitTest tests[] = {
        PLOTTED(a_run_in_c_only),
        PLOTTED(one_worker_count_and_no_intervals),
        PLOTTED(one_cpu),
        PLOTTED(another_build_has_lines_and_bars),
        PLOTTED(bases_alone),
        PLOTTED(a_folder_without_a_summary_is_refused),
        PLOTTED(a_run_without_measured_cells_is_refused),
    };
    int failed = RUN_ON_ONE_PLOT(all_harnesses);
    return RUN_TESTS(tests) + failed;
}
