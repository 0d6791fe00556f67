/* scripts/plot.sh: figures are neither ugly nor misleading. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct svg svg;

static void check_all_fit(void)
{
    static const char *const others[] = { "times", "gil" };
    for (size_t i = 0; i < WORKS; i++) {
        read_figure(&svg, works[i].figure);
        check_fits(&svg, works[i].figure);
    }
    for (size_t i = 0; i < 2; i++) {
        read_figure(&svg, others[i]);
        check_fits(&svg, others[i]);
    }
}

/* In gnuplot's enhanced text "_" and "^" make subscripts and superscripts, and "@" vanishes. Long names take
 * space on the left, and the rest must still fit. */
static void characters_are_printed_literally(void **state)
{
    (void)state;
    static const char thread[] = "cpython-thread=/opt/python_3.13t/bin/python3";
    invent(&(struct invention){ .harness = { "pthread", thread }, .workers = { 2 }, .cpus = 2 });
    plot_quietly();
    const struct {
        const char *name, *parameters;
    } figures[] = {
        { works[2].figure, works[2].parameters },
        { "gil", works[1].parameters },
        { "times", works[2].parameters },
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        read_figure(&svg, figures[i].name);
        check_says(&svg, figures[i].name, "Some CPU @ 2.00GHz");
        check_says(&svg, figures[i].name, figures[i].parameters);
        check_says(&svg, figures[i].name, thread);
    }
    check_fits(&svg, "times");
}

static void texts_fit_with_few_workers(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { "pthread", "forkpool", "gil", "openmp", "cpython-thread", "cpython-process" },
        .workers = { 2, 4 },
        .cpus = 2 });
    plot_quietly();
    check_all_fit();
}

/* ---- a run of many worker counts ---- */

static void texts_fit_with_many_workers(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { "pthread", "forkpool", "gil", "openmp", "cpython-thread", "cpython-process" },
        .workers = { 1, 2, 4, 8, 16, 32, 64, 128, 256 },
        .cpus = 64 });
    plot_quietly();
    check_all_fit();
}

/* There are 6 ceilings, and one label. */
static void ceiling_is_named_once(void **state)
{
    (void)state;
    read_figure(&svg, works[0].figure);
    assert_int_equal(svg_count(&svg, "measured ceiling"), 1);
}

/* The positions of the numbers below the x axis. */
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

/* Six lines end at two speedups; their names stand below each other. */
static void names_of_lines_do_not_overlap(void **state)
{
    (void)state;
    read_figure(&svg, works[0].figure);
    for (size_t i = 0; i < svg.texts; i++)
        for (size_t k = 0; k < i; k++) {
            const struct svg_text *one = &svg.text[i], *other = &svg.text[k];
            bool aligned = one->anchor == SVG_START && other->anchor == SVG_START &&
                           fabs(one->x - other->x) < 1;
            if (aligned && fabs(one->y - other->y) < one->size)
                fail_msg("'%s' overlaps '%s'", one->says, other->says);
        }
}

static double height_of(const char *name)
{
    for (size_t i = 0; i < svg.texts; i++)
        if (strcmp(svg.text[i].says, name) == 0)
            return svg.text[i].y;
    fail_msg("no name: %s", name);
    return 0;
}

/* The line of gil ends far below the others; y grows downwards. */
static void names_stand_in_the_order_of_their_lines(void **state)
{
    (void)state;
    static const char *const others[] = { "pthread", "forkpool", "openmp", "cpython-thread" };
    read_figure(&svg, works[0].figure);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(height_of("gil") > height_of(others[i]));
}

/* Lines that coincide are moved apart, but a point must neither seem to be for another number of workers nor leave
 * the picture. */
static void points_stand_above_their_ticks(void **state)
{
    (void)state;
    double tick[16];
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
    const struct CMUnitTest many_workers[] = {
        cmocka_unit_test(texts_fit_with_many_workers),
        cmocka_unit_test(ceiling_is_named_once),
        cmocka_unit_test(names_of_lines_do_not_overlap),
        cmocka_unit_test(names_stand_in_the_order_of_their_lines),
        cmocka_unit_test(points_stand_above_their_ticks),
    };
    const struct CMUnitTest tests[] = {
        PLOTTED(characters_are_printed_literally),
        PLOTTED(texts_fit_with_few_workers),
    };
    int failed = RUN_ON_ONE_PLOT(many_workers);
    return RUN_TESTS(tests) + failed;
}
