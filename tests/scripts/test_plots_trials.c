/* scripts/plot.sh: every trial, rings round what was disturbed, and laws that were fitted. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct svg svg;

/* gnuplot's point types of what a trial can be. */
enum { CROSS = 2, CIRCLE = 6, DOT = 7, EDGE = 9 };

/* Of the base, one harness at two worker counts, a ceiling, a second label: see invent(). */
#define CELLS 5
static const struct invention small = {
    .harness = { "pthread" }, .workers = { 2, 4 }, .cpus = 2, .samples = true
};

/* ---- every trial ---- */

static void every_cell_is_named(void **state)
{
    (void)state;
    const struct invention what = { .harness = { "pthread", "gil", "cpython-thread",
                                                 "cpython-process=/opt/python3.13t/bin/python3" },
                                    .workers = { 2, 64 },
                                    .cpus = 64,
                                    .samples = true };
    invent(&what);
    plot_quietly();
    read_figure(&svg, "trials");
    for (size_t i = 0; i < WORKS; i++) {
        check_says(&svg, "trials", works[i].kernel);
        check_says(&svg, "trials", works[i].parameters);
    }
    static const char *const labels[] = {
        "pthread × 2",
        "pthread × 64",
        "gil × 2",
        "gil × 64",
        "cpython-thread × 2",
        "cpython-thread × 64",
        "ceiling × 2",
        "ceiling × 64",
        "cpython-process=python3 × 2",
        "cpython-single",
        "gil (again) × 2",
        "cpython-process=python3 × 64",
        "python3 (again) × 2",
        "cross: ",
        "circle: ",
        "Some CPU @ 2.00GHz",
        "64 effective CPUs",
        "2026-01-31",
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        size_t times = i < 13 ? WORKS : 1;
        if (svg_count(&svg, labels[i]) != times)
            fail_msg("'%s' is said %zu times, not %zu", labels[i], svg_count(&svg, labels[i]),
                     times);
    }
    check_fits(&svg, "trials");
}

/* The warm-up is not drawn, an outlier is a dot in a circle, and far out a triangle as well. */
static void a_point_a_trial(void **state)
{
    (void)state;
    invent(&small);
    plot_quietly();
    read_figure(&svg, "trials");
    assert_int_equal(svg_count_marks(&svg, DOT), WORKS * CELLS * TRIALS);
    assert_int_equal(svg_count_marks(&svg, CROSS), 0);
    assert_int_equal(svg_count_marks(&svg, CIRCLE), WORKS * CELLS);
    assert_int_equal(svg_count_marks(&svg, EDGE), WORKS * CELLS);
    assert_int_equal(svg.points, WORKS * CELLS * (TRIALS + 2));
    for (size_t i = 0; i < svg.points; i++)
        assert_true(svg.point[i].x < svg.width && svg.point[i].y < svg.height);
    check_fits(&svg, "trials");
}

static void disturbed_trials_are_crosses(void **state)
{
    (void)state;
    struct invention what = small;
    what.disturbed = "pthread";
    invent(&what);
    plot_quietly();
    read_figure(&svg, "trials");
    size_t crosses = 3 * WORKS * TRIALS; /* at 2 and 4 workers, and again */
    assert_int_equal(svg_count_marks(&svg, CROSS), crosses);
    assert_int_equal(svg_count_marks(&svg, DOT), WORKS * CELLS * TRIALS - crosses);
    assert_int_equal(svg_count_marks(&svg, CIRCLE), WORKS * CELLS);
}

static void a_failed_cell_has_no_row(void **state)
{
    (void)state;
    struct invention what = small;
    what.failed = "pthread";
    invent(&what);
    plot_quietly();
    read_figure(&svg, "trials");
    assert_int_equal(svg_count(&svg, "pthread × 2"), 0);
    assert_int_equal(svg_count(&svg, "pthread × 4"), WORKS);
}

static void another_build_has_rows(void **state)
{
    (void)state;
    struct invention what = small;
    what.against = true;
    invent(&what);
    plot_quietly();
    read_figure(&svg, "trials");
    assert_int_equal(svg_count(&svg, "pthread (against) × 4"), WORKS);
    assert_int_equal(svg_count(&svg, "single (against)"), WORKS);
    assert_int_equal(svg_count_marks(&svg, CIRCLE), WORKS * (CELLS + 3));
}

static void without_samples(void **state)
{
    (void)state;
    struct invention what = small;
    what.samples = false;
    invent(&what);
    plot_quietly();
    read_figure(&svg, works[0].figure);
    read_figure(&svg, "times");
    assert_false(file_exists(plotted_folder, "run/plots/trials.svg"));
    assert_false(file_exists(plotted_folder, "run/plots/trials.png"));
}

/* A run that was stopped during its warm-up. */
static void samples_that_do_not_count(void **state)
{
    (void)state;
    invent(&small);
    char *text = file_read(plotted_folder, "run/samples.csv"), *second = strchr(text, '\n') + 1;
    *(strchr(second, '\n') + 1) = '\0';
    file_write(plotted_folder, "run/samples.csv", text);
    free(text);
    plot_quietly();
    assert_false(file_exists(plotted_folder, "run/plots/trials.svg"));
}

