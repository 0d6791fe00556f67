/* scripts/plot.sh: rings around disturbed points, and the curves of fitted laws. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"

#include <stdlib.h>

static struct svg svg;

/* ---- rings ---- */

static const struct invention quiet = {
    .works = 2, .harness = { "pthread", "gil", "cpython-thread" }, .workers = { 2, 4 }, .cpus = 2
};
static const char *const figures[] = { "speedup_divisors", "gil" };
static size_t quiet_points[2];

static void without_disturbances_there_are_no_rings(void **state)
{
    (void)state;
    invent(&quiet);
    plot_quietly();
    for (size_t i = 0; i < 2; i++) {
        read_figure(&svg, figures[i]);
        assert_int_equal(svg_count(&svg, "Ring"), 0);
        check_foot(&svg, figures[i], "workers", 2);
        quiet_points[i] = svg.points;
    }
}

/* A figure has more points if trials of this harness were disturbed: the rings. */
static void check_rings(const char *harness, size_t figure, size_t rings)
{
    read_figure(&svg, figures[figure]);
    if (svg.points != quiet_points[figure] + rings)
        fail_msg("%s disturbed: %zu more points in %s, not %zu", harness,
                 svg.points - quiet_points[figure], figures[figure], rings);
    assert_int_equal(svg_count(&svg, "Ring: more than a tenth of its trials"), 1);
    check_foot(&svg, figures[figure], "workers", 3);
    check_fits(&svg, figures[figure]);
}

static void disturb(const char *harness)
{
    struct invention what = quiet;
    what.disturbed = harness;
    invent(&what);
    plot_quietly();
}

static void each_point_of_a_disturbed_harness_has_a_ring(void **state)
{
    (void)state;
    disturb("cpython-thread");
    check_rings("cpython-thread", 0, 2);
    check_rings("cpython-thread", 1, 4); /* two panels */
}

static void a_disturbed_ceiling_has_a_ring(void **state)
{
    (void)state;
    disturb("ceiling");
    check_rings("ceiling", 0, 1);
}

/* The figure shows no times of the base, so there is no ring to explain. */
static void a_disturbed_base_has_no_ring(void **state)
{
    (void)state;
    disturb("single");
    read_figure(&svg, figures[0]);
    assert_int_equal(svg.points, quiet_points[0]);
    assert_int_equal(svg_count(&svg, "Ring"), 0);
}

/* ---- laws ---- */

static void fitted_laws_are_dotted(void **state)
{
    (void)state;
    struct invention what = { .works = 2,
                              .harness = { "pthread", "forkpool", "cpython-thread" },
                              .workers = { 1, 2, 4, 8, 16, 32, 64 },
                              .cpus = 64 };
    size_t dashed[2];
    for (int fitted = 0; fitted < 2; fitted++) {
        what.fitted = fitted ? "pthread" : NULL;
        invent(&what);
        plot_quietly();
        for (size_t i = 0; i < 2; i++) {
            read_figure(&svg, figures[i]);
            assert_int_equal(svg_count(&svg, "Dotted"), fitted);
            check_foot(&svg, figures[i], "workers", fitted ? 3 : 2);
            check_fits(&svg, figures[i]);
            if (!fitted)
                dashed[i] = svg.dashed;
            else
                assert_int_equal(svg.dashed, dashed[i] + 1 + i); /* gil has two panels */
        }
    }
}

static void rings_and_laws_together(void **state)
{
    (void)state;
    const struct invention what = { .works = 2,
                                    .harness = { "pthread", "cpython-thread" },
                                    .workers = { 1, 2, 4, 8, 16, 32 },
                                    .cpus = 32,
                                    .fitted = "pthread",
                                    .disturbed = "cpython-thread" };
    invent(&what);
    plot_quietly();
    for (size_t i = 0; i < 2; i++) {
        read_figure(&svg, figures[i]);
        check_says(&svg, figures[i], "disturbed. Dotted: the fitted");
        check_foot(&svg, figures[i], "workers", 3);
        check_fits(&svg, figures[i]);
    }
}

int main(void)
{
    if (!getenv("FORKBENCH_SCRIPTS") || !has_command("gnuplot"))
        return EXIT_SKIP;
    const struct CMUnitTest rings[] = {
        cmocka_unit_test(without_disturbances_there_are_no_rings),
        cmocka_unit_test(each_point_of_a_disturbed_harness_has_a_ring),
        cmocka_unit_test(a_disturbed_ceiling_has_a_ring),
        cmocka_unit_test(a_disturbed_base_has_no_ring),
    };
    const struct CMUnitTest laws[] = {
        PLOTTED(fitted_laws_are_dotted),
        PLOTTED(rings_and_laws_together),
    };
    int failed = RUN_ON_ONE_PLOT(rings);
    return RUN_TESTS(laws) + failed;
}
