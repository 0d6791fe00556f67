/* bench/overhead/metric.c: the figures that fb_metrics_put computes from samples, and finding
 * them. */
#include "tests/support/support.h"

#include "tests/support/near.h"

#include "bench/overhead/metric.h"

#include <stdio.h>
#include <string.h>

#define MANY 1000
#define ROUNDS 7

static const double slow[ROUNDS] = { 30, 10, 20, 70, 50, 60, 40 },
                    fast[ROUNDS] = { 10, 10, 5, 20, 25, 10, 20 };

/* ---- comparing ---- */

static struct fb_metric_samples samples_of(const char *name, const double *ns)
{
    return (struct fb_metric_samples){ .name = name,
                                       .harness = "forkpool",
                                       .state = "warm",
                                       .binding = "bound",
                                       .workers = 4,
                                       .ns = ns };
}

/* Here NaN (an unknown interval) equals NaN. */
static void assert_same(double value, double wanted)
{
    if (isnan(wanted))
        assert_true(isnan(value));
    else
        assert_true(value == wanted);
}

static void assert_same_interval(const struct fb_interval *of, const struct fb_interval *wanted)
{
    assert_same(of->value, wanted->value);
    assert_same(of->low, wanted->low);
    assert_same(of->high, wanted->high);
    assert_int_equal(of->samples, wanted->samples);
}

static void check_names(const struct fb_metric *metric, const char *name, const char *unit)
{
    assert_string_equal(metric->name, name);
    assert_string_equal(metric->unit, unit);
    assert_string_equal(metric->harness, "forkpool");
    assert_string_equal(metric->state, "warm");
    assert_string_equal(metric->binding, "bound");
    assert_int_equal(metric->workers, 4);
}

/* ---- samples ---- */

static void no_ratio_without_a_peer(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    struct fb_metric_samples samples = samples_of("dispatch.empty", slow);
    samples.peer = "openmp"; /* without its samples */
    assert_int_equal(fb_metrics_put(&metrics, &samples, ROUNDS), 0);
    assert_int_equal(metrics.count, 1);
    check_names(&metrics.list[0], "dispatch.empty", "ns");
    assert_null(fb_metrics_find(&metrics, &metrics.list[0], "dispatch.empty.ratio"));
    fb_metrics_clear(&metrics);
}

static void a_ratio_with_a_peer(void **state)
{
    (void)state;
    static const double ratio[ROUNDS] = { 3, 1, 4, 3.5, 2, 6, 2 };
    struct fb_metrics metrics = { 0 };
    struct fb_metric_samples samples = samples_of("dispatch.empty", slow);
    samples.peer = "openmp";
    samples.peer_ns = fast;
    assert_int_equal(fb_metrics_put(&metrics, &samples, ROUNDS), 0);
    assert_int_equal(metrics.count, 2);
    check_names(&metrics.list[0], "dispatch.empty", "ns");
    check_names(&metrics.list[1], "dispatch.empty.ratio", "ratio to openmp");
    /* The median of the rounds' ratios, not the ratio of the medians. */
    struct fb_interval wanted = fb_median_interval(ratio, ROUNDS);
    assert_same_interval(&metrics.list[1].of, &wanted);
    assert_near(metrics.list[1].of.value, 3, 0);
    fb_metrics_clear(&metrics);
}

/* With any number of rounds, also with too few for an interval. */
static void values_are_medians_with_intervals(void **state)
{
    (void)state;
    for (size_t rounds = 1; rounds <= ROUNDS; rounds++) {
        struct fb_metrics metrics = { 0 };
        struct fb_metric_samples samples = samples_of("create.ready", slow);
        struct fb_interval wanted = fb_median_interval(slow, rounds);
        assert_int_equal(fb_metrics_put(&metrics, &samples, rounds), 0);
        const struct fb_interval *of = &metrics.list[0].of;
        assert_same_interval(of, &wanted);
        assert_int_equal(isnan(of->low) && isnan(of->high), rounds < FB_INTERVAL_LEAST);
        fb_metrics_clear(&metrics);
    }
}

/* The samples may be freed afterwards. */
static void samples_are_copied(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    char name[] = "dispatch.claim", harness[] = "forkpool", text[] = "warm";
    double ns[] = { 5, 5, 5 };
    struct fb_metric_samples samples = samples_of(name, ns);
    samples.harness = harness;
    samples.state = text;
    assert_int_equal(fb_metrics_put(&metrics, &samples, 3), 0);
    memset(name, 'x', sizeof name - 1);
    memset(harness, 'x', sizeof harness - 1);
    memset(text, 'x', sizeof text - 1);
    ns[0] = ns[1] = ns[2] = 9;
    check_names(&metrics.list[0], "dispatch.claim", "ns");
    assert_near(metrics.list[0].of.value, 5, 0);
    fb_metrics_clear(&metrics);
}

