#include "bench/run/measure.h"

#include "bench/run/precision.h"
#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- samples ---- */

static int append(struct fb_samples *samples, const struct fb_sample *sample)
{
    if (samples->count == samples->room) {
        size_t room = samples->room ? 2 * samples->room : 256;
        struct fb_sample *list = realloc(samples->list, room * sizeof *list);
        if (!list)
            return -ENOMEM;
        samples->list = list;
        samples->room = room;
    }
    samples->list[samples->count++] = *sample;
    return 0;
}

void fb_samples_clear(struct fb_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++)
        json_decref(samples->list[i].raw);
    free(samples->list);
    free(samples->outcome);
    *samples = (struct fb_samples){ 0 };
}

void fb_samples_times(const struct fb_samples *samples, size_t cell, size_t blocks,
                      double *ret_times)
{
    memset(ret_times, 0, blocks * sizeof *ret_times);
    for (size_t i = 0; i < samples->count; i++) {
        const struct fb_sample *sample = &samples->list[i];
        if (sample->cell == cell && sample->block > 0 && sample->block <= blocks)
            ret_times[sample->block - 1] = (double)sample->run_ns;
    }
}

/* ---- one trial ---- */

/* Whether two cells must have the same results. */
static bool same_results(const struct fb_cell *left, const struct fb_cell *right)
{
    return left->kernel == right->kernel && strcmp(left->params, right->params) == 0 &&
           (!left->kernel->inexact || left->family == right->family);
}

/* The outcome of a checked cell (maybe itself) that must have the same digest, or NULL. */
static const struct fb_outcome *find_checked(const struct fb_plan *plan,
                                             const struct fb_samples *samples, size_t index)
{
    for (size_t i = 0; i < plan->count; i++)
        if (samples->outcome[i].checked && !samples->outcome[i].failed &&
            same_results(&plan->cell[i], &plan->cell[index]))
            return &samples->outcome[i];
    return NULL;
}

static int measure_cell(const struct fb_measure *measure, struct fb_samples *samples,
                        struct fb_turn *turn, uint64_t *took_ns, struct fb_error *error)
{
    struct fb_outcome *outcome = &samples->outcome[turn->cell];
    const struct fb_outcome *checked = find_checked(measure->plan, samples, turn->cell);
    uint64_t known = checked ? checked->digest : 0;
    struct fb_sample sample = { .block = turn->block,
                                .position = turn->position,
                                .cell = turn->cell };
    turn->known = checked ? &known : NULL;
    turn->repeat = outcome->repeat;
    struct fb_error failure = { 0 };
    int result = measure->trial(measure->context, turn, outcome, &sample, &failure);
    *took_ns = sample.took_ns;
    if (result == 0 && checked && sample.digest != known)
        result =
            fb_error_set(&failure, -EBADMSG,
                         "digest %016" PRIx64 " differs from %016" PRIx64 " of other harnesses",
                         sample.digest, known);
    if (result == -EINTR || result == -ECANCELED) {
        *error = failure;
        return result;
    }
    if (result < 0) {
        outcome->failed = true;
        snprintf(outcome->failure, sizeof outcome->failure, "%s", failure.text);
        json_decref(sample.raw);
        return 0;
    }
    result = append(samples, &sample);
    if (result < 0) {
        json_decref(sample.raw);
        fb_error_set(error, result, "out of memory");
    }
    return result;
}

/* ---- budgets and repeats ---- */

/* What a family may spend. */
struct budget {
    double budget_ns, spent_ns;
    double expected_ns; /* the estimate of what it will spend in all */
    bool closed;        /* no more blocks */
};

static double done_part(const struct budget *budget)
{
    double spent = 0, expected = 0;
    for (int i = 0; i < FB_FAMILIES; i++) {
        bool over = budget[i].closed || budget[i].spent_ns > budget[i].expected_ns;
        spent += over ? budget[i].expected_ns : budget[i].spent_ns;
        expected += budget[i].expected_ns;
    }
    return spent / expected;
}

