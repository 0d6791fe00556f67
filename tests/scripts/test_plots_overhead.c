/* scripts/plot.sh: the figures of `forkbench overhead`, from invented files. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"
#include "tests/support/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct svg svg;

static const char *const figures[] = { "overhead_creation", "overhead_efficiency",
                                       "overhead_latency",  "overhead_pools",
                                       "overhead_convoy",   "overhead_account" };
static const char *const first_way[] = { "fork",      "forkpool",   "forkpool",
                                         "forkbench", "C: threads", "forkpool" };
#define FIGURES (sizeof figures / sizeof *figures)

/* ---- invented overhead.csv and curves.csv ---- */

struct costs {
    unsigned workers, rounds;
    bool no_openmp;    /* it was not built */
    bool no_intervals; /* fewer than six rounds */
    bool never_90;     /* openmp does not reach 90 %, wherever it runs */
    bool never;        /* nobody reaches 50 % */
    double unexplained_ms;
};

static const struct costs usual = { .workers = 4, .rounds = 31, .unexplained_ms = 0.4 };

struct figure {
    const char *name, *harness, *state, *binding;
    double ns; /* NaN: not known */
};

static void put_interval(FILE *to, const struct costs *what, double value)
{
    const double factors[] = { 0, -0.05, 0.1 };
    for (int i = 0; i < 3; i++) {
        fputc(',', to);
        if (isfinite(value) && (i == 0 || !what->no_intervals))
            fprintf(to, "%.6g", value + factors[i] * fabs(value));
    }
}

static void put_figure(FILE *to, const struct costs *what, unsigned workers,
                       const struct figure *figure)
{
    fprintf(to, "%s,%s,%u,%s,%s", figure->name, figure->harness, workers, figure->state,
            figure->binding);
    put_interval(to, what, figure->ns);
    fprintf(to, ",ns,%u,%u,Some CPU @ 2.00GHz,2026-01-31T12:34:56Z\n", what->rounds, what->workers);
}

/* As the program writes them, each but the first way is also compared with it. */
static void put_creation(FILE *to, const struct costs *what)
{
    static const char *const ways[] = { "pthread", "fork", "spawn" }, *const parents[] = {
        "parent 1 MiB", "parent 64 MiB", "parent 1024 MiB"
    };
    for (size_t parent = 0; parent < 3; parent++)
        for (unsigned workers = 1; workers <= 2 * what->workers; workers *= 2)
            for (size_t way = 0; way < 3; way++) {
                double ns = (way == 1 ? 1e5 * pow(10, (double)parent) : 5e4 + 9e5 * (double)way);
                put_figure(to, what, workers,
                           &(struct figure){ "create.ready", ways[way], parents[parent], "unbound",
                                             ns * workers });
                put_figure(to, what, workers,
                           &(struct figure){ "create.end", ways[way], parents[parent], "unbound",
                                             ns / 3 });
                put_figure(to, what, workers,
                           &(struct figure){ "create.ready.ratio", ways[way], parents[parent],
                                             "unbound", 3 });
            }
}

static void put_handover(FILE *to, const struct costs *what)
{
    static const char *const kinds[] = { "thread", "process" },
                             *const states[] = { "warm", "cold" },
                             *const bindings[] = { "unbound", "bound" };
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < 4; i++)
            put_figure(to, what, 2,
                       &(struct figure){ "handover.wake", kinds[kind], states[i % 2],
                                         bindings[i / 2], i % 2 ? 45678 : 2345 });
        put_figure(to, what, 2,
                   &(struct figure){ "handover.switch", kinds[kind], "warm", "bound", 1234 });
    }
}

