#include "measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- measuring ---- */

static uint64_t next_random(uint64_t *state)
{
    *state += 1;
    return fb_digest(0, *state);
}

/* Fisher and Yates. */
static void shuffle(size_t *order, size_t count, uint64_t *state)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = next_random(state) % i, kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

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

/* A cell that was checked and promises the same digest as this one (maybe itself), or NULL. */
static const struct fb_outcome *find_twin(const struct fb_plan *plan,
                                          const struct fb_samples *samples, size_t index)
{
    const struct fb_cell *cell = &plan->cell[index];
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_cell *other = &plan->cell[i];
        bool exact = !cell->kernel->inexact || cell->family == other->family;
        const struct fb_outcome *outcome = &samples->outcome[i];
        if (outcome->checked && !outcome->failed && other->kernel == cell->kernel && exact &&
            strcmp(other->params, cell->params) == 0)
            return outcome;
    }
    return NULL;
}

static int take_sample(const struct fb_measure *measure, struct fb_samples *samples, size_t block,
                       size_t position, size_t index)
{
    const struct fb_cell *cell = &measure->plan->cell[index];
    struct fb_outcome *outcome = &samples->outcome[index];
    const struct fb_outcome *twin = find_twin(measure->plan, samples, index);
    uint64_t known = twin ? twin->digest : 0;
    struct fb_sample sample = { .block = block, .position = position, .cell = index };
    struct fb_error error = { 0 };
    int result =
        measure->trial(measure->context, cell, twin ? &known : NULL, outcome, &sample, &error);
    if (result == 0 && twin && sample.digest != known)
        result =
            fb_error_set(&error, -EBADMSG,
                         "digest %016" PRIx64 " differs from %016" PRIx64 " of other harnesses",
                         sample.digest, known);
    if (result == -EINTR)
        return result;
    if (result < 0) {
        outcome->failed = true;
        snprintf(outcome->why, sizeof outcome->why, "%s", error.text);
        json_decref(sample.raw);
        return 0;
    }
    result = append(samples, &sample);
    if (result < 0)
        json_decref(sample.raw);
    return result;
}

/* A family's budget. */
struct purse {
    double budget_ns, spent_ns;
    bool closed;
};

static double done_part(const struct purse *purse)
{
    double spent = 0, budget = 0;
    for (int i = 0; i < FB_FAMILIES; i++) {
        bool over = purse[i].closed || purse[i].spent_ns > purse[i].budget_ns;
        spent += over ? purse[i].budget_ns : purse[i].spent_ns;
        budget += purse[i].budget_ns;
    }
    return spent / budget;
}

static size_t draw_order(const struct fb_measure *measure, const struct fb_samples *samples,
                         const struct purse *purse, size_t *order, uint64_t *state)
{
    size_t count = 0;
    for (size_t i = 0; i < measure->plan->count; i++)
        if (!purse[measure->plan->cell[i].family].closed && !samples->outcome[i].failed)
            order[count++] = i;
    shuffle(order, count, state);
    return count;
}

/* Whether a family still has a cell that has not failed. */
static bool is_alive(const struct fb_plan *plan, const struct fb_samples *samples,
                     enum fb_family family)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->cell[i].family == family && !samples->outcome[i].failed)
            return true;
    return false;
}

static int measure_block(const struct fb_measure *measure, struct fb_samples *samples, size_t block,
                         struct purse *purse, const size_t *order, size_t count)
{
    double took_ns[FB_FAMILIES] = { 0 };
    for (size_t i = 0; i < count; i++) {
        const struct fb_cell *cell = &measure->plan->cell[order[i]];
        if (measure->interrupted(measure->context))
            return -EINTR;
        measure->progress(measure->context, done_part(purse), cell);
        uint64_t start = measure->now_ns(measure->context);
        int result = take_sample(measure, samples, block, i, order[i]);
        if (result < 0)
            return result;
        double took = (double)(measure->now_ns(measure->context) - start);
        took_ns[cell->family] += took;
        purse[cell->family].spent_ns += took;
    }
    for (int i = 0; i < FB_FAMILIES; i++) {
        samples->blocks[i] += !purse[i].closed;
        /* Another block that may not fit would break the promise. */
        purse[i].closed |= purse[i].spent_ns + took_ns[i] > purse[i].budget_ns ||
                           !is_alive(measure->plan, samples, (enum fb_family)i);
    }
    return 0;
}

