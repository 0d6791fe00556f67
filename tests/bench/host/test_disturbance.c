/* bench/host/disturbance.c: each limit by itself, from both sides. */
#include "tests/support/support.h"

#include "bench/host/disturbance.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS 1000000000ll
#define WINDOW_NS (10 * SECOND_NS) /* long: limits are parts of it, not ticks */
#define WORKERS 4
#define CPUS 4.0

static char text[FB_DISTURBANCES_MOST][FB_DISTURBANCE_TEXT];

/* An audit in which no figure is known. */
static struct fb_audit audit_of(int64_t window_ns)
{
    return (struct fb_audit){ .window_ns = (uint64_t)window_ns };
}

static int64_t tick_ns(void)
{
    return SECOND_NS / sysconf(_SC_CLK_TCK);
}

static unsigned judge(const struct fb_audit *audit, unsigned workers, double cpus)
{
    memset(text, 'x', sizeof text);
    unsigned count = fb_disturbances_find(audit, workers, cpus, text);
    assert_true(count <= FB_DISTURBANCES_MOST);
    for (unsigned i = 0; i < count; i++)
        assert_non_null(memchr(text[i], '\0', FB_DISTURBANCE_TEXT));
    return count;
}

/* Checks one figure of that audit: no disturbance up to the limit; beyond it one, with these words. */
static void check_limit(struct fb_audit *audit, struct fb_optional *figure, int64_t limit,
                        int64_t beyond, const char *words)
{
    *figure = fb_optional_of(0);
    assert_int_equal(judge(audit, WORKERS, CPUS), 0);
    *figure = fb_optional_of(limit - 1);
    assert_int_equal(judge(audit, WORKERS, CPUS), 0);
    *figure = fb_optional_of(limit);
    assert_int_equal(judge(audit, WORKERS, CPUS), 0);
    *figure = fb_optional_of(limit + 1);
    assert_int_equal(judge(audit, WORKERS, CPUS), 1);
    *figure = fb_optional_of(beyond);
    assert_int_equal(judge(audit, WORKERS, CPUS), 1);
    assert_string_equal(text[0], words);
    /* The same figure, but unavailable. */
    figure->known = false;
    assert_int_equal(judge(audit, WORKERS, CPUS), 0);
}

/* ---- limits ---- */

static void other_processes(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    check_limit(&audit, &audit.other_ns, WINDOW_NS / 20, WINDOW_NS * 75 / 1000,
                "other processes took 7.5 % of a CPU");
    /* In a short window three ticks are more than 5 %. */
    int64_t tick = tick_ns();
    audit = audit_of(10 * tick);
    check_limit(&audit, &audit.other_ns, 3 * tick, 4 * tick,
                "other processes took 40.0 % of a CPU");
}

static void steal(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    check_limit(&audit, &audit.steal_ns, WINDOW_NS / 100, WINDOW_NS / 50,
                "the hypervisor took 2.0 % of a CPU");
    int64_t tick = tick_ns();
    audit = audit_of(10 * tick);
    check_limit(&audit, &audit.steal_ns, 2 * tick, 3 * tick, "the hypervisor took 30.0 % of a CPU");
}

static void waiting(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    audit.idle_ns = fb_optional_of(0);
    check_limit(&audit, &audit.waiting_ns, WORKERS * WINDOW_NS / 50, WORKERS * WINDOW_NS / 10,
                "workers waited while no CPU was idle 10.0 %");
    /* In a short window two ticks are more than 2 %. */
    int64_t tick = tick_ns();
    audit = audit_of(5 * tick);
    audit.idle_ns = fb_optional_of(0);
    check_limit(&audit, &audit.waiting_ns, 2 * tick, 4 * tick,
                "workers waited while no CPU was idle 20.0 %");
}

/* Two workers on one CPU while another one idles: no other process kept them waiting. */
static void waiting_beside_an_idle_cpu(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    int64_t limit = WORKERS * WINDOW_NS / 50;
    audit.waiting_ns = fb_optional_of(WINDOW_NS);
    audit.idle_ns = fb_optional_of(WINDOW_NS);
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
    audit.idle_ns = fb_optional_of(WINDOW_NS - limit);
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
    audit.idle_ns = fb_optional_of(WINDOW_NS - limit - 1);
    assert_int_equal(judge(&audit, WORKERS, CPUS), 1);
    audit.idle_ns = fb_optional_missing("not known");
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
}

static void interruptions(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    /* 100 a second, ten seconds, four workers */
    check_limit(&audit, &audit.involuntary_switches, 4000, 12000,
                "workers were interrupted 300 times a second");
}

static void migrations(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    check_limit(&audit, &audit.counter[FB_MIGRATIONS], 4000, 8000,
                "workers changed CPUs 200 times a second");
    /* The other counters count work, not disturbances. */
    audit = audit_of(WINDOW_NS);
    for (int i = 0; i < FB_COUNTERS; i++)
        if (i != FB_MIGRATIONS)
            audit.counter[i] = fb_optional_of(INT64_MAX);
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
}

