#include "bench/judge/fits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNTS_MOST (FB_LIST_MOST + 1)

/* The cells of one combination in ascending order of workers; the base is first. */
struct series {
    size_t cell[COUNTS_MOST];
    unsigned workers[COUNTS_MOST];
    size_t count;
};

static bool belongs(const struct fb_cell *cell, const struct fb_cell *first)
{
    return cell->kernel == first->kernel && cell->harness == first->harness &&
           strcmp(cell->params, first->params) == 0 && strcmp(cell->variant, first->variant) == 0 &&
           cell->against == first->against && cell->base == first->base && !cell->again &&
           !cell->copies;
}

static bool is_scaled(const struct fb_cell *cell)
{
    return cell->base != FB_NO_CELL && !cell->again && !cell->copies;
}

/* Whether an earlier cell has the same combination. */
static bool is_repeated(const struct fb_plan *plan, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (is_scaled(&plan->cell[i]) && belongs(&plan->cell[i], &plan->cell[index]))
            return true;
    return false;
}

static void collect(const struct fb_plan *plan, size_t first, double effective,
                    struct series *series)
{
    series->cell[0] = plan->cell[first].base;
    series->workers[0] = 1;
    series->count = 1;
    for (size_t i = first; i < plan->count && series->count < COUNTS_MOST; i++) {
        unsigned workers = plan->cell[i].workers;
        /* The harness on one worker is not the base, and shows nothing about scaling. */
        if (!belongs(&plan->cell[i], &plan->cell[first]) || workers < 2 || workers > effective)
            continue;
        size_t at = series->count++;
        for (; series->workers[at - 1] > workers; at--) {
            series->workers[at] = series->workers[at - 1];
            series->cell[at] = series->cell[at - 1];
        }
        series->workers[at] = workers;
        series->cell[at] = i;
    }
}

/* Keeps the blocks of time[block * count + i] in which all cells were measured; returns how many. */
static size_t keep_complete(double *time, size_t blocks, size_t count)
{
    size_t kept = 0;
    for (size_t block = 0; block < blocks; block++) {
        bool complete = true;
        for (size_t i = 0; i < count; i++)
            complete &= time[block * count + i] > 0;
        if (complete)
            memmove(&time[kept++ * count], &time[block * count], count * sizeof *time);
    }
    return kept;
}

static int fit(const struct fb_samples *samples, const struct series *series, struct fb_fit *fit)
{
    size_t blocks = 0, count = series->count;
    for (size_t i = 0; i < samples->count; i++)
        if (samples->list[i].block > blocks)
            blocks = samples->list[i].block;
    double *time = calloc(blocks * (count + 1) + 1, sizeof *time), *one = time + blocks * count;
    if (!time)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        fb_samples_times(samples, series->cell[i], blocks, one);
        for (size_t block = 0; block < blocks; block++)
            time[block * count + i] = one[block];
    }
    fit->counts = count;
    fit->blocks = keep_complete(time, blocks, count);
    fit->fitted = count >= FB_SCALING_LEAST && fit->blocks >= FB_INTERVAL_LEAST;
    int result = 0;
    if (fit->fitted)
        result = fb_scaling_fit(series->workers, count, time, fit->blocks, &fit->scaling);
    free(time);
    return result;
}

int fb_fits_make(const struct fb_plan *plan, const struct fb_samples *samples, double effective,
                 struct fb_fits *ret_fits)
{
    struct fb_fits fits = { .list = calloc(plan->count + 1, sizeof *fits.list) };
    int result = fits.list ? 0 : -ENOMEM;
    for (size_t i = 0; i < plan->count && result == 0; i++) {
        struct series series;
        if (!is_scaled(&plan->cell[i]) || is_repeated(plan, i))
            continue;
        collect(plan, i, effective, &series);
        fits.list[fits.count].cell = i;
        result = fit(samples, &series, &fits.list[fits.count++]);
    }
    if (result < 0)
        fb_fits_clear(&fits);
    else
        *ret_fits = fits;
    return result;
}

void fb_fits_clear(struct fb_fits *fits)
{
    free(fits->list);
    *fits = (struct fb_fits){ 0 };
}
