#include "tests/support/support.h"

#include "tests/bench/overhead/overhead_checks.h"
#include "tests/bench/overhead/overhead_figures.h"
#include "tests/support/near.h"

#include "bench/overhead/granularity.h"
#include "base/stats.h"

#include <stdio.h>
#include <string.h>

/* ---- single figures ---- */

static bool starts_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The smallest possible value; the differences of times may be negative. */
static double least_of(const char *name)
{
    if (strcmp(name, "account.excess") == 0 || strcmp(name, "account.unexplained") == 0)
        return -INFINITY;
    if (strcmp(name, "handover.same_cpu") == 0)
        return 0;
    bool may_be_none = starts_with(name, "account.") && strcmp(name, "account.time") != 0 &&
                       strcmp(name, "account.ceiling") != 0;
    return may_be_none ? 0 : 1e-9;
}

/* Whether all samples were finite. */
static bool is_known(const struct measured *measured, const json_t *metric)
{
    bool known = !isnan(figure_value(metric, "value"));
    return known && (measured->rounds < FB_INTERVAL_LEAST || !isnan(figure_value(metric, "high")));
}

/* Also for a point of a curve, where the value has another key. */
static void check_interval(const struct measured *measured, const json_t *metric, const char *value,
                           const char *name, bool may_be_infinite)
{
    double middle = figure_value(metric, value), low = figure_value(metric, "low"),
           high = figure_value(metric, "high");
    if (middle < least_of(name) || (isnan(middle) && !may_be_infinite))
        fail_msg("%s is %g", name, middle);
    if (measured->rounds < FB_INTERVAL_LEAST && !(isnan(low) && isnan(high)))
        fail_msg("%s has the interval [%g, %g] from %zu rounds", name, low, high, measured->rounds);
    bool known = !isnan(low) && !isnan(high);
    if (measured->rounds >= FB_INTERVAL_LEAST && !known && !may_be_infinite)
        fail_msg("%s has no interval", name);
    if (low > middle || middle > high || low > high)
        fail_msg("%s is %.17g of [%.17g, %.17g]", name, middle, low, high);
}

static void check_ratio(struct measured *measured, const struct figure *figure,
                        const json_t *metric)
{
    char name[64], unit[64];
    snprintf(name, sizeof name, "%s.ratio", figure->name);
    const json_t *ratio = figure_find(measured, figure, name, figure->harness),
                 *peer =
                     figure->peer ? figure_get(measured, figure, figure->name, figure->peer) : NULL;
    bool wanted = peer && is_known(measured, metric) && is_known(measured, peer);
    if (wanted != (ratio != NULL))
        fail_msg("%s of %s: there is %s ratio", figure->name, figure->harness, ratio ? "a" : "no");
    if (!ratio)
        return;
    measured->seen++;
    snprintf(unit, sizeof unit, "ratio to %s", figure->peer);
    assert_true(figure_has_text(ratio, "unit", unit));
    assert_int_equal(figure_value(ratio, "rounds"), measured->rounds);
    check_interval(measured, ratio, "value", name, false);
    double value = figure_value(ratio, "value");
    if (measured->rounds == 1)
        assert_near(value, figure_value(metric, "value") / figure_value(peer, "value"),
                    1e-9 * value);
}

static void check_figure(struct measured *measured, const struct figure *figure)
{
    const json_t *metric = figure_get(measured, figure, figure->name, figure->harness);
    measured->seen++;
    assert_true(figure_has_text(metric, "unit", figure->unit));
    assert_int_equal(figure_value(metric, "rounds"), measured->rounds);
    check_interval(measured, metric, "value", figure->name,
                   starts_with(figure->name, "dispatch.metg"));
    check_ratio(measured, figure, metric);
}

/* ---- the groups ---- */

