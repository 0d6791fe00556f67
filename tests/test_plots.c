/* scripts/plot.sh: every figure of an invented run, without a word on stderr. */
#include "support.h"

#include "folder.h"
#include "program.h"
#include "svg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* run/ is what is drawn; beside it lies what the script says. */
static char folder[FOLDER_NAME];

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    char run[FOLDER_NAME + 8];
    snprintf(run, sizeof run, "%s/run", folder);
    return mkdir(run, 0777);
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

/* ---- an invented summary.csv ---- */

struct invention {
    const char *harness[12]; /* ends with NULL; bases are added */
    unsigned workers[12];    /* ends with 0 */
    unsigned cpus;
    const char *failed; /* this harness at two workers */
    bool no_intervals;
};

static const struct {
    const char *kernel, *parameters, *figure;
} works[] = {
    { "divisors", "", "speedup_divisors" },
    { "primes", "lo=1 hi=800000 ranges=64", "speedup_primes_lo_1_hi_800000_ranges_64" },
    { "resize", "images=/tmp/my_photos filter=bicubic",
      "speedup_resize_images_tmp_my_photos_filter_bicubic" },
};
#define WORKS (sizeof works / sizeof *works)

#define ALL                                                                                        \
    "pthread", "forkpool", "gil", "openmp", "cpython-thread=/opt/python3.13t/bin/python3",         \
        "cpython-process", "cpython-thread"

static bool is_python(const char *harness)
{
    return strncmp(harness, "cpython", 7) == 0;
}

/* speedup 0: a base. */
static void add_row(FILE *to, size_t work, const struct invention *what, const char *harness,
                    unsigned workers, double speedup)
{
    double ns = (is_python(harness) ? 40 : 1) * 7e7 / (speedup > 0 ? speedup : 1);
    bool failed = what->failed && strcmp(harness, what->failed) == 0 && workers == 2;
    fprintf(to, "%s,%s,%s,%u,", works[work].kernel, works[work].parameters, harness, workers);
    if (failed)
        fputs("0,,,,,,,,,", to);
    else if (what->no_intervals && speedup > 0)
        fprintf(to, "3,%.0f,,,%.6g,,,,,", ns, speedup);
    else if (what->no_intervals)
        fprintf(to, "3,%.0f,,,,,,,,", ns);
    else if (speedup > 0)
        fprintf(to, "9,%.0f,%.0f,%.0f,%.6g,%.6g,%.6g,0.98,0.97,0.99", ns, ns * 0.97, ns * 1.03,
                speedup, speedup * 0.97, speedup * 1.03);
    else
        fprintf(to, "9,%.0f,%.0f,%.0f,,,,,,", ns, ns * 0.97, ns * 1.03);
    fprintf(to, ",%s,%s,%u,Some CPU @ 2.00GHz,2026-01-31T12:34:56Z\n",
            speedup > 0 ? (is_python(harness) ? "cpython-single" : "single") : "",
            failed ? "failed" : "ok", what->cpus);
}

static void invent(const struct invention *what)
{
    char path[FOLDER_NAME + 32];
    snprintf(path, sizeof path, "%s/run/summary.csv", folder);
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    fputs("kernel,parameters,harness,workers,blocks,run_ns_median,run_ns_low,run_ns_high,"
          "speedup_median,speedup_low,speedup_high,of_ceiling_median,of_ceiling_low,"
          "of_ceiling_high,base,status,cpus_effective,cpu,started_utc\n",
          to);
    for (size_t work = 0; work < WORKS; work++) {
        bool python = false;
        add_row(to, work, what, "single", 1, 0);
        for (size_t h = 0; what->harness[h]; h++) {
            python |= is_python(what->harness[h]);
            for (size_t w = 0; what->workers[w]; w++) {
                unsigned used = what->workers[w] < what->cpus ? what->workers[w] : what->cpus;
                bool locked = strcmp(what->harness[h], "gil") == 0;
                add_row(to, work, what, what->harness[h], what->workers[w],
                        locked ? 0.99 : 0.97 * used);
            }
        }
        for (size_t w = 0; what->workers[w]; w++)
            if (what->workers[w] >= 2 && what->workers[w] <= what->cpus)
                add_row(to, work, what, "ceiling", what->workers[w], 0.98 * what->workers[w]);
        if (python)
            add_row(to, work, what, "cpython-single", 1, 0);
    }
    assert_int_equal(fclose(to), 0);
}

/* ---- drawing ---- */

/* Draws run/ (or what `arguments` say instead); its exit code. */
static int plot(const char *arguments)
{
    char command[1000 + 3 * FOLDER_NAME], usual[FOLDER_NAME + 16];
    snprintf(usual, sizeof usual, "'%s/run'", folder);
    snprintf(command, sizeof command, "'%s/plot.sh' %s >'%s/out.txt' 2>'%s/err.txt' </dev/null",
             getenv("FORKBENCH_SCRIPTS"), arguments ? arguments : usual, folder, folder);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void plot_quietly(void)
{
    int code = plot(NULL);
    char *text = file_read(folder, "err.txt");
    if (code != 0 || text[0])
        fail_msg("exit %d, %s", code, text);
    free(text);
}

static bool has_command(const char *name)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", name);
    return system(command) == 0;
}