/* Gives both the larger number of jobs; true if that changed one. */
static bool equalize(struct fb_outcome *left, struct fb_outcome *right)
{
    unsigned most = left->repeat > right->repeat ? left->repeat : right->repeat;
    bool changed = left->repeat != right->repeat;
    left->repeat = right->repeat = most;
    return changed;
}

/* Workloads that differ in a parameter get the same number of jobs if their numbers are within this
 * factor. */
#define SIMILAR 3

static bool are_similar(const struct fb_outcome *left, const struct fb_outcome *right)
{
    return left->repeat <= SIMILAR * right->repeat && right->repeat <= SIMILAR * left->repeat;
}

/* Gives cells that are compared the same number of jobs if their workloads are equal or about as
 * long, and a ceiling the number of its base. So the cold first job has the same weight in all of
 * them. */
static void equal_repeats(const struct fb_plan *plan, struct fb_outcome *outcome)
{
    for (bool changed = true; changed;) { /* a change may spread to other pairs of the cell */
        changed = false;
        for (size_t i = 0; i < plan->pairs; i++) {
            struct fb_outcome *left = &outcome[plan->pair[i].reference];
            struct fb_outcome *right = &outcome[plan->pair[i].cell];
            if (plan->pair[i].factor != FB_FACTOR_PARAMETER || are_similar(left, right))
                changed |= equalize(left, right);
        }
    }
    for (size_t i = 0; i < plan->count; i++)
        if (plan->cell[i].copies && plan->cell[i].base != FB_NO_CELL)
            outcome[i].repeat = outcome[plan->cell[i].base].repeat;
}

static void set_repeats(const struct fb_plan *plan, struct fb_samples *samples)
{
    for (size_t i = 0; i < plan->count; i++)
        samples->outcome[i].repeat = 1;
    for (size_t i = 0; i < samples->count; i++)
        samples->outcome[samples->list[i].cell].repeat = samples->list[i].repeat;
    equal_repeats(plan, samples->outcome);
}

/* How many blocks the ratio of two cells needs, estimated from the pilot blocks; the minimum if a
 * pilot trial failed. */
static size_t blocks_for(const struct fb_measure *measure, const struct fb_samples *samples,
                         size_t reference, size_t cell)
{
    double left[FB_BLOCKS_LEAST], right[FB_BLOCKS_LEAST], ratio[FB_BLOCKS_LEAST];
    fb_samples_times(samples, reference, FB_BLOCKS_LEAST, left);
    fb_samples_times(samples, cell, FB_BLOCKS_LEAST, right);
    for (size_t i = 0; i < FB_BLOCKS_LEAST; i++) {
        if (left[i] <= 0 || right[i] <= 0)
            return FB_BLOCKS_LEAST;
        ratio[i] = log(left[i] / right[i]);
    }
    return fb_precision_blocks(ratio, FB_BLOCKS_LEAST, measure->precision);
}

/* As many as the most demanding ratio of the family needs. */
static size_t choose_blocks(const struct fb_measure *measure, const struct fb_samples *samples,
                            enum fb_family family)
{
    const struct fb_plan *plan = measure->plan;
    size_t most = FB_BLOCKS_LEAST;
    for (size_t i = 0; i < plan->count + plan->pairs; i++) {
        const struct fb_pair *pair = i < plan->count ? NULL : &plan->pair[i - plan->count];
        size_t cell = pair ? pair->cell : i;
        size_t reference = pair ? pair->reference : plan->cell[i].base;
        if (reference == FB_NO_CELL || plan->cell[cell].family != family)
            continue;
        size_t blocks = blocks_for(measure, samples, reference, cell);
        if (blocks > most)
            most = blocks;
    }
    return most;
}

/* Whether a family has a cell that has not failed. */
static bool is_alive(const struct fb_plan *plan, const struct fb_samples *samples,
                     enum fb_family family)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->cell[i].family == family && !samples->outcome[i].failed)
            return true;
    return false;
}

