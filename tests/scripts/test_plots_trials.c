/* scripts/plot.sh: the figure of all trials. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct svg svg;

/* gnuplot's point types for trials. */
enum { CROSS = 2, CIRCLE = 6, DOT = 7, EDGE = 9 };

/* The cells of one work: a base, one harness at two worker counts, a ceiling, a second label. */
#define CELLS 5
static const struct invention small = {
    .works = 1, .harness = { "pthread" }, .workers = { 2, 4 }, .cpus = 2, .samples = true
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

/* The warm-up is not drawn. An outlier is a dot in a circle, and has a triangle if it is beyond the edge. */
static void each_trial_is_a_point(void **state)
{
    (void)state;
    invent(&small);
    plot_quietly();
    read_figure(&svg, "trials");
    assert_int_equal(svg_count_marks(&svg, DOT), CELLS * TRIALS);
    assert_int_equal(svg_count_marks(&svg, CROSS), 0);
    assert_int_equal(svg_count_marks(&svg, CIRCLE), CELLS);
    assert_int_equal(svg_count_marks(&svg, EDGE), CELLS);
    assert_int_equal(svg.points, CELLS * (TRIALS + 2));
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
    size_t crosses = 3 * TRIALS; /* at 2 and 4 workers, and the second label */
    assert_int_equal(svg_count_marks(&svg, CROSS), crosses);
    assert_int_equal(svg_count_marks(&svg, DOT), CELLS * TRIALS - crosses);
    assert_int_equal(svg_count_marks(&svg, CIRCLE), CELLS);
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
    assert_int_equal(svg_count(&svg, "pthread × 4"), 1);
}

static void another_build_has_rows(void **state)
{
    (void)state;
    struct invention what = small;
    what.against = true;
    invent(&what);
    plot_quietly();
    read_figure(&svg, "trials");
    assert_int_equal(svg_count(&svg, "pthread (against) × 4"), 1);
    assert_int_equal(svg_count(&svg, "single (against)"), 1);
    assert_int_equal(svg_count_marks(&svg, CIRCLE), CELLS + 3);
}

static void without_samples_it_is_not_drawn(void **state)
{
    (void)state;
    struct invention what = small;
    what.samples = false;
    invent(&what);
    plot_quietly();
    read_figure(&svg, works[0].figure);
    read_figure(&svg, "times");
    assert_true(is_not_drawn("trials"));
}

/* The run was stopped during its warm-up. */
static void warm_up_trials_do_not_count(void **state)
{
    (void)state;
    invent(&small);
    char *text = file_read(plotted_folder, "run/samples.csv"), *second = strchr(text, '\n') + 1;
    *(strchr(second, '\n') + 1) = '\0';
    file_write(plotted_folder, "run/samples.csv", text);
    free(text);
    plot_quietly();
    assert_true(is_not_drawn("trials"));
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

/* Each character means something to gnuplot, awk or the shell. */
static void characters_are_printed_literally(void **state)
{
    (void)state;
#define ODD "a_b^c@d{e}f&g~h\\new\\\\$i`j%k#l"
    static const char thread[] = "cpython-thread=/opt/x_y&z/" ODD,
                      resize[] =
                          "speedup_resize_images_tmp_a_b_c_d_e_f_g_h_new_i_j_k_l_filter_bicubic";
    struct invention what = small;
    what.works = WORKS;
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

int main(void)
{
    if (!getenv("FORKBENCH_SCRIPTS") || !has_command("gnuplot"))
        return EXIT_SKIP;
    const struct CMUnitTest tests[] = {
        PLOTTED(every_cell_is_named),          PLOTTED(each_trial_is_a_point),
        PLOTTED(disturbed_trials_are_crosses), PLOTTED(a_failed_cell_has_no_row),
        PLOTTED(another_build_has_rows),       PLOTTED(without_samples_it_is_not_drawn),
        PLOTTED(warm_up_trials_do_not_count),  PLOTTED(characters_are_printed_literally),
    };
    return RUN_TESTS(tests);
}
