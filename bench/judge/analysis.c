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

/* Buffers of `blocks` entries: the times of two cells, and those of the blocks in which both were
 * measured. */
struct buffers {
    size_t blocks;
    double *own, *other, *left, *right;
};

/* Collects the blocks in which both were measured, with `own` scaled; returns how many there are. */
static size_t pair_up(const struct buffers *buffers, double scale)
{
    size_t count = 0;
    for (size_t block = 0; block < buffers->blocks; block++)
        if (buffers->other[block] > 0 && buffers->own[block] > 0) {
            buffers->left[count] = buffers->other[block];
            buffers->right[count++] = buffers->own[block] * scale;
        }
    return count;
}

static struct fb_interval scaled(const struct fb_interval *interval, double factor)
{
    return (struct fb_interval){ interval->value * factor, interval->low * factor,
                                 interval->high * factor, interval->samples };
}

static void summarize_cell(const struct fb_plan *plan, const struct fb_samples *samples,
                           size_t index, const struct buffers *buffers, struct fb_summary *summary)
{
    const struct fb_cell *cell = &plan->cell[index];
    fb_samples_times(samples, index, buffers->blocks, buffers->own);
    fb_samples_times(samples, index, buffers->blocks, buffers->other);
    summary->run_ns = fb_median_interval(buffers->left, pair_up(buffers, 1));
    if (cell->base != FB_NO_CELL) {
        fb_samples_times(samples, cell->base, buffers->blocks, buffers->other);
        /* In their time, copies do the job `copies` times. */
        size_t count = pair_up(buffers, cell->copies ? 1.0 / cell->copies : 1);
        summary->speedup = fb_ratio_interval(buffers->left, buffers->right, count);
        summary->speedup_mean = fb_ratio_mean(buffers->left, buffers->right, count);
        summary->efficiency = scaled(&summary->speedup, 1.0 / cell->workers);
        summary->serial =
            cell->workers > 1 ? fb_karp_flatt(&summary->speedup, cell->workers) : FB_INTERVAL_NONE;
        summary->has_speedup = count > 0;
    }
    if (cell->ceiling != FB_NO_CELL) {
        fb_samples_times(samples, cell->ceiling, buffers->blocks, buffers->other);
        /* (base / own) / (copies · base / ceiling): the base cancels out. */
        size_t count = pair_up(buffers, cell->workers);
        summary->of_ceiling = fb_ratio_interval(buffers->left, buffers->right, count);
        summary->has_ceiling = count > 0;
    }
}

/* Marks the cell's trials that were disturbed or are outliers. */
static int mark(const struct fb_samples *samples, size_t index, const struct buffers *buffers,
                struct fb_analysis *analysis)
{
    struct fb_summary *summary = &analysis->cell[index];
    size_t count = 0;
    for (size_t i = 0; i < samples->count; i++)
        if (samples->list[i].cell == index && samples->list[i].block > 0)
            buffers->left[count++] = log((double)samples->list[i].run_ns);
    /* Fewer samples do not show what an outlier is. */
    memset(buffers->right, 0, count * sizeof *buffers->right);
    if (count >= FB_INTERVAL_LEAST && fb_outlier_scores(buffers->left, count, buffers->right) < 0)
        return -ENOMEM;
    count = 0;
    for (size_t i = 0; i < samples->count; i++) {
        if (samples->list[i].cell != index || samples->list[i].block == 0)
            continue;
        analysis->score[i] = buffers->right[count++];
        summary->outliers += fabs(analysis->score[i]) > FB_OUTLIER;
        summary->disturbed += samples->list[i].disturbed[0] != '\0';
    }
    return 0;
}

static void compare(const struct fb_samples *samples, const struct fb_pair *pair,
                    const struct buffers *buffers, struct fb_finding *finding)
{
    fb_samples_times(samples, pair->cell, buffers->blocks, buffers->other);
    fb_samples_times(samples, pair->reference, buffers->blocks, buffers->own);
    size_t count = pair_up(buffers, 1);
    finding->ratio = fb_ratio_interval(buffers->left, buffers->right, count);
    finding->ratio_mean = fb_ratio_mean(buffers->left, buffers->right, count);
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
    /* Half the width of the interval is 1.96 standard errors; a difference of 1.96 + 0.84 of them
     * is found in 80 of 100 runs. */
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
    struct buffers buffers = { blocks, memory, memory + blocks, memory + 2 * blocks,
                               memory + 3 * blocks };
    int result = 0;
    for (size_t i = 0; i < plan->count && result == 0; i++) {
        summarize_cell(plan, samples, i, &buffers, &ret_analysis->cell[i]);
        result = mark(samples, i, &buffers, ret_analysis);
    }
    for (size_t i = 0; i < plan->pairs; i++)
        compare(samples, &plan->pair[i], &buffers, &ret_analysis->finding[i]);
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
