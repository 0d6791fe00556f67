/* scripts/plot.sh: what would be ugly or misleading in a figure. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct svg svg;

/* ---- texts ---- */

/* In gnuplot's enhanced text "_" and "^" lower and raise what follows, "@" vanishes. */
static void characters_are_themselves(void **state)
{
    (void)state;
    static const char thread[] = "cpython-thread=/opt/python_3.13t/bin/python3";
    invent(&(struct invention){ .harness = { thread }, .workers = { 2 }, .cpus = 2 });
    plot_quietly();
    read_figure(&svg, works[2].figure);
    check_says(&svg, works[2].figure, "Some CPU @ 2.00GHz");
    check_says(&svg, works[2].figure, works[2].parameters);
    check_says(&svg, works[2].figure, thread);
    read_figure(&svg, "gil");
    check_says(&svg, "gil", "Some CPU @ 2.00GHz");
    check_says(&svg, "gil", works[1].parameters);
    check_says(&svg, "gil", thread);
    read_figure(&svg, "times");
    check_says(&svg, "times", "Some CPU @ 2.00GHz");
    check_says(&svg, "times", works[2].parameters);
    check_says(&svg, "times", thread);
}

static void check_all_fit(bool gil)
{
    for (size_t i = 0; i < WORKS; i++) {
        read_figure(&svg, works[i].figure);
        check_fits(&svg, works[i].figure);
    }
    read_figure(&svg, "times");
    check_fits(&svg, "times");
    if (gil) {
        read_figure(&svg, "gil");
        check_fits(&svg, "gil");
    }
}

static void texts_fit_with_few_workers(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { "pthread", "forkpool", "gil", "openmp", "cpython-thread", "cpython-process" },
        .workers = { 2, 4 },
        .cpus = 2 });
    plot_quietly();
    check_all_fit(true);
}

static void texts_fit_with_many_workers(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { "pthread", "forkpool", "gil", "openmp", "cpython-thread", "cpython-process" },
        .workers = { 2, 4, 8, 16, 32, 64, 128, 256 },
        .cpus = 256 });
    plot_quietly();
    check_all_fit(true);
}

/* Of 8 ceilings one is named. */
static void ceiling_is_named_once(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { "pthread" }, .workers = { 2, 4, 8, 16, 32, 64, 128, 256 }, .cpus = 256 });
    plot_quietly();
    read_figure(&svg, works[0].figure);
    assert_int_equal(svg_count(&svg, "measured ceiling"), 1);
}

/* Long names take room at the left, and the rest must still fit. */
static void times_fit_beside_long_names(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { "pthread", "cpython-thread=/opt/python3.13t/bin/python3" },
        .workers = { 2 },
        .cpus = 2 });
    plot_quietly();
    read_figure(&svg, "times");
    check_fits(&svg, "times");
}

/* ---- points ---- */

/* The places of the numbers below the x axis. */
static size_t read_ticks(double *ret_ticks, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < svg.texts && count < most; i++) {
        const char *says = svg.text[i].says + strspn(svg.text[i].says, " ");
        if (svg.text[i].anchor == SVG_MIDDLE && *says && !says[strspn(says, "0123456789")])
            ret_ticks[count++] = svg.text[i].x;
    }
    return count;
}

/* Lines that coincide are moved apart, but a point must not seem to be for another number of
 * workers, nor leave the picture. */
static void points_stand_above_their_ticks(void **state)
{
    (void)state;
    double tick[16];
    const struct invention what = { .harness = { "pthread", "forkpool", "gil", "openmp",
                                                 "cpython-thread", "cpython-process" },
                                    .workers = { 1, 2, 4, 8, 16, 32, 64, 128, 256 },
                                    .cpus = 64 };
    invent(&what);
    plot_quietly();
    read_figure(&svg, works[0].figure);
    assert_int_equal(read_ticks(tick, 16), 9);
    assert_int_equal(svg.points, 1 + 6 * 9 + 6); /* the base, harnesses, ceilings */
    double gap = (tick[8] - tick[0]) / 8;
    for (size_t i = 0; i < svg.points; i++) {
        double nearest = INFINITY;
        for (size_t k = 0; k < 9; k++)
            nearest = fmin(nearest, fabs(svg.point[i].x - tick[k]));
        if (nearest > gap / 4)
            fail_msg("a point is %.0f pixels beside its tick, the next tick is %.0f away", nearest,
                     gap);
    }
}

int main(void)
{
    if (!getenv("FORKBENCH_SCRIPTS") || !has_command("gnuplot"))
        return EXIT_SKIP;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(characters_are_themselves, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(texts_fit_with_few_workers, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(texts_fit_with_many_workers, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(times_fit_beside_long_names, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(points_stand_above_their_ticks, plotted_begin, plotted_end),
        cmocka_unit_test_setup_teardown(ceiling_is_named_once, plotted_begin, plotted_end),
    };
    return RUN_TESTS(tests);
}