/* Accounts for a block in which the family took took_ns, and decides whether it gets another one. */
static void close_block(const struct fb_measure *measure, struct fb_samples *samples,
                        enum fb_family family, size_t block, double took_ns, struct budget *budget)
{
    size_t *blocks = &samples->blocks[family], *wanted = &samples->wanted[family];
    *blocks += block > 0;
    if (*blocks == FB_BLOCKS_LEAST && *wanted == 0) {
        *wanted = choose_blocks(measure, samples, family);
        double expected = budget->spent_ns + (double)(*wanted - *blocks) * took_ns;
        budget->expected_ns = fmin(budget->expected_ns, expected);
    }
    bool enough = *wanted > 0 && *blocks >= *wanted;
    /* No block is started that may exceed the budget. */
    bool spent = *blocks > 0 && budget->spent_ns + took_ns > budget->budget_ns;
    budget->closed = enough || spent || !is_alive(measure->plan, samples, family);
}

/* ---- blocks ---- */

/* The shuffle of Fisher and Yates. */
void fb_measure_order(uint64_t seed, size_t block, size_t cells, size_t *ret_order)
{
    struct fb_random random = { seed };
    random.state = fb_random_next(&random) + block;
    random.state = fb_random_next(&random);
    for (size_t i = 0; i < cells; i++)
        ret_order[i] = i;
    for (size_t i = cells; i > 1; i--) {
        size_t other = fb_random_below(&random, i), kept = ret_order[i - 1];
        ret_order[i - 1] = ret_order[other];
        ret_order[other] = kept;
    }
}

/* The order of the cells that the next block measures; returns how many there are. */
static size_t draw_order(const struct fb_measure *measure, const struct fb_samples *samples,
                         const struct budget *budget, size_t block, size_t *order)
{
    const struct fb_plan *plan = measure->plan;
    size_t count = 0;
    fb_measure_order(measure->seed, block, plan->count, order);
    for (size_t i = 0; i < plan->count; i++)
        if (!budget[plan->cell[order[i]].family].closed && !samples->outcome[order[i]].failed)
            order[count++] = order[i];
    return count;
}

static int measure_block(const struct fb_measure *measure, struct fb_samples *samples, size_t block,
                         struct budget *budget, const size_t *order, size_t count,
                         struct fb_error *error)
{
    double spent_ns[FB_FAMILIES] = { 0 };
    for (size_t i = 0; i < count; i++) {
        const struct fb_cell *cell = &measure->plan->cell[order[i]];
        struct fb_turn turn = { .block = block, .position = i, .cell = order[i] };
        uint64_t took_ns = 0;
        if (measure->interrupted(measure->context))
            return fb_error_set(error, -EINTR, "interrupted");
        measure->progress(measure->context, done_part(budget), cell);
        int result = measure_cell(measure, samples, &turn, &took_ns, error);
        if (result < 0)
            return result;
        spent_ns[cell->family] += (double)took_ns;
        budget[cell->family].spent_ns += (double)took_ns;
    }
    if (block == 0)
        set_repeats(measure->plan, samples);
    for (int i = 0; i < FB_FAMILIES; i++)
        if (!budget[i].closed)
            close_block(measure, samples, (enum fb_family)i, block, spent_ns[i], &budget[i]);
    return 0;
}

int fb_measure_run(const struct fb_measure *measure, struct fb_samples *ret_samples,
                   struct fb_error *error)
{
    struct budget budget[FB_FAMILIES] = { 0 };
    const struct fb_plan *plan = measure->plan;
    *ret_samples = (struct fb_samples){ 0 };
    ret_samples->outcome = calloc(plan->count, sizeof *ret_samples->outcome);
    size_t *order = calloc(plan->count, sizeof *order);
    int result = 0;
    if (!ret_samples->outcome || !order)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    for (int i = 0; i < FB_FAMILIES; i++)
        budget[i].closed = true;
    for (size_t i = 0; i < plan->count; i++) {
        double budget_ns = measure->budget_s[plan->cell[i].family] * 1e9;
        budget[plan->cell[i].family] =
            (struct budget){ .budget_ns = budget_ns, .expected_ns = budget_ns };
    }
    for (size_t block = 0; result == 0; block++) {
        size_t count = draw_order(measure, ret_samples, budget, block, order);
        if (count == 0)
            break;
        result = measure_block(measure, ret_samples, block, budget, order, count, error);
    }
    free(order);
    return result;
}
