#include "bench/judge/analysis.h"

#include "bench/judge/scaling.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const fb_verdict_names[FB_VERDICTS] = {
    [FB_INCONCLUSIVE] = "inconclusive",
    [FB_FASTER] = "faster",
    [FB_SLOWER] = "slower",
};

/* Room for the times of two cells, and for those blocks in which both were measured. */
struct tables {
    size_t blocks;
    double *own, *other, *left, *right;
};

/* Keeps the blocks in which both were measured, scaled; returns how many. */
static size_t pair_up(const struct tables *table, double scale)
{
    size_t count = 0;
    for (size_t block = 0; block < table->blocks; block++)
        if (table->other[block] > 0 && table->own[block] > 0) {
            table->left[count] = table->other[block];
            table->right[count++] = table->own[block] * scale;
        }
    return count;
}

static struct fb_interval scaled(const struct fb_interval *interval, double factor)
{
    return (struct fb_interval){ interval->value * factor, interval->low * factor,
                                 interval->high * factor, interval->samples };
}

static void sum_up_cell(const struct fb_plan *plan, const struct fb_samples *samples, size_t index,
                        const struct tables *table, struct fb_summary *summary)
{
    const struct fb_cell *cell = &plan->cell[index];
    fb_samples_times(samples, index, table->blocks, table->own);
    fb_samples_times(samples, index, table->blocks, table->other);
    summary->run_ns = fb_median_interval(table->left, pair_up(table, 1));
    if (cell->base != FB_NO_CELL) {
        fb_samples_times(samples, cell->base, table->blocks, table->other);
        /* Copies do the job `copies` times over in their time. */
        size_t count = pair_up(table, cell->copies ? 1.0 / cell->copies : 1);
        summary->speedup = fb_ratio_interval(table->left, table->right, count);
        summary->speedup_mean = fb_ratio_mean(table->left, table->right, count);
        summary->efficiency = scaled(&summary->speedup, 1.0 / cell->workers);
        summary->serial =
            cell->workers > 1 ? fb_karp_flatt(&summary->speedup, cell->workers) : FB_INTERVAL_NONE;
        summary->has_speedup = count > 0;
    }
    if (cell->ceiling != FB_NO_CELL) {
        fb_samples_times(samples, cell->ceiling, table->blocks, table->other);
        /* (base / own) / (copies · base / ceiling): the base cancels out. */
        size_t count = pair_up(table, cell->workers);
        summary->of_ceiling = fb_ratio_interval(table->left, table->right, count);
        summary->has_ceiling = count > 0;
    }
}

/* Marks the cell's trials that were disturbed or lie far off. */
static int mark(const struct fb_samples *samples, size_t index, const struct tables *table,
                struct fb_analysis *analysis)
{
    struct fb_summary *summary = &analysis->cell[index];
    size_t count = 0;
    for (size_t i = 0; i < samples->count; i++)
        if (samples->list[i].cell == index && samples->list[i].block > 0)
            table->left[count++] = log((double)samples->list[i].run_ns);
    /* With fewer there is no telling what is far. */
    memset(table->right, 0, count * sizeof *table->right);
    if (count >= FB_INTERVAL_LEAST && fb_outlier_scores(table->left, count, table->right) < 0)
        return -ENOMEM;
    count = 0;
    for (size_t i = 0; i < samples->count; i++) {
        if (samples->list[i].cell != index || samples->list[i].block == 0)
            continue;
        analysis->score[i] = table->right[count++];
        summary->outliers += fabs(analysis->score[i]) > FB_OUTLIER;
        summary->disturbed += samples->list[i].disturbed[0] != '\0';
    }
    return 0;
}