static void put_dispatch(FILE *to, const struct costs *what, const char *harness,
                         const char *binding)
{
    bool openmp = strcmp(harness, "openmp") == 0;
    const struct figure list[] = {
        { "dispatch.empty", harness, "cold", binding, 123456 },
        { "dispatch.empty", harness, "warm", binding, 456 },
        { "dispatch.claim", harness, "warm", binding, openmp ? 56.7 : 6.78 },
        { "dispatch.metg50", harness, "warm", binding,
          what->never ? NAN
          : openmp    ? 110
                      : 4.5 },
        { "dispatch.metg90", harness, "warm", binding,
          what->never || (what->never_90 && openmp) ? NAN
          : openmp                                  ? 900
                                                    : 12 },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        put_figure(to, what, what->workers, &list[i]);
}

static void put_pools(FILE *to, const struct costs *what)
{
    static const char *const kinds[] = { "pool", "Python Pool", "ProcessPoolExecutor" };
    for (size_t i = 0, times = 1; i < 3; i++, times = 40) {
        const struct figure list[] = {
            { "pool.open", kinds[i], "and closed", "unbound", 654321 * times },
            { "pool.task", kinds[i], "8 B", "unbound", 567 * times },
            { "pool.item", kinds[i], "8 B; chunk 1", "unbound", 29 * times },
            { "pool.latency", kinds[i], "8 B", "unbound", 8765 * times },
        };
        for (size_t k = 0; k < sizeof list / sizeof *list; k++)
            put_figure(to, what, 2, &list[k]);
    }
    const struct figure list[] = {
        { "pool.open", "pool", "spawned; and closed", "unbound", 1987654 },
        { "pool.open", "fork", "and closed", "unbound", 456789 },
        { "pool.latency", "pool", "8 B; one CPU", "bound", 7755 },
        { "pool.latency", "futex", "8 B; one CPU", "bound", 7654 },
        { "pool.death", "pool", "killed", "unbound", 234567 },
        { "pool.replace", "pool", "parent 1 MiB", "unbound", 345678 },
        { "pool.replace", "pool", "parent 1024 MiB", "unbound", 356789 },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        put_figure(to, what, 2, &list[i]);
}

static void put_convoy(FILE *to, const struct costs *what)
{
    const struct figure list[] = {
        { "convoy.latency", "pthread", "", "unbound", 71234 },
        { "convoy.latency", "gil", "", "unbound", 5123456 },
        { "convoy.latency", "cpython-thread", "", "unbound", 5234567 },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        put_figure(to, what, 2, &list[i]);
}

static void put_account(FILE *to, const struct costs *what, const char *harness)
{
    double rest = what->unexplained_ms * 1e6, slowest = 3e6;
    const struct figure list[] = {
        { "account.time", harness, "warm", "unbound", 3.2e7 + slowest + rest },
        { "account.ceiling", harness, "warm", "unbound", 3.2e7 },
        { "account.excess", harness, "warm", "unbound", slowest + rest + 7e4 },
        { "account.start", harness, "warm", "unbound", 6e4 },
        { "account.claims", harness, "warm", "unbound", 30 },
        { "account.slowest", harness, "warm", "unbound", what->workers > 1 ? slowest : 0 },
        { "account.join", harness, "warm", "unbound", 1e4 },
        { "account.unexplained", harness, "warm", "unbound", rest },
        { "account.explained", harness, "warm", "unbound", 93 },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        put_figure(to, what, what->workers, &list[i]);
}

static FILE *begin(const char *name)
{
    char path[FOLDER_NAME + 32];
    snprintf(path, sizeof path, "%s/run/%s", plotted_folder, name);
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    return to;
}

static const char *const harnesses[] = { "forkpool", "pthread", "openmp" };

static void put_curve(FILE *to, const struct costs *what, const char *harness, const char *binding)
{
    double half = strcmp(harness, "openmp") == 0 ? 110 : 4.5, most = what->never ? 0.3 : 0.99;
    for (double ns = 1.04; ns < 3000; ns *= 2) {
        fprintf(to, "%s,%u,%s,%.6g", harness, what->workers, binding, ns);
        put_interval(to, what, most * ns / (ns + half));
        fprintf(to, ",%u,Some CPU @ 2.00GHz,2026-01-31T12:34:56Z\n", what->workers);
    }
}

static void invent_costs(const struct costs *what)
{
    FILE *costs = begin("overhead.csv"), *curves = begin("curves.csv");
    size_t count = what->no_openmp ? 2 : 3;
    fputs("name,harness,workers,state,binding,value,low,high,unit,rounds,cpus_effective,cpu,"
          "started_utc\n",
          costs);
    fputs("harness,workers,binding,length_ns,efficiency,efficiency_low,efficiency_high,"
          "cpus_effective,cpu,started_utc\n",
          curves);
    put_creation(costs, what);
    put_handover(costs, what);
    for (size_t i = 0; i < 2 * count; i++) {
        put_dispatch(costs, what, harnesses[i % count], i < count ? "unbound" : "bound");
        put_curve(curves, what, harnesses[i % count], i < count ? "unbound" : "bound");
    }
    put_pools(costs, what);
    put_convoy(costs, what);
    put_account(costs, what, "forkpool");
    put_account(costs, what, "pthread");
    assert_int_equal(fclose(costs), 0);
    assert_int_equal(fclose(curves), 0);
}

/* ---- figures ---- */

/* Draws them, and looks at what is the same in all. */
static void check_figures(const struct costs *what)
{
    char rounds[40];
    invent_costs(what);
    plot_quietly();
    snprintf(rounds, sizeof rounds, "Medians of %u rounds", what->rounds);
    for (size_t i = 0; i < FIGURES; i++) {
        read_figure(&svg, figures[i]);
        check_says(&svg, figures[i], "Some CPU @ 2.00GHz");
        check_says(&svg, figures[i], "2026-01-31");
        check_says(&svg, figures[i], what->rounds == 1 ? "One round" : rounds);
        check_says(&svg, figures[i], first_way[i]);
        assert_int_equal(svg_count(&svg, "95 % intervals."), !what->no_intervals);
        check_fits(&svg, figures[i]);
    }
}

static void check_all_said(const char *figure, const char *const *words)
{
    read_figure(&svg, figure);
    for (; *words; words++)
        check_says(&svg, figure, *words);
}

static void every_figure(void **state)
{
    (void)state;
    check_figures(&usual);
    check_all_said("overhead_creation",
                   (const char *const[]){ "pthread", "fork", "spawn", "parent 1 MiB",
                                          "parent 64 MiB", "parent 1024 MiB", "workers", NULL });
    assert_int_equal(svg_count(&svg, "spawn"), 6);
    assert_int_equal(svg.points, 6 * 3 * 4); /* panels, ways, worker counts */
    check_foot(&svg, "overhead_creation", "workers", 1);
    check_all_said("overhead_efficiency",
                   (const char *const[]){ "forkpool", "pthread", "openmp", "METG(50 %)",
                                          "METG(90 %)", "not bound", "bound to a CPU", "4 workers",
                                          NULL });
    assert_int_equal(svg.points, 2 * 3 * (12 + 2)); /* panels, harnesses; points, METGs */
    check_foot(&svg, "overhead_efficiency", "length of a task (log scale)", 1);
    check_all_said("overhead_latency",
                   (const char *const[]){ "thread, cold, bound", "process, warm, unbound",
                                          "openmp, unbound", "a context switch", "45.7 µs",
                                          "6.78 ns", NULL });
    check_foot(&svg, "overhead_latency", "ns (log scale)", 1);
    check_all_said("overhead_pools",
                   (const char *const[]){
                       "Python: Pool", "two forks, one after the other", "forkbench, fresh images",
                       "two processes, a futex, one CPU", "replaced, owner of 1024 MiB", "1.99 ms",
                       "29 ns", "22.7 µs", NULL });
    check_foot(&svg, "overhead_pools", "ns (log scale)", 1);
    check_all_said("overhead_convoy", (const char *const[]){ "C: threads under a GIL",
                                                             "Python: threads", "5.23 ms", NULL });
    check_all_said("overhead_account",
                   (const char *const[]){ "start", "claims", "waiting for the slowest", "join",
                                          "unexplained", "primes, 4 workers", "[0.38, 0.44]",
                                          NULL });
    check_foot(&svg, "overhead_account", "ms of a worker's time, mean of the workers", 1);
    char *text = file_read(plotted_folder, "out.txt");
    assert_int_equal(count_lines(text), FIGURES); /* names of what was drawn */
    free(text);
}

static void many_workers(void **state)
{
    (void)state;
    struct costs what = usual;
    what.workers = 256;
    check_figures(&what);
}

static void without_openmp(void **state)
{
    (void)state;
    struct costs what = usual;
    what.no_openmp = true;
    check_figures(&what);
    for (size_t i = 0; i < FIGURES; i++) {
        read_figure(&svg, figures[i]);
        assert_int_equal(svg_count(&svg, "openmp"), 0);
    }
}

/* With one there is nobody to wait for, and no second worker to make but in creation. */
static void one_worker(void **state)
{
    (void)state;
    struct costs what = usual;
    what.workers = 1;
    check_figures(&what);
}

static void one_round_has_no_intervals(void **state)
{
    (void)state;
    struct costs what = usual;
    what.rounds = 1;
    what.no_intervals = true;
    check_figures(&what);
    read_figure(&svg, "overhead_account");
    assert_int_equal(svg_count(&svg, "["), 0);
    read_figure(&svg, "overhead_creation");
    assert_int_equal(svg.points, 6 * 3 * 4);
    what.rounds = 5;
    check_figures(&what);
}

static void a_length_that_is_never_reached(void **state)
{
    (void)state;
    struct costs what = usual;
    what.never_90 = true;
    check_figures(&what);
    read_figure(&svg, "overhead_efficiency");
    assert_int_equal(svg.points, 2 * (3 * (12 + 2) - 1));
    what.never = true;
    check_figures(&what);
    read_figure(&svg, "overhead_efficiency");
    assert_int_equal(svg.points, 2 * 3 * 12);
    check_says(&svg, "overhead_efficiency", "METG(90 %)");
}

/* The work can be faster than in the ceiling, by noise. */
static void less_than_nothing_unexplained(void **state)
{
    (void)state;
    static const double rests[] = { -0.01, -2, -40 };
    struct costs what = usual;
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        char words[40];
        what.unexplained_ms = rests[i];
        check_figures(&what);
        snprintf(words, sizeof words, "unexplained: %.2f ms", rests[i]);
        read_figure(&svg, "overhead_account");
        assert_int_equal(svg_count(&svg, words), 2);
    }
}

/* ---- folders ---- */

static void a_run_beside_it(void **state)
{
    (void)state;
    invent(&(struct invention){ .harness = { "pthread" }, .workers = { 2 }, .cpus = 2 });
    check_figures(&usual);
    read_figure(&svg, works[0].figure);
    read_figure(&svg, "times");
    char *text = file_read(plotted_folder, "out.txt");
    assert_int_equal(count_lines(text), FIGURES + WORKS + 1);
    free(text);
}

/* curves.csv is written last, so an interrupt can leave none. */
static void without_curves(void **state)
{
    (void)state;
    invent_costs(&usual);
    char path[FOLDER_NAME + 32];
    snprintf(path, sizeof path, "%s/run/curves.csv", plotted_folder);
    assert_int_equal(remove(path), 0);
    plot_quietly();
    read_figure(&svg, "overhead_account");
    assert_false(file_exists(plotted_folder, "run/plots/overhead_efficiency.svg"));
}

static void nothing_to_draw(void **state)
{
    (void)state;
    invent_costs(&usual);
    char path[FOLDER_NAME + 32];
    snprintf(path, sizeof path, "%s/run/overhead.csv", plotted_folder);
    assert_int_equal(remove(path), 0); /* curves.csv alone says too little */
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
#define PLOTTED(test) cmocka_unit_test_setup_teardown(test, plotted_begin, plotted_end)
    const struct CMUnitTest tests[] = {
        PLOTTED(every_figure),
        PLOTTED(many_workers),
        PLOTTED(without_openmp),
        PLOTTED(one_worker),
        PLOTTED(one_round_has_no_intervals),
        PLOTTED(a_length_that_is_never_reached),
        PLOTTED(less_than_nothing_unexplained),
        PLOTTED(a_run_beside_it),
        PLOTTED(without_curves),
        PLOTTED(nothing_to_draw),
    };
    return RUN_TESTS(tests);
}
