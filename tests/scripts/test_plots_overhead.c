/* scripts/plot.sh: the figures of `forkbench overhead`, from invented files. */
#include "tests/support/support.h"

#include "tests/scripts/overhead_fixture.h"
#include "tests/scripts/plot_fixture.h"
#include "tests/support/programs/program.h"

#include <stdio.h>
#include <stdlib.h>

static struct svg svg;

static const struct {
    const char *name, *first_way;
    unsigned parts; /* that it shows */
} figures[] = {
    { "overhead_creation", "fork", CREATION },    { "overhead_efficiency", "forkpool", DISPATCH },
    { "overhead_latency", "forkpool", DISPATCH }, { "overhead_pools", "forkbench", POOLS },
    { "overhead_convoy", "C: threads", CONVOY },  { "overhead_account", "forkpool", ACCOUNT },
};
#define FIGURES (sizeof figures / sizeof *figures)

/* Checks what all figures of these costs have in common. */
static void check_figures(const struct costs *what)
{
    char rounds[40];
    snprintf(rounds, sizeof rounds, "Medians of %u rounds", what->rounds);
    for (size_t i = 0; i < FIGURES; i++) {
        const char *name = figures[i].name;
        if (!(what->parts & figures[i].parts)) {
            assert_true(is_not_drawn(name));
            continue;
        }
        read_figure(&svg, name);
        check_says(&svg, name, "Some CPU @ 2.00GHz");
        check_says(&svg, name, "2026-01-31");
        check_says(&svg, name, what->rounds == 1 ? "One round" : rounds);
        check_says(&svg, name, figures[i].first_way);
        assert_int_equal(svg_count(&svg, "95 % intervals."), !what->no_intervals);
        check_fits(&svg, name);
    }
}

static void draw_and_check(const struct costs *what)
{
    invent_costs(what);
    plot_quietly();
    check_figures(what);
}

static void check_all_said(const char *figure, const char *const *words)
{
    read_figure(&svg, figure);
    for (; *words; words++)
        check_says(&svg, figure, *words);
}
#define CHECK_ALL_SAID(figure, ...)                                                                \
    check_all_said(figure, (const char *const[]){ __VA_ARGS__, NULL })

/* ---- the usual costs ---- */

static void every_figure_is_drawn(void **state)
{
    (void)state;
    draw_and_check(&usual_costs);
    assert_int_equal(figures_printed(), FIGURES);
    assert_int_equal(files_drawn(), 2 * FIGURES);
}

static void creation_has_a_panel_for_each_parent(void **state)
{
    (void)state;
    CHECK_ALL_SAID("overhead_creation", "pthread", "fork", "spawn", "parent 1 MiB", "parent 64 MiB",
                   "parent 1024 MiB", "workers");
    assert_int_equal(svg_count(&svg, "spawn"), 6);
    assert_int_equal(svg.points, 6 * 3 * 4); /* panels, ways, worker counts */
    check_foot(&svg, "overhead_creation", "workers", 1);
}

static void efficiency_marks_the_metg(void **state)
{
    (void)state;
    CHECK_ALL_SAID("overhead_efficiency", "forkpool", "pthread", "openmp", "METG(50 %)",
                   "METG(90 %)", "not bound", "bound to a CPU", "4 workers");
    assert_int_equal(svg.points, 2 * 3 * (12 + 2)); /* panels, harnesses; points, METGs */
    check_foot(&svg, "overhead_efficiency", "length of a task (log scale)", 1);
}

static void latency_has_a_bar_for_each_state(void **state)
{
    (void)state;
    CHECK_ALL_SAID("overhead_latency", "thread, cold, bound", "process, warm, unbound",
                   "openmp, unbound", "a context switch", "45.7 µs", "6.78 ns");
    check_foot(&svg, "overhead_latency", "ns (log scale)", 1);
}

static void pools_are_compared_with_python(void **state)
{
    (void)state;
    CHECK_ALL_SAID("overhead_pools", "Python: Pool", "two forks, one after the other",
                   "forkbench, fresh images", "two processes, a futex, one CPU",
                   "replaced, owner of 1024 MiB", "1.99 ms", "29 ns", "22.7 µs");
    check_foot(&svg, "overhead_pools", "ns (log scale)", 1);
}

static void convoy_names_both_languages(void **state)
{
    (void)state;
    CHECK_ALL_SAID("overhead_convoy", "C: threads under a GIL", "Python: threads", "5.23 ms");
}

static void account_names_its_parts(void **state)
{
    (void)state;
    CHECK_ALL_SAID("overhead_account", "start", "claims", "waiting for the slowest", "join",
                   "unexplained", "primes, 4 workers", "[0.38, 0.44]");
    check_foot(&svg, "overhead_account", "ms of a worker's time, mean of the workers", 1);
}

/* ---- other costs ---- */