static void check_xml(const char *name)
{
    char command[400 + FOLDER_NAME];
    const char *checker = "grep -q '</svg>'";
    if (has_command("xmllint"))
        checker = "xmllint --noout";
    else if (has_command("python3"))
        checker = "python3 -c 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])'";
    snprintf(command, sizeof command, "%s '%s/run/plots/%s.svg' >/dev/null 2>&1", checker, folder,
             name);
    if (system(command) != 0)
        fail_msg("not well formed: %s.svg", name);
}

/* Reads the SVG of a figure after a look at both its files. */
static void read_figure(struct svg *svg, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "run/plots/%s.png", name);
    char *text = file_read(folder, path);
    assert_memory_equal(text, "\x89PNG\r\n\x1a\n", 8);
    free(text);
    check_xml(name);
    snprintf(path, sizeof path, "run/plots/%s.svg", name);
    text = file_read(folder, path);
    svg_read(svg, text);
    free(text);
}

static void check_says(const struct svg *svg, const char *figure, const char *words)
{
    if (!svg_count(svg, words))
        fail_msg("%s.svg does not say '%s'", figure, words);
}

/* By the average width of DejaVu Sans' small letters; the PNG's are larger by a third. */
static void check_fits(const struct svg *svg, const char *figure)
{
    for (size_t i = 0; i < svg->texts; i++) {
        const struct svg_text *text = &svg->text[i];
        if (text->upright)
            continue;
        double width = 0.55 * text->size * 4 / 3 * (double)strlen(text->says);
        double left = text->x - (text->anchor == SVG_END      ? width
                                 : text->anchor == SVG_MIDDLE ? width / 2
                                                              : 0);
        if (left < 0 || left + width > svg->width)
            fail_msg("%s: '%s' is cut off: from %.0f to %.0f of %.0f", figure, text->says, left,
                     left + width, svg->width);
    }
}

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
    char *text = file_read(folder, "out.txt");
    assert_int_equal(count_lines(text), WORKS + 2); /* names of what was drawn */
    free(text);
    char path[FOLDER_NAME + 16];
    snprintf(path, sizeof path, "%s/run/plots", folder);
    assert_int_equal(folder_count(path), 2 * (WORKS + 2));
}

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

static void only_c(void **state)
{
    (void)state;
    invent(&(struct invention){
        .harness = { "pthread", "forkpool", "gil" }, .workers = { 2, 4 }, .cpus = 2 });
    plot_quietly();
    assert_false(file_exists(folder, "run/plots/gil.svg"));
    assert_false(file_exists(folder, "run/plots/gil.png"));
    check_all_fit(false);
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
    char *text = file_read(folder, "err.txt");
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
    snprintf(arguments, sizeof arguments, "'%s/nothing'", folder);
    check_refused(arguments);
    snprintf(path, sizeof path, "%s/run", folder);
    assert_int_equal(folder_count(path), 0);
}

/* A run whose every cell failed has a summary, and no figures: one line, no words of gnuplot's. */
static void nothing_to_draw(void **state)
{
    (void)state;
    invent(&(struct invention){ .harness = { "pthread" }, .workers = { 2 }, .cpus = 2 });
    char *text = file_read(folder, "run/summary.csv");
    for (char *at = text; (at = strstr(at, ",ok,"));)
        memcpy(at, ",no,", 4);
    file_write(folder, "run/summary.csv", text);
    free(text);
    assert_int_not_equal(plot(NULL), 0);
    text = file_read(folder, "err.txt");
    assert_int_equal(count_lines(text), 1);
    free(text);
}

int main(void)
{
    if (!getenv("FORKBENCH_SCRIPTS") || !has_command("gnuplot"))
        return EXIT_SKIP;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_figure, begin, end),
        cmocka_unit_test_setup_teardown(characters_are_themselves, begin, end),
        cmocka_unit_test_setup_teardown(texts_fit_with_few_workers, begin, end),
        cmocka_unit_test_setup_teardown(texts_fit_with_many_workers, begin, end),
        cmocka_unit_test_setup_teardown(ceiling_is_named_once, begin, end),
        cmocka_unit_test_setup_teardown(only_c, begin, end),
        cmocka_unit_test_setup_teardown(one_worker_count_and_no_intervals, begin, end),
        cmocka_unit_test_setup_teardown(one_cpu, begin, end),
        cmocka_unit_test_setup_teardown(bases_alone, begin, end),
        cmocka_unit_test_setup_teardown(no_summary, begin, end),
        cmocka_unit_test_setup_teardown(nothing_to_draw, begin, end),
    };
    return RUN_TESTS(tests);
}
