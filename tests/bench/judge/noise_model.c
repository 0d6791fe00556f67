#include "tests/bench/judge/noise_model.h"

#include <math.h>

#define TRIAL_S 0.5
#define DRIFT 0.01 /* for each minute */
#define PHI 0.6    /* autocorrelation of successive trials */
#define INNOVATION 0.007
#define TAIL 0.007
#define SPIKE 0.02 /* probability of a spike of 5 … 30 % */

double noise_normal(struct fb_random *random)
{
    double radius = sqrt(-2 * log(fb_random_real(random)));
    return radius * cos(2 * M_PI * fb_random_real(random));
}

double noise_student(struct fb_random *random)
{
    double squares = 0, normal = noise_normal(random);
    for (int i = 0; i < 3; i++)
        squares += pow(noise_normal(random), 2);
    return normal / sqrt(squares / 3);
}

void noise_begin(struct noise *noise, uint64_t seed)
{
    *noise = (struct noise){ .random = { seed } };
    /* Separates the streams of neighbouring seeds. */
    noise->random.state = fb_random_next(&noise->random);
    noise->drift = (fb_random_below(&noise->random, 2) ? DRIFT : -DRIFT) * TRIAL_S / 60;
    noise->correlated = INNOVATION / sqrt(1 - PHI * PHI) * noise_normal(&noise->random);
}

double noise_next(struct noise *noise)
{
    struct fb_random *random = &noise->random;
    noise->correlated = PHI * noise->correlated + INNOVATION * noise_normal(random);
    double log_time =
        noise->drift * noise->trials++ + noise->correlated + TAIL * noise_student(random);
    if (fb_random_real(random) < SPIKE)
        log_time += log1p(0.05 + 0.25 * fb_random_real(random));
    return exp(log_time);
}

void noise_experiment_make(struct noise_experiment *experiment, const double truth[NOISE_CELLS],
                           uint64_t seed)
{
    struct noise *noise = &experiment->noise;
    noise_begin(noise, seed);
    for (size_t block = 0; block < NOISE_BLOCKS; block++) {
        size_t order[NOISE_CELLS] = { 0, 1, 2, 3 };
        for (size_t i = NOISE_CELLS; i > 1; i--) {
            size_t other = fb_random_below(&noise->random, i), kept = order[i - 1];
            order[i - 1] = order[other];
            order[other] = kept;
        }
        for (size_t i = 0; i < NOISE_CELLS; i++)
            experiment->time[order[i]][block] = truth[order[i]] * noise_next(noise);
    }
}
