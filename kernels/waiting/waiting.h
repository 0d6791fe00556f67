/* What the kernels that wait for records have in common: all but the work on a record. */
#ifndef FB_WAITING_H
#define FB_WAITING_H

#include "kernels/kernel.h"
#include "kernels/numbers/numbers.h"

struct fb_input {
    size_t count;            /* records, one item each */
    uint64_t wait_us;        /* that each takes to arrive */
    uint64_t first, numbers; /* of mixed */
};

/* Parameters that fb_waiting_setup reads; count: the default number of records, as text. */
#define FB_WAITING_PARAMS(count)                                                                   \
    { "count", FB_PARAM_NUMBER, count, 0, 1 << 24, NULL, "records, one item each" },               \
    {                                                                                              \
        "wait_us", FB_PARAM_NUMBER, "10000", 0, 60000000, NULL,                                    \
            "time until each record arrives, us"                                                   \
    }

/* The members of a kernel that has these parameters. */
#define FB_WAITING_KERNEL                                                                          \
    .bound = FB_BOUND_IO, .result_size = sizeof(struct fb_count_result),                           \
    .items = fb_waiting_items, .await = fb_waiting_await, .digest = fb_waiting_digest

int fb_waiting_setup(const struct fb_params *given, struct fb_arena *arena,
                     struct fb_input **ret_input, struct fb_error *error);
size_t fb_waiting_items(const struct fb_input *input);
void fb_waiting_await(const struct fb_input *input, size_t item, struct fb_await *ret_await);
uint64_t fb_waiting_digest(const struct fb_input *input, const void *results);

/* The work on record `item` once it has arrived; its result goes to slot[item]. False when the job
 * was given up. */
typedef bool fb_record_work(const struct fb_input *input, size_t item, struct fb_count_result *slot,
                            struct fb_yield *yield);

/* The run of a kernel that does this work: waits for one record after the other, without the GIL as
 * Python's time.sleep does. Checks every 10 ms whether the job was given up. */
void fb_waiting_run(const struct fb_input *input, size_t begin, size_t end, void *results,
                    struct fb_yield *yield, fb_record_work *work);

#endif