/* ---- names ---- */

static void replace(const char *name, const char *old, const char *new)
{
    char *text = file_read(plotted_folder, name), *result = NULL, *from = text;
    size_t size;
    FILE *to = open_memstream(&result, &size);
    assert_non_null(to);
    for (char *at; (at = strstr(from, old)); from = at + strlen(old))
        fprintf(to, "%.*s%s", (int)(at - from), from, new);
    fputs(from, to);
    assert_int_equal(fclose(to), 0);
    file_write(plotted_folder, name, result);
    free(result);
    free(text);
}

/* Each means something to gnuplot, awk or the shell: "_" lowers, "\n" would be a new line. */
static void characters_are_themselves(void **state)
{
    (void)state;
#define ODD "a_b^c@d{e}f&g~h\\new\\\\$i`j%k#l"
    static const char thread[] = "cpython-thread=/opt/x_y&z/" ODD,
                      resize[] =
                          "speedup_resize_images_tmp_a_b_c_d_e_f_g_h_new_i_j_k_l_filter_bicubic";
    struct invention what = small;
    what.harness[1] = thread;
    invent(&what);
    replace("run/summary.csv", "my_photos", ODD);
    replace("run/samples.csv", "my_photos", ODD);
    plot_quietly();
    const char *const figures[] = { "trials", "times", "gil", resize };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        read_figure(&svg, figures[i]);
        check_says(&svg, figures[i], thread);
        if (strcmp(figures[i], "gil") != 0)
            check_says(&svg, figures[i], "images=/tmp/" ODD " filter=bicubic");
    }
}

/* ---- rings ---- */

/* Rings of this harness in a figure: how many points more there are than without. */
static void check_rings(const char *harness, const char *figure, size_t rings)
{
    struct invention what = { .harness = { "pthread", "gil", "cpython-thread" },
                              .workers = { 2, 4 },
                              .cpus = 2 };
    invent(&what);
    plot_quietly();
    read_figure(&svg, figure);
    assert_int_equal(svg_count(&svg, "Ring"), 0);
    check_foot(&svg, figure, "workers", 2);
    size_t points = svg.points;
    what.disturbed = harness;
    invent(&what);
    plot_quietly();
    read_figure(&svg, figure);
    assert_int_equal(svg.points, points + rings);
    assert_int_equal(svg_count(&svg, "Ring: more than a tenth of its trials"), 1);
    check_foot(&svg, figure, "workers", 3);
    check_fits(&svg, figure);
}

static void rings_in_the_speedup_figure(void **state)
{
    (void)state;
    check_rings("pthread", works[0].figure, 2);
}

static void rings_in_the_gil_figure(void **state)
{
    (void)state;
    check_rings("cpython-thread", "gil", 4); /* two panels */
}

static void rings_round_the_ceiling(void **state)
{
    (void)state;
    check_rings("ceiling", works[0].figure, 1);
}

/* Nothing of the base is drawn, so there is no ring to be explained. */
static void no_ring_for_a_base(void **state)
{
    (void)state;
    struct invention what = small;
    what.disturbed = "single";
    invent(&what);
    plot_quietly();
    read_figure(&svg, works[0].figure);
    assert_int_equal(svg_count(&svg, "Ring"), 0);
}

/* ---- laws ---- */

static void fitted_laws_are_dotted(void **state)
{
    (void)state;
    struct invention what = { .harness = { "pthread", "forkpool", "cpython-thread" },
                              .workers = { 1, 2, 4, 8, 16, 32, 64 },
                              .cpus = 64 };
    const char *const figures[] = { works[1].figure, "gil" };
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
    const struct invention what = { .harness = { "pthread", "cpython-thread" },
                                    .workers = { 1, 2, 4, 8, 16, 32 },
                                    .cpus = 32,
                                    .fitted = "pthread",
                                    .disturbed = "cpython-thread" };
    invent(&what);
    plot_quietly();
    const char *const figures[] = { works[0].figure, "gil" };
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
#define PLOTTED(test) cmocka_unit_test_setup_teardown(test, plotted_begin, plotted_end)
    const struct CMUnitTest tests[] = {
        PLOTTED(every_cell_is_named),          PLOTTED(a_point_a_trial),
        PLOTTED(disturbed_trials_are_crosses), PLOTTED(a_failed_cell_has_no_row),
        PLOTTED(another_build_has_rows),       PLOTTED(without_samples),
        PLOTTED(samples_that_do_not_count),    PLOTTED(characters_are_themselves),
        PLOTTED(rings_in_the_speedup_figure),  PLOTTED(rings_in_the_gil_figure),
        PLOTTED(rings_round_the_ceiling),      PLOTTED(no_ring_for_a_base),
        PLOTTED(fitted_laws_are_dotted),       PLOTTED(rings_and_laws_together),
    };
    return RUN_TESTS(tests);
}