static void check_creation(struct measured *measured)
{
    static const char *const ways[] = { "pthread", "fork", "spawn" }, *const names[] = {
        "create.ready", "create.end"
    };
    static const unsigned mib[] = { 1, 64, 1024 };
    const json_t *left_out = json_object_get(measured->root, "left_out");
    assert_true(json_is_string(left_out) || json_is_null(left_out));
    for (size_t i = 0; i < 3 * 3 * 2; i++) {
        char state[40];
        snprintf(state, sizeof state, "parent of %u MiB", mib[i / 6]);
        if (json_is_string(left_out) && strstr(json_string_value(left_out), state))
            continue;
        snprintf(state, sizeof state, "parent %u MiB", mib[i / 6]);
        struct figure figure = {
            names[i % 2], ways[i / 2 % 3], state, "unbound", "ns", i / 2 % 3 ? "pthread" : NULL, 1
        };
        for (; figure.workers <= 2 * measured->workers && figure.workers <= 64; figure.workers *= 2)
            check_figure(measured, &figure);
    }
}

static void check_handover(struct measured *measured)
{
    static const struct figure figures[] = {
        { "handover.wake", "", "warm", "unbound", "ns", NULL, 2 },
        { "handover.wake", "", "cold", "unbound", "ns", NULL, 2 },
        { "handover.wake", "", "warm", "bound", "ns", NULL, 2 },
        { "handover.wake", "", "cold", "bound", "ns", NULL, 2 },
        { "handover.switch", "", "warm", "bound", "ns", NULL, 2 },
        { "handover.same_cpu", "", "warm", "unbound", "per cent", NULL, 2 },
        { "handover.same_cpu", "", "warm", "bound", "per cent", NULL, 2 },
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        struct figure figure = figures[i];
        figure.harness = "thread";
        check_figure(measured, &figure);
        figure.harness = "process";
        figure.peer = strcmp(figure.unit, "ns") == 0 ? "thread" : NULL;
        check_figure(measured, &figure);
    }
}

/* Fills ret_length and ret_efficiency. */
static void check_curve(const struct measured *measured, const char *harness, const char *binding,
                        double *ret_length, double *ret_efficiency)
{
    const json_t *point;
    size_t i, count = 0;
    json_array_foreach(measured->curves, i, point)
    {
        if (!figure_has_text(point, "harness", harness) ||
            !figure_has_text(point, "binding", binding))
            continue;
        assert_true(count < FB_TASK_SIZES);
        assert_int_equal(figure_value(point, "workers"), measured->workers);
        check_interval(measured, point, "efficiency", "a point's efficiency", false);
        ret_length[count] = figure_value(point, "length_ns");
        ret_efficiency[count] = figure_value(point, "efficiency");
        assert_true(ret_length[count] > 0);
        count++;
    }
    assert_int_equal(count, FB_TASK_SIZES);
}