/* METG where some or all rounds never reached the level. */
static void never_reached(void **state)
{
    (void)state;
    static const double never[] = { INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY },
                        seldom[] = { 7, INFINITY, 5, 6, 8, 9 },
                        mostly[] = { INFINITY, 4, INFINITY, INFINITY, 3, INFINITY };
    struct fb_metrics metrics = { 0 };
    struct fb_metric_samples samples = samples_of("dispatch.metg50", never);
    assert_int_equal(fb_metrics_put(&metrics, &samples, 6), 0);
    samples.ns = seldom;
    assert_int_equal(fb_metrics_put(&metrics, &samples, 6), 0);
    samples.ns = mostly;
    assert_int_equal(fb_metrics_put(&metrics, &samples, 6), 0);
    const struct fb_metric *list = metrics.list;
    assert_true(isinf(list[0].of.value) && isinf(list[0].of.low) && isinf(list[0].of.high));
    assert_near(list[1].of.value, 7.5, 0);
    assert_near(list[1].of.low, 5, 0);
    assert_true(isinf(list[1].of.high));
    assert_true(isinf(list[2].of.value));
    assert_near(list[2].of.low, 3, 0);
    fb_metrics_clear(&metrics);
}

/* ---- the lists ---- */

static void lists_grow(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    for (unsigned i = 0; i < MANY; i++) {
        struct fb_metric metric = { .workers = i, .binding = "bound", .unit = "ns" };
        struct fb_point point = { .workers = i, .binding = "unbound", .length_ns = i };
        snprintf(metric.name, sizeof metric.name, "figure %u", i);
        metric.of.value = i;
        point.efficiency.value = -(double)i;
        assert_int_equal(fb_metrics_add(&metrics, &metric), 0);
        if (i % 2 == 0) /* the lists do not grow together */
            assert_int_equal(fb_metrics_add_point(&metrics, &point), 0);
    }
    assert_int_equal(metrics.count, MANY);
    assert_int_equal(metrics.points, MANY / 2);
    for (unsigned i = 0; i < MANY; i++) {
        char name[40];
        snprintf(name, sizeof name, "figure %u", i);
        assert_string_equal(metrics.list[i].name, name);
        assert_near(metrics.list[i].of.value, i, 0);
        assert_near(metrics.point[i / 2].efficiency.value, -(double)(i / 2 * 2), 0);
        assert_ptr_equal(fb_metrics_find(&metrics, &metrics.list[i], name), &metrics.list[i]);
    }
    fb_metrics_clear(&metrics);
}

static void clearing_leaves_an_empty_list(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    fb_metrics_clear(&metrics); /* nothing to clear */
    struct fb_metric metric = { .name = "one", .binding = "bound" };
    struct fb_point point = { .binding = "bound" };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fb_metrics_add(&metrics, &metric), 0);
        assert_int_equal(fb_metrics_add_point(&metrics, &point), 0);
        strcpy(metrics.left_out, "something");
        assert_int_equal(metrics.count + metrics.points, 2);
        fb_metrics_clear(&metrics);
        assert_int_equal(metrics.count + metrics.points, 0);
        assert_string_equal(metrics.left_out, "");
        assert_null(fb_metrics_find(&metrics, &metric, "one"));
    }
}

/* ---- finding ---- */

static void a_metric_is_found_by_all_its_attributes(void **state)
{
    (void)state;
    struct fb_metrics metrics = { 0 };
    const struct fb_metric base = {
        .name = "name", .harness = "fork", .workers = 2, .state = "warm", .binding = "bound"
    };
    struct fb_metric other[5];
    for (size_t i = 0; i < 5; i++)
        other[i] = base;
    strcpy(other[0].name, "name.ratio");
    strcpy(other[1].harness, "spawn");
    other[2].workers = 1;
    strcpy(other[3].state, "cold");
    other[4].binding = "unbound";
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(fb_metrics_add(&metrics, &other[i]), 0);
    assert_null(fb_metrics_find(&metrics, &base, "name"));
    assert_int_equal(fb_metrics_add(&metrics, &base), 0);
    assert_ptr_equal(fb_metrics_find(&metrics, &base, "name"), &metrics.list[5]);
    /* The name is the argument, not that of `like`. */
    assert_ptr_equal(fb_metrics_find(&metrics, &base, "name.ratio"), &metrics.list[0]);
    for (size_t i = 1; i < 5; i++)
        assert_ptr_equal(fb_metrics_find(&metrics, &other[i], "name"), &metrics.list[i]);
    assert_null(fb_metrics_find(&metrics, &base, "nam"));
    assert_null(fb_metrics_find(&metrics, &other[1], "name.ratio"));
    fb_metrics_clear(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_ratio_without_a_peer),
        cmocka_unit_test(a_ratio_with_a_peer),
        cmocka_unit_test(values_are_medians_with_intervals),
        cmocka_unit_test(samples_are_copied),
        cmocka_unit_test(never_reached),
        cmocka_unit_test(lists_grow),
        cmocka_unit_test(clearing_leaves_an_empty_list),
        cmocka_unit_test(a_metric_is_found_by_all_its_attributes),
    };
    return RUN_TESTS(tests);
}
