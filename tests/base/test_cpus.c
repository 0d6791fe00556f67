/* base/cpus.c, and binding workers: they run on their CPUs, and the caller's affinity is restored. */
#include "tests/support/support.h"

#include "base/cpus.h"
#include "harness/mp/process/registry.h"
#include "harness/worker/topology.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static cpu_set_t before;
static unsigned allowed[CPU_SETSIZE]; /* the CPUs in `before` */
static unsigned count;

static int save_affinity(void **state)
{
    (void)state;
    if (sched_getaffinity(0, sizeof before, &before) < 0)
        return -1;
    count = 0;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &before))
            allowed[count++] = cpu;
    return 0;
}

static int restore_affinity(void **state)
{
    (void)state;
    return sched_setaffinity(0, sizeof before, &before);
}

static void check_affinity(const cpu_set_t *expected)
{
    cpu_set_t now;
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_EQUAL(&now, expected));
}

static void numbers_are_plausible(void **state)
{
    (void)state;
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    assert_int_equal(cpus.allowed, count);
    assert_true(cpus.online >= 1);
    assert_true(cpus.cgroup.quota >= 0);
    assert_in_range(cpus.workers, 1, cpus.allowed);
    assert_true(cpus.effective > 0 && cpus.effective <= cpus.allowed);
    assert_true(cpus.workers <= cpus.effective || cpus.workers == 1);
    if (cpus.cgroup.quota == 0)
        assert_true(cpus.effective == cpus.allowed);
}

static void affinity_is_counted(void **state)
{
    (void)state;
    struct fb_cpus cpus;
    assert_int_equal(fb_cpus_bind(allowed[count - 1]), 0);
    fb_cpus_read(&cpus);
    assert_int_equal(cpus.allowed, 1);
    assert_true(cpus.effective <= 1);
    assert_int_equal(cpus.workers, 1);
}

static void binding_leaves_one_cpu(void **state)
{
    (void)state;
    for (unsigned i = 0; i < count; i++) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(allowed[i], &one);
        assert_int_equal(fb_cpus_bind(allowed[i]), 0);
        check_affinity(&one);
        assert_int_equal(sched_getcpu(), allowed[i]);
    }
    cpu_set_t last;
    assert_int_equal(sched_getaffinity(0, sizeof last, &last), 0);
    assert_true(fb_cpus_bind(100000) < 0);
    check_affinity(&last);
}

static void workers_are_spread_over_all_cpus_in_turn(void **state)
{
    (void)state;
    unsigned chosen[3 * CPU_SETSIZE];
    assert_int_equal(fb_topology_choose(3 * count, chosen), 0);
    for (unsigned i = 0; i < 3 * count; i++)
        assert_true(CPU_ISSET(chosen[i], &before));
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(chosen[i], chosen[j]);
    for (unsigned i = count; i < 3 * count; i++)
        assert_int_equal(chosen[i], chosen[i - count]);
    for (unsigned wanted = 1; wanted < count; wanted++) {
        assert_int_equal(fb_topology_choose(wanted, chosen), 0);
        for (unsigned i = 0; i < wanted; i++)
            for (unsigned j = 0; j < i; j++)
                assert_int_not_equal(chosen[i], chosen[j]);
    }
}

/* The affinity that `taskset` sets limits the choice. */
static void only_allowed_cpus_are_chosen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < count; i++) {
        unsigned chosen[3];
        assert_int_equal(fb_cpus_bind(allowed[i]), 0);
        assert_int_equal(fb_topology_choose(3, chosen), 0);
        for (int j = 0; j < 3; j++)
            assert_int_equal(chosen[j], allowed[i]);
        assert_int_equal(restore_affinity(NULL), 0);
    }
}

/* ---- bound pools ---- */

struct fb_input {
    _Atomic uint32_t inside; /* workers that hold an item */
    uint32_t workers;
};

struct slot {
    int32_t status;
    int cpu;
    uint32_t cpus; /* how many it may run on */
};