int fb_measure_run(const struct fb_measure *measure, struct fb_samples *ret_samples)
{
    struct purse purse[FB_FAMILIES] = { 0 };
    uint64_t state = measure->seed;
    *ret_samples = (struct fb_samples){ 0 };
    ret_samples->outcome = calloc(measure->plan->count, sizeof *ret_samples->outcome);
    size_t *order = calloc(measure->plan->count, sizeof *order);
    int result = ret_samples->outcome && order ? 0 : -ENOMEM;
    for (int i = 0; i < FB_FAMILIES; i++)
        purse[i].closed = true;
    for (size_t i = 0; i < measure->plan->count; i++) {
        enum fb_family family = measure->plan->cell[i].family;
        purse[family] = (struct purse){ .budget_ns = measure->budget_s[family] * 1e9 };
    }
    for (size_t block = 0; result == 0; block++) {
        size_t count = draw_order(measure, ret_samples, purse, order, &state);
        if (count == 0)
            break;
        result = measure_block(measure, ret_samples, block, purse, order, count);
        if (result == 0)
            result = measure->block_done(measure->context, ret_samples);
    }
    free(order);
    return result;
}

void fb_samples_clear(struct fb_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++)
        json_decref(samples->list[i].raw);
    free(samples->list);
    free(samples->outcome);
    *samples = (struct fb_samples){ 0 };
}

/* ---- summing up ---- */

/* The time of `cell` in each block, 0 where there is none. */
static void times_by_block(const struct fb_samples *samples, size_t cell, size_t blocks,
                           double *times)
{
    memset(times, 0, blocks * sizeof *times);
    for (size_t i = 0; i < samples->count; i++)
        if (samples->list[i].cell == cell)
            times[samples->list[i].block] = (double)samples->list[i].run_ns;
}

/* Keeps the blocks in which both were measured, times[] scaled; returns how many. */
static size_t pair(const double *base, const double *times, size_t blocks, double scale,
                   double *ret_base, double *ret_times)
{
    size_t count = 0;
    for (size_t block = 0; block < blocks; block++)
        if (base[block] > 0 && times[block] > 0) {
            ret_base[count] = base[block];
            ret_times[count++] = times[block] * scale;
        }
    return count;
}

struct tables {
    double *own, *other, *left, *right;
};

static void summarize(const struct fb_plan *plan, const struct fb_samples *samples, size_t index,
                      size_t blocks, const struct tables *table, struct fb_summary *summary)
{
    const struct fb_cell *cell = &plan->cell[index];
    times_by_block(samples, index, blocks, table->own);
    size_t count = pair(table->own, table->own, blocks, 1, table->left, table->right);
    summary->run_ns = fb_median_interval(table->left, count);
    if (cell->base != FB_NO_CELL) {
        times_by_block(samples, cell->base, blocks, table->other);
        /* Copies do the job `copies` times over in their time. */
        double scale = cell->copies ? 1.0 / cell->copies : 1;
        count = pair(table->other, table->own, blocks, scale, table->left, table->right);
        summary->speedup = fb_ratio_interval(table->left, table->right, count);
        summary->has_speedup = count > 0;
    }
    if (cell->ceiling != FB_NO_CELL) {
        times_by_block(samples, cell->ceiling, blocks, table->other);
        /* (base / own) / (copies · base / ceiling): the base cancels out. */
        count = pair(table->other, table->own, blocks, cell->workers, table->left, table->right);
        summary->of_ceiling = fb_ratio_interval(table->left, table->right, count);
        summary->has_ceiling = count > 0;
    }
}

int fb_summarize(const struct fb_plan *plan, const struct fb_samples *samples, size_t cell,
                 struct fb_summary *ret_summary)
{
    size_t blocks = 1;
    for (size_t i = 0; i < samples->count; i++)
        if (samples->list[i].block >= blocks)
            blocks = samples->list[i].block + 1;
    double *memory = calloc(4 * blocks, sizeof *memory);
    if (!memory)
        return -ENOMEM;
    struct tables table = { memory, memory + blocks, memory + 2 * blocks, memory + 3 * blocks };
    *ret_summary = (struct fb_summary){ 0 };
    summarize(plan, samples, cell, blocks, &table, ret_summary);
    free(memory);
    return 0;
}