static void compare(const struct fb_samples *samples, const struct fb_pair *pair,
                    const struct tables *table, struct fb_finding *finding)
{
    fb_samples_times(samples, pair->cell, table->blocks, table->other);
    fb_samples_times(samples, pair->reference, table->blocks, table->own);
    size_t count = pair_up(table, 1);
    finding->ratio = fb_ratio_interval(table->left, table->right, count);
    finding->ratio_mean = fb_ratio_mean(table->left, table->right, count);
}

enum fb_verdict fb_verdict_of(const struct fb_interval *ratio, double floor)
{
    if (ratio->low > 1 && ratio->value - 1 > floor)
        return FB_SLOWER;
    if (ratio->high < 1 && 1 - ratio->value > floor)
        return FB_FASTER;
    return FB_INCONCLUSIVE;
}

void fb_null_judge(struct fb_null *null)
{
    /* Half the width of the interval is 1.96 standard errors; a difference is found in 80 of 100
     * runs when it is 1.96 + 0.84 of them. */
    double power =
        (fb_normal_quantile(0.975) + fb_normal_quantile(0.80)) / fb_normal_quantile(0.975);
    null->known = isfinite(null->ratio.low) && isfinite(null->ratio.high);
    double half = (null->ratio.high - null->ratio.low) / 2;
    null->floor = fmax(half, fabs(null->ratio.value - 1));
    null->detectable = fmax(null->floor, power * half);
}

static void judge(const struct fb_plan *plan, struct fb_analysis *analysis)
{
    for (size_t i = 0; i < plan->pairs; i++)
        if (plan->pair[i].factor == FB_FACTOR_NONE) {
            struct fb_null *null = &analysis->null[plan->cell[plan->pair[i].cell].family];
            null->ratio = analysis->finding[i].ratio;
            fb_null_judge(null);
        }
    for (size_t i = 0; i < plan->pairs; i++) {
        const struct fb_null *null = &analysis->null[plan->cell[plan->pair[i].cell].family];
        bool itself = plan->pair[i].factor == FB_FACTOR_NONE;
        struct fb_finding *finding = &analysis->finding[i];
        if (null->known)
            finding->verdict = fb_verdict_of(&finding->ratio, itself ? 0 : null->floor);
    }
}

static size_t count_blocks(const struct fb_samples *samples)
{
    size_t blocks = 1;
    for (size_t i = 0; i < samples->count; i++)
        if (samples->list[i].block > blocks)
            blocks = samples->list[i].block;
    return blocks;
}

int fb_analyse(const struct fb_plan *plan, const struct fb_samples *samples,
               struct fb_analysis *ret_analysis)
{
    size_t blocks = count_blocks(samples);
    double *memory = calloc(4 * blocks, sizeof *memory);
    *ret_analysis = (struct fb_analysis){
        .cell = calloc(plan->count + 1, sizeof *ret_analysis->cell),
        .finding = calloc(plan->pairs + 1, sizeof *ret_analysis->finding),
        .score = calloc(samples->count + 1, sizeof *ret_analysis->score),
    };
    if (!memory || !ret_analysis->cell || !ret_analysis->finding || !ret_analysis->score) {
        free(memory);
        fb_analysis_clear(ret_analysis);
        return -ENOMEM;
    }
    struct tables table = { blocks, memory, memory + blocks, memory + 2 * blocks,
                            memory + 3 * blocks };
    int result = 0;
    for (size_t i = 0; i < plan->count && result == 0; i++) {
        sum_up_cell(plan, samples, i, &table, &ret_analysis->cell[i]);
        result = mark(samples, i, &table, ret_analysis);
    }
    for (size_t i = 0; i < plan->pairs; i++)
        compare(samples, &plan->pair[i], &table, &ret_analysis->finding[i]);
    judge(plan, ret_analysis);
    free(memory);
    if (result < 0)
        fb_analysis_clear(ret_analysis);
    return result;
}

void fb_analysis_clear(struct fb_analysis *analysis)
{
    free(analysis->cell);
    free(analysis->finding);
    free(analysis->score);
    *analysis = (struct fb_analysis){ 0 };
}