/* Waits for the other workers, so that each of them gets one item. */
static void note_cpu(const struct fb_input *const_input, void *scratch, size_t begin, size_t end,
                     void *results, struct fb_yield *yield)
{
    (void)scratch, (void)yield;
    struct fb_input *input = (struct fb_input *)const_input;
    struct slot *slot = results;
    for (size_t item = begin; item < end; item++) {
        cpu_set_t set;
        sched_getaffinity(0, sizeof set, &set);
        slot[item].cpu = sched_getcpu();
        slot[item].cpus = (uint32_t)CPU_COUNT(&set);
        atomic_fetch_add(&input->inside, 1);
        fb_release(yield, FB_RELEASE_COMPUTING);
        if (!wait_for(&input->inside, input->workers))
            slot[item].cpus = UINT32_MAX;
        fb_acquire(yield, FB_RELEASE_COMPUTING);
    }
}

static const struct fb_param no_params[] = { { 0 } };
static const struct fb_kernel noting = {
    .name = "noting",
    .params = no_params,
    .result_size = sizeof(struct slot),
    .run = note_cpu,
};

/* Item i is computed by worker i; in harnesses that send items to any free worker, by one worker
 * each. */
static void check_cpus(const struct fb_harness *harness, const struct slot *slot, unsigned workers,
                       const unsigned *cpus)
{
    for (unsigned i = 0; i < workers; i++) {
        int wanted = 0, found = 0;
        for (unsigned k = 0; k < workers; k++) {
            wanted += cpus[k] == cpus[i];
            found += slot[k].cpu == (int)cpus[i];
        }
        assert_int_equal(slot[i].cpus, 1);
        assert_int_equal(found, wanted);
        if (!harness_sends(harness))
            assert_int_equal(slot[i].cpu, cpus[i]);
    }
}

static void check_pool(const struct fb_harness *harness, unsigned workers, const unsigned *cpus)
{
    struct fb_arena *arena;
    struct fb_pool *pool;
    struct fb_params params = { .kernel = &noting };
    struct fb_error error = { 0 };
    assert_int_equal(fb_arena_open(&arena), 0);
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    struct slot *slot = fb_arena_alloc(arena, workers * sizeof *slot);
    struct fb_setting setting = { .arena = arena, .workers = workers, .cpus = cpus };
    struct fb_job job = { &noting, &params, input, slot, workers, 1, FB_STATIC };
    assert_int_equal(harness->open(&setting, &pool, &error), 0);
    for (int round = 0; round < 3; round++) {
        input->workers = workers;
        atomic_store(&input->inside, 0);
        assert_int_equal(harness->run(pool, &job, NULL, &error), 0);
        check_cpus(harness, slot, workers, cpus);
    }
    harness->close(pool);
    check_affinity(&before);
    fb_arena_close(arena);
}

static void bound_workers_run_on_their_cpus(void **state)
{
    (void)state;
    unsigned forward[4], backward[4];
    for (unsigned i = 0; i < 4; i++) {
        forward[i] = allowed[i % count];
        backward[i] = allowed[count - 1 - i % count];
    }
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        if (!(*harness)->native && strcmp((*harness)->name, "openmp") != 0)
            continue;
        unsigned workers = (*harness)->base ? 4 : 1;
        check_pool(*harness, workers, forward);
        check_pool(*harness, workers, backward);
    }
}

#define WITH_AFFINITY(test) cmocka_unit_test_setup_teardown(test, save_affinity, restore_affinity)

int main(int argc, char **argv)
{
    static const struct fb_mp_task none[] = { { 0 } };
    fb_mp_main(argc, argv, none);
    const struct CMUnitTest tests[] = {
        WITH_AFFINITY(numbers_are_plausible),
        WITH_AFFINITY(affinity_is_counted),
        WITH_AFFINITY(binding_leaves_one_cpu),
        WITH_AFFINITY(workers_are_spread_over_all_cpus_in_turn),
        WITH_AFFINITY(only_allowed_cpus_are_chosen),
        WITH_AFFINITY(bound_workers_run_on_their_cpus),
    };
    return RUN_TESTS(tests);
}