static void many_workers(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.parts = CREATION | DISPATCH | ACCOUNT;
    what.workers = 256;
    draw_and_check(&what);
}

static void without_openmp(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.parts = DISPATCH;
    what.no_openmp = true;
    draw_and_check(&what);
    for (size_t i = 0; i < FIGURES; i++) {
        if (figures[i].parts != DISPATCH)
            continue;
        read_figure(&svg, figures[i].name);
        assert_int_equal(svg_count(&svg, "openmp"), 0);
    }
}

/* One worker waits for no other, and only creation has figures of two. */
static void one_worker(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.parts = CREATION | DISPATCH | ACCOUNT;
    what.workers = 1;
    draw_and_check(&what);
}

static void one_round_has_no_intervals(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.rounds = 1;
    what.no_intervals = true;
    draw_and_check(&what);
    read_figure(&svg, "overhead_account");
    assert_int_equal(svg_count(&svg, "["), 0);
    read_figure(&svg, "overhead_creation");
    assert_int_equal(svg.points, 6 * 3 * 4);
}

static void five_rounds_have_no_intervals(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.parts = CONVOY;
    what.rounds = 5;
    what.no_intervals = true;
    draw_and_check(&what);
}

static void a_length_that_is_never_reached(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.parts = DISPATCH;
    what.never_90 = true;
    draw_and_check(&what);
    read_figure(&svg, "overhead_efficiency");
    assert_int_equal(svg.points, 2 * (3 * (12 + 2) - 1));
    what.never = true;
    draw_and_check(&what);
    read_figure(&svg, "overhead_efficiency");
    assert_int_equal(svg.points, 2 * 3 * 12);
    check_says(&svg, "overhead_efficiency", "METG(90 %)");
}

/* By noise, the work can be faster than in the ceiling. */
static void less_than_nothing_unexplained(void **state)
{
    (void)state;
    static const double rests[] = { -0.01, -2, -40 };
    struct costs what = usual_costs;
    what.parts = ACCOUNT;
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        char words[40];
        what.unexplained_ms = rests[i];
        draw_and_check(&what);
        snprintf(words, sizeof words, "unexplained: %.2f ms", rests[i]);
        read_figure(&svg, "overhead_account");
        assert_int_equal(svg_count(&svg, words), 2);
    }
}

/* ---- folders ---- */

static void a_run_in_the_same_folder(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.parts = CONVOY;
    invent(
        &(struct invention){ .works = 1, .harness = { "pthread" }, .workers = { 2 }, .cpus = 2 });
    draw_and_check(&what);
    read_figure(&svg, works[0].figure);
    read_figure(&svg, "times");
    assert_int_equal(figures_printed(), 3);
}

static void remove_file(const char *name)
{
    char path[FOLDER_NAME + 32];
    snprintf(path, sizeof path, "%s/run/%s", plotted_folder, name);
    assert_int_equal(remove(path), 0);
}

/* curves.csv is written last, so it is missing after an interrupt. */
static void without_curves(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.parts = DISPATCH;
    invent_costs(&what);
    remove_file("curves.csv");
    plot_quietly();
    read_figure(&svg, "overhead_latency");
    assert_true(is_not_drawn("overhead_efficiency"));
}

static void curves_alone_are_refused(void **state)
{
    (void)state;
    struct costs what = usual_costs;
    what.parts = DISPATCH;
    invent_costs(&what);
    remove_file("overhead.csv");
    assert_int_equal(plot(NULL), 2);
    char *text = file_read(plotted_folder, "err.txt");
    assert_int_equal(count_lines(text), 1);
    free(text);
    assert_false(file_exists(plotted_folder, "run/plots"));
}

int main(void)
{
    if (!getenv("FORKBENCH_SCRIPTS") || !has_command("gnuplot"))
        return EXIT_SKIP;
    const struct CMUnitTest usual[] = {
        cmocka_unit_test(every_figure_is_drawn),
        cmocka_unit_test(creation_has_a_panel_for_each_parent),
        cmocka_unit_test(efficiency_marks_the_metg),
        cmocka_unit_test(latency_has_a_bar_for_each_state),
        cmocka_unit_test(pools_are_compared_with_python),
        cmocka_unit_test(convoy_names_both_languages),
        cmocka_unit_test(account_names_its_parts),
    };
    const struct CMUnitTest others[] = {
        PLOTTED(many_workers),
        PLOTTED(without_openmp),
        PLOTTED(one_worker),
        PLOTTED(one_round_has_no_intervals),
        PLOTTED(five_rounds_have_no_intervals),
        PLOTTED(a_length_that_is_never_reached),
        PLOTTED(less_than_nothing_unexplained),
        PLOTTED(a_run_in_the_same_folder),
        PLOTTED(without_curves),
        PLOTTED(curves_alone_are_refused),
    };
    int failed = RUN_ON_ONE_PLOT(usual);
    return RUN_TESTS(others) + failed;
}
