#include "bench/judge/scaling.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define SEED 1

static double serial_fraction(double speedup, double workers)
{
    return (1 / speedup - 1 / workers) / (1 - 1 / workers);
}

struct fb_interval fb_karp_flatt(const struct fb_interval *speedup, unsigned workers)
{
    return (struct fb_interval){ .value = serial_fraction(speedup->value, workers),
                                 .low = serial_fraction(speedup->high, workers),
                                 .high = serial_fraction(speedup->low, workers),
                                 .samples = speedup->samples };
}

double fb_amdahl_speedup(const struct fb_scaling *scaling, double workers)
{
    return workers / (1 + scaling->serial.value * (workers - 1));
}

double fb_usl_speedup(const struct fb_scaling *scaling, double workers)
{
    return workers / (1 + scaling->contention.value * (workers - 1) +
                      scaling->coherency.value * workers * (workers - 1));
}

struct data {
    const unsigned *workers;
    const double *time;
    size_t counts, blocks;
    double *weight; /* [counts] */
};

/* p / speedup - 1, which is linear in the coefficients of both laws. */
static double excess(const struct data *data, size_t block, size_t i)
{
    const double *time = &data->time[block * data->counts];
    return data->workers[i] * time[i] / time[0] - 1;
}

/* 1 / (mean of p / speedup)^2: makes distances relative, with equal weights in all blocks. */
static void weigh(const struct data *data)
{
    for (size_t i = 0; i < data->counts; i++) {
        double sum = 0;
        for (size_t block = 0; block < data->blocks; block++)
            sum += 1 + excess(data, block, i);
        data->weight[i] = pow((double)data->blocks / sum, 2);
    }
}

static double fit_amdahl(const struct data *data, size_t block)
{
    double xx = 0, xy = 0;
    for (size_t i = 0; i < data->counts; i++) {
        double x = data->workers[i] - 1.0, w = data->weight[i];
        xx += w * x * x;
        xy += w * x * excess(data, block, i);
    }
    return xy / xx;
}

/* Solves the normal equations of two unknowns. */
static void fit_usl(const struct data *data, size_t block, double *contention, double *coherency)
{
    double aa = 0, ab = 0, bb = 0, ay = 0, by = 0;
    for (size_t i = 0; i < data->counts; i++) {
        double p = data->workers[i], a = p - 1, b = p * (p - 1), w = data->weight[i];
        double y = excess(data, block, i);
        aa += w * a * a;
        ab += w * a * b;
        bb += w * b * b;
        ay += w * a * y;
        by += w * b * y;
    }
    double determinant = aa * bb - ab * ab;
    *contention = (ay * bb - by * ab) / determinant;
    *coherency = (aa * by - ab * ay) / determinant;
}

static void measure_misses(const struct data *data, struct fb_scaling *scaling)
{
    for (size_t i = 0; i < data->counts; i++) {
        double speedup = data->workers[i] * sqrt(data->weight[i]);
        double amdahl = fabs(fb_amdahl_speedup(scaling, data->workers[i]) / speedup - 1);
        double usl = fabs(fb_usl_speedup(scaling, data->workers[i]) / speedup - 1);
        scaling->amdahl_miss = fmax(scaling->amdahl_miss, amdahl);
        scaling->usl_miss = fmax(scaling->usl_miss, usl);
    }
}

int fb_scaling_fit(const unsigned *workers, size_t counts, const double *time, size_t blocks,
                   struct fb_scaling *ret_scaling)
{
    double *memory = calloc(counts + 3 * blocks, sizeof *memory);
    if (!memory)
        return -ENOMEM;
    struct data data = { workers, time, counts, blocks, memory };
    double *serial = memory + counts, *contention = serial + blocks;
    double *coherency = contention + blocks;
    weigh(&data);
    for (size_t block = 0; block < blocks; block++) {
        serial[block] = fit_amdahl(&data, block);
        fit_usl(&data, block, &contention[block], &coherency[block]);
    }
    *ret_scaling = (struct fb_scaling){
        .serial = fb_mean_interval(serial, blocks, SEED),
        .contention = fb_mean_interval(contention, blocks, SEED),
        .coherency = fb_mean_interval(coherency, blocks, SEED),
    };
    measure_misses(&data, ret_scaling);
    free(memory);
    return 0;
}