static void quota(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    check_limit(&audit, &audit.throttled_ns, WINDOW_NS / 100, WINDOW_NS / 4,
                "held back by the quota for 25.0 % of the time");
}

static void heat(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    check_limit(&audit, &audit.hot, 0, 3, "slowed down by heat 3 times");
}

static void frequency(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    audit.frequency_khz = fb_optional_of(2000000);
    check_limit(&audit, &audit.frequency_change_khz, 200000, 300000,
                "the frequency changed by 300000 kHz");
    /* Also downwards. */
    audit.frequency_change_khz = fb_optional_of(-200000);
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
    audit.frequency_change_khz = fb_optional_of(-200001);
    assert_int_equal(judge(&audit, WORKERS, CPUS), 1);
    assert_string_equal(text[0], "the frequency changed by -200001 kHz");
    /* Without a frequency there is no limit. */
    audit.frequency_khz = fb_optional_missing("no cpufreq");
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
}

/* ---- together ---- */

/* An audit with all figures far beyond their limits. */
static struct fb_audit worst(void)
{
    struct fb_audit audit = audit_of(WINDOW_NS);
    audit.other_ns = audit.steal_ns = audit.waiting_ns = fb_optional_of(WINDOW_NS);
    audit.idle_ns = fb_optional_of(0);
    audit.throttled_ns = fb_optional_of(WINDOW_NS);
    audit.involuntary_switches = audit.counter[FB_MIGRATIONS] = fb_optional_of(1000000);
    audit.hot = fb_optional_of(1);
    audit.frequency_khz = audit.frequency_change_khz = fb_optional_of(1000000);
    return audit;
}

static bool has_text(unsigned count, const char *words)
{
    for (unsigned i = 0; i < count; i++)
        if (strstr(text[i], words))
            return true;
    return false;
}

static void all_disturbances_at_once_fit(void **state)
{
    (void)state;
    struct fb_audit audit = worst();
    assert_int_equal(judge(&audit, WORKERS, CPUS), FB_DISTURBANCES_MOST);
    for (unsigned i = 0; i < FB_DISTURBANCES_MOST; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(text[i], text[j]);
}

/* Then workers have to wait for each other, as requested: that is no disturbance. */
static void more_workers_than_cpus(void **state)
{
    (void)state;
    struct fb_audit audit = worst();
    static const struct {
        unsigned workers;
        double cpus;
        unsigned wanted;
    } cases[] = { { 4, 4, 8 }, { 5, 4, 5 }, { 4, 3.5, 5 }, { 2, 1.5, 5 }, { 1, 1.5, 8 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned count = judge(&audit, cases[i].workers, cases[i].cpus);
        assert_int_equal(count, cases[i].wanted);
        bool judged = cases[i].wanted == FB_DISTURBANCES_MOST;
        assert_int_equal(has_text(count, "waited"), judged);
        assert_int_equal(has_text(count, "interrupted"), judged);
        assert_int_equal(has_text(count, "changed CPUs"), judged);
        assert_true(has_text(count, "other processes") && has_text(count, "hypervisor"));
        assert_true(has_text(count, "quota") && has_text(count, "heat") &&
                    has_text(count, "frequency"));
    }
}

static void unavailable_figures_are_no_disturbance(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
    audit = worst();
    struct fb_optional *const figure[] = {
        &audit.other_ns,     &audit.steal_ns, &audit.waiting_ns,    &audit.involuntary_switches,
        &audit.throttled_ns, &audit.hot,      &audit.frequency_khz, &audit.frequency_change_khz,
    };
    for (size_t i = 0; i < sizeof figure / sizeof *figure; i++)
        figure[i]->known = false;
    for (int i = 0; i < FB_COUNTERS; i++)
        audit.counter[i].known = false;
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
}

/* This trial's CPU time is exact, that of others in ticks: their difference may be negative. */
static void negative_figures_are_no_disturbance(void **state)
{
    (void)state;
    struct fb_audit audit = audit_of(WINDOW_NS);
    audit.other_ns = audit.steal_ns = audit.waiting_ns = fb_optional_of(-WINDOW_NS);
    audit.hot = audit.involuntary_switches = fb_optional_of(-1);
    assert_int_equal(judge(&audit, WORKERS, CPUS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_processes),
        cmocka_unit_test(steal),
        cmocka_unit_test(waiting),
        cmocka_unit_test(waiting_beside_an_idle_cpu),
        cmocka_unit_test(interruptions),
        cmocka_unit_test(migrations),
        cmocka_unit_test(quota),
        cmocka_unit_test(heat),
        cmocka_unit_test(frequency),
        cmocka_unit_test(all_disturbances_at_once_fit),
        cmocka_unit_test(more_workers_than_cpus),
        cmocka_unit_test(unavailable_figures_are_no_disturbance),
        cmocka_unit_test(negative_figures_are_no_disturbance),
    };
    return RUN_TESTS(tests);
}