/* With a single round the curve is the one from which METG was read. */
static void check_metg(const struct measured *measured, const struct figure *figure)
{
    double length[FB_TASK_SIZES], efficiency[FB_TASK_SIZES];
    check_curve(measured, figure->harness, figure->binding, length, efficiency);
    const json_t *metric = figure_get(measured, figure, figure->name, figure->harness);
    double value = figure_value(metric, "value"), low = INFINITY, high = 0;
    if (measured->rounds > 1)
        return;
    for (int size = 0; size < FB_TASK_SIZES; size++) {
        low = fmin(low, length[size]);
        high = fmax(high, length[size]);
    }
    double level = strcmp(figure->name, "dispatch.metg50") == 0 ? 0.5 : 0.9;
    double wanted = fb_metg(length, efficiency, FB_TASK_SIZES, level);
    assert_int_equal(isnan(value), isinf(wanted));
    if (isnan(value))
        return;
    assert_true(value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
    assert_near(value, wanted, 1e-9 * wanted);
}

static void check_dispatch(struct measured *measured)
{
    static const char *const harnesses[] = { "forkpool", "pthread", "forkpipe", "openmp" },
                             *const bindings[] = { "unbound", "bound" };
    static const char *const figures[][2] = { { "dispatch.empty", "cold" },
                                              { "dispatch.empty", "warm" },
                                              { "dispatch.claim", "warm" },
                                              { "dispatch.metg50", "warm" },
                                              { "dispatch.metg90", "warm" } };
    const char *variant;
    size_t count = fb_harness_find("openmp", &variant) ? 4 : 3;
    for (size_t i = 0; i < 2 * count * 5; i++) {
        size_t harness = i / 5 % count;
        if (strcmp(harnesses[harness], "forkpipe") == 0 && i / 5 / count == 0 && i % 5 >= 3)
            continue; /* it has a curve only if workers are bound */
        struct figure figure = { figures[i % 5][0],
                                 harnesses[harness],
                                 figures[i % 5][1],
                                 bindings[i / 5 / count],
                                 "ns",
                                 count == 4 && harness < 3 ? "openmp" : NULL,
                                 measured->workers };
        check_figure(measured, &figure);
        if (i % 5 >= 3)
            check_metg(measured, &figure);
    }
    assert_int_equal(json_array_size(measured->curves), (2 * count - 1) * FB_TASK_SIZES);
}

enum { TIME, CEILING, EXCESS, START, CLAIMS, SLOWEST, JOIN, UNEXPLAINED, EXPLAINED, PARTS };
static const char *const parts[PARTS] = {
    "account.time",  "account.ceiling",     "account.excess",
    "account.start", "account.claims",      "account.slowest",
    "account.join",  "account.unexplained", "account.explained",
};

static void check_account(struct measured *measured, const char *harness)
{
    double part[PARTS];
    for (int i = 0; i < PARTS; i++) {
        struct figure figure = {
            parts[i], harness,          "warm", "unbound", i == EXPLAINED ? "per cent" : "ns",
            NULL,     measured->workers
        };
        check_figure(measured, &figure);
        part[i] = figure_value(figure_get(measured, &figure, parts[i], harness), "value");
    }
    assert_true(part[EXPLAINED] <= 100);
    if (measured->rounds > 1) /* medians need not add up */
        return;
    double rounding = 1e-9 * part[TIME];
    assert_near(part[TIME] - part[CEILING], part[EXCESS], rounding);
    assert_near(part[START] + part[CLAIMS] + part[SLOWEST] + part[JOIN] + part[UNEXPLAINED],
                part[EXCESS], rounding);
}

static const char *left_out_of(const struct measured *measured)
{
    const char *text = json_string_value(json_object_get(measured->root, "left_out"));
    return text ? text : "";
}

static void check_exchange(struct measured *measured)
{
    static const char *const sizes[] = { "1 B",   "8 B",    "48 B",   "256 B",   "1 KiB",
                                         "4 KiB", "16 KiB", "64 KiB", "256 KiB", "1 MiB" };
    static const struct {
        const char *name;
        size_t sizes; /* how many of them it supports */
    } ways[] = { { "queue", 10 },    { "mp pipe", 10 }, { "pipe", 10 },
                 { "seqpacket", 8 }, { "mq", 6 },       { "Python Queue", 10 } };
    for (size_t way = 0; way < 6; way++)
        for (size_t i = 0; i < ways[way].sizes && !strstr(left_out_of(measured), ways[way].name);
             i++)
            check_figure(measured, &(struct figure){ "exchange.message", ways[way].name, sizes[i],
                                                     "bound", "ns", way == 2 ? NULL : "pipe", 2 });
    for (unsigned pairs = 1; pairs <= 2; pairs++) {
        const char *name = pairs == 1 ? "exchange.small" : "exchange.crowd";
        check_figure(measured,
                     &(struct figure){ name, "queue", "48 B", "bound", "ns", "ring", 2 * pairs });
        check_figure(measured,
                     &(struct figure){ name, "ring", "48 B", "bound", "ns", NULL, 2 * pairs });
    }
    check_figure(measured, &(struct figure){ "exchange.growth", "queue", "48 B", "bound",
                                             "ratio to one pair", NULL, 4 });
}

static void check_calls(struct measured *measured)
{
    static const struct figure figures[] = {
        { "call.round_trip", "mp pipe", "16 B", "bound", "ns", "seqpacket", 2 },
        { "call.append", "manager", "16 B", "bound", "ns", "socket", 2 },
        { "call.lock", "mp lock", "uncontended", "unbound", "ns", "robust mutex", 1 },
        { "payload.copy", "queue", "1 MiB", "unbound", "ns", "memcpy", 2 },
        { "payload.write", "queue in place", "1 MiB", "unbound", "ns", "private memory", 2 },
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        struct figure figure = figures[i];
        if (strstr(left_out_of(measured), figure.harness))
            continue;
        check_figure(measured, &figure);
        figure.harness = figure.peer;
        figure.peer = NULL;
        check_figure(measured, &figure);
    }
}

static void check_convoy(struct measured *measured)
{
    static const struct figure figures[] = {
        { "convoy.latency", "pthread", "", "unbound", "ns", NULL, 2 },
        { "convoy.latency", "gil", "", "unbound", "ns", "pthread", 2 },
        { "convoy.latency", "gil 1 ms", "", "unbound", "ns", "pthread", 2 },
        { "convoy.latency", "cpython-thread", "", "unbound", "ns", "pthread", 2 },
        { "convoy.latency", "cpython-process", "", "unbound", "ns", "pthread", 2 },
    };
    size_t there = strstr(left_out_of(measured), "Python's convoy") ? 3 : 5;
    for (size_t i = 0; i < there; i++)
        check_figure(measured, &figures[i]);
}

static void check_pool(struct measured *measured)
{
    static const struct figure figures[] = {
        { "pool.helper", "pool", "", "unbound", "ns", NULL, 2 },
        { "pool.open", "pool", "and closed", "unbound", "ns", "fork", 2 },
        { "pool.open", "pool", "spawned; and closed", "unbound", "ns", NULL, 2 },
        { "pool.open", "fork", "and closed", "unbound", "ns", NULL, 2 },
        { "pool.task", "pool", "8 B", "unbound", "ns", NULL, 2 },
        { "pool.item", "pool", "8 B; chunk 1", "unbound", "ns", NULL, 2 },
        { "pool.latency", "pool", "8 B", "unbound", "ns", NULL, 2 },
        { "pool.latency", "pool", "8 B; one CPU", "bound", "ns", "futex", 1 },
        { "pool.latency", "futex", "8 B; one CPU", "bound", "ns", NULL, 1 },
        { "pool.death", "pool", "killed", "unbound", "ns", NULL, 2 },
        { "pool.replace", "pool", "parent 1 MiB", "unbound", "ns", NULL, 1 },
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        check_figure(measured, &figures[i]);
    if (!strstr(left_out_of(measured), "Python's pools"))
        for (size_t i = 0; i < 8; i++) {
            struct figure figure = figures[(const size_t[]){ 1, 4, 5, 6 }[i / 2]];
            figure.harness = i % 2 ? "ProcessPoolExecutor" : "Python Pool";
            figure.peer = "pool";
            check_figure(measured, &figure);
        }
    if (strstr(left_out_of(measured), "a pool's owner"))
        return;
    check_figure(measured, &(struct figure){ "pool.replace", "pool", "parent 1024 MiB", "unbound",
                                             "ns", NULL, 1 });
    check_figure(measured, &(struct figure){ "pool.growth", "pool", "parent 1024 MiB", "unbound",
                                             "ratio to 1 MiB", NULL, 1 });
}

void measured_check(struct measured *measured)
{
    check_creation(measured);
    check_handover(measured);
    check_exchange(measured);
    check_calls(measured);
    check_convoy(measured);
    check_pool(measured);
    check_dispatch(measured);
    check_account(measured, "forkpool");
    check_account(measured, "pthread");
    assert_int_equal(measured->seen, json_array_size(measured->metrics)); /* no other figures */
}
