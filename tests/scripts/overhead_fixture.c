#include "tests/support/support.h"

#include "tests/scripts/overhead_fixture.h"
#include "tests/scripts/plot_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct costs usual_costs = {
    .parts = EVERYTHING, .workers = 4, .rounds = 31, .unexplained_ms = 0.4
};

struct metric {
    const char *name, *harness, *state, *binding;
    double ns; /* NaN: unknown */
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

static void put_metric(FILE *to, const struct costs *what, unsigned workers,
                       const struct metric *metric)
{
    fprintf(to, "%s,%s,%u,%s,%s", metric->name, metric->harness, workers, metric->state,
            metric->binding);
    put_interval(to, what, metric->ns);
    fprintf(to, ",ns,%u,%u,Some CPU @ 2.00GHz,2026-01-31T12:34:56Z\n", what->rounds, what->workers);
}

/* Like the program, also compares each way with the first one. */
static void put_creation(FILE *to, const struct costs *what)
{
    static const char *const ways[] = { "pthread", "fork", "spawn" }, *const parents[] = {
        "parent 1 MiB", "parent 64 MiB", "parent 1024 MiB"
    };
    for (size_t parent = 0; parent < 3; parent++)
        for (unsigned workers = 1; workers <= 2 * what->workers; workers *= 2)
            for (size_t way = 0; way < 3; way++) {
                double ns = (way == 1 ? 1e5 * pow(10, (double)parent) : 5e4 + 9e5 * (double)way);
                put_metric(to, what, workers,
                           &(struct metric){ "create.ready", ways[way], parents[parent], "unbound",
                                             ns * workers });
                put_metric(to, what, workers,
                           &(struct metric){ "create.end", ways[way], parents[parent], "unbound",
                                             ns / 3 });
                put_metric(to, what, workers,
                           &(struct metric){ "create.ready.ratio", ways[way], parents[parent],
                                             "unbound", 3 });
            }
}

static void put_wakeup(FILE *to, const struct costs *what)
{
    static const char *const kinds[] = { "thread", "process" },
                             *const states[] = { "warm", "cold" },
                             *const bindings[] = { "unbound", "bound" };
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < 4; i++)
            put_metric(to, what, 2,
                       &(struct metric){ "handover.wake", kinds[kind], states[i % 2],
                                         bindings[i / 2], i % 2 ? 45678 : 2345 });
        put_metric(to, what, 2,
                   &(struct metric){ "handover.switch", kinds[kind], "warm", "bound", 1234 });
    }
}

static void put_dispatch(FILE *to, const struct costs *what, const char *harness,
                         const char *binding)
{
    bool openmp = strcmp(harness, "openmp") == 0;
    const struct metric list[] = {
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
        put_metric(to, what, what->workers, &list[i]);
}

static void put_pools(FILE *to, const struct costs *what)
{
    static const char *const kinds[] = { "pool", "Python Pool", "ProcessPoolExecutor" };
    for (size_t i = 0, times = 1; i < 3; i++, times = 40) {
        const struct metric list[] = {
            { "pool.open", kinds[i], "and closed", "unbound", 654321 * times },
            { "pool.task", kinds[i], "8 B", "unbound", 567 * times },
            { "pool.item", kinds[i], "8 B; chunk 1", "unbound", 29 * times },
            { "pool.latency", kinds[i], "8 B", "unbound", 8765 * times },
        };
        for (size_t k = 0; k < sizeof list / sizeof *list; k++)
            put_metric(to, what, 2, &list[k]);
    }
    const struct metric list[] = {
        { "pool.open", "pool", "spawned; and closed", "unbound", 1987654 },
        { "pool.open", "fork", "and closed", "unbound", 456789 },
        { "pool.latency", "pool", "8 B; one CPU", "bound", 7755 },
        { "pool.latency", "futex", "8 B; one CPU", "bound", 7654 },
        { "pool.death", "pool", "killed", "unbound", 234567 },
        { "pool.replace", "pool", "parent 1 MiB", "unbound", 345678 },
        { "pool.replace", "pool", "parent 1024 MiB", "unbound", 356789 },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        put_metric(to, what, 2, &list[i]);
}

static void put_convoy(FILE *to, const struct costs *what)
{
    const struct metric list[] = {
        { "convoy.latency", "pthread", "", "unbound", 71234 },
        { "convoy.latency", "gil", "", "unbound", 5123456 },
        { "convoy.latency", "cpython-thread", "", "unbound", 5234567 },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        put_metric(to, what, 2, &list[i]);
}

static void put_account(FILE *to, const struct costs *what, const char *harness)
{
    double rest = what->unexplained_ms * 1e6, slowest = 3e6;
    const struct metric list[] = {
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
        put_metric(to, what, what->workers, &list[i]);
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

static void put_all_dispatch(const struct costs *what, FILE *costs)
{
    static const char *const bindings[] = { "unbound", "bound" };
    FILE *curves = begin("curves.csv");
    size_t count = what->no_openmp ? 2 : 3;
    fputs("harness,workers,binding,length_ns,efficiency,efficiency_low,efficiency_high,"
          "cpus_effective,cpu,started_utc\n",
          curves);
    for (size_t i = 0; i < 2 * count; i++) {
        put_dispatch(costs, what, harnesses[i % count], bindings[i / count]);
        put_curve(curves, what, harnesses[i % count], bindings[i / count]);
    }
    assert_int_equal(fclose(curves), 0);
}

void invent_costs(const struct costs *what)
{
    FILE *costs = begin("overhead.csv");
    fputs("name,harness,workers,state,binding,value,low,high,unit,rounds,cpus_effective,cpu,"
          "started_utc\n",
          costs);
    if (what->parts & CREATION)
        put_creation(costs, what);
    if (what->parts & WAKEUP)
        put_wakeup(costs, what);
    if (what->parts & DISPATCH)
        put_all_dispatch(what, costs);
    if (what->parts & POOLS)
        put_pools(costs, what);
    if (what->parts & CONVOY)
        put_convoy(costs, what);
    if (what->parts & ACCOUNT) {
        put_account(costs, what, "forkpool");
        put_account(costs, what, "pthread");
    }
    assert_int_equal(fclose(costs), 0);
}
