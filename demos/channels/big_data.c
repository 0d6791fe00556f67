/* Data that is sent to another process and back, or shared with it. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/channel/connection.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/sync/sync.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 9
#define SIZES 3

static const size_t sizes[SIZES] = { 1000, 100000, 10000000 };

struct order {
    struct fb_mp_connection *mine, *other;
    unsigned char *shared; /* NULL: bytes are sent */
};

/* Adds 1 to the first byte of each message and sending it back, or adds 1 to the first shared byte. */
static int serve(const void *argument, size_t size)
{
    const struct order *order = argument;
    unsigned char *bytes = malloc(sizes[SIZES - 1]);
    fb_mp_connection_close(order->other);
    while (bytes &&
           fb_mp_receive(order->mine, bytes, sizes[SIZES - 1], FB_MP_FOREVER, &size) == 0) {
        unsigned char *first = order->shared ? order->shared : bytes;
        ++*first;
        fb_mp_send(order->mine, bytes, order->shared ? 1 : size);
    }
    free(bytes);
    return 0;
}

/* The µs to send size bytes and to receive the answer; *changed is then 1 more than before. */
static double cost(struct fb_mp_connection *here, unsigned char *bytes, size_t size,
                   volatile const unsigned char *changed)
{
    unsigned char before = *changed;
    int64_t start = fb_mp_now();
    lesson_need(fb_mp_send(here, bytes, size), "send");
    lesson_need(fb_mp_receive(here, bytes, size, FB_MP_FOREVER, &size), "receive");
    double us = (double)(fb_mp_now() - start) / 1e3;
    lesson_need(*changed == (unsigned char)(before + 1) ? 0 : -EIO, "get the right answer");
    return us;
}

static struct fb_mp_connection *begin(unsigned char *shared)
{
    struct fb_mp_connection *here, *there;
    lesson_need(fb_mp_pipe(true, &here, &there), "make a pipe");
    lesson_start(serve, &(struct order){ there, here, shared }, sizeof(struct order));
    fb_mp_connection_close(there);
    return here;
}

/* The bytes that this process has passed to write() so far; NaN if the kernel does not count them. */
static double written(void)
{
    double bytes;
    FILE *file = fopen("/proc/self/io", "re");
    if (!file || fscanf(file, "rchar: %*u wchar: %lf", &bytes) != 1)
        bytes = NAN;
    if (file)
        fclose(file);
    return bytes;
}

static int take_length(struct fb_mp_call *call)
{
    return fb_mp_return(call, &call->size, sizeof call->size);
}

/* Claim C10: how many bytes a pool writes for each byte of a task. */
static void judge_pools(const unsigned char *bytes)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    size_t length = 0;
    char condition[200];
    lesson_need(fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 1 }, &pool, &error),
                "open a pool");
    double before = written();
    lesson_need(fb_mp_map(pool, take_length, bytes, 1, sizes[SIZES - 1], &length, sizeof length,
                          NULL, &error),
                "map");
    double here = (written() - before) / (double)sizes[SIZES - 1];
    lesson_need(length == sizes[SIZES - 1] ? 0 : -EIO, "get the right answer");
    struct fb_interval python = lesson_python("written");
    struct fb_interval measured = lesson_is_known(python) ? python : fb_median_interval(&here, 1);
    snprintf(condition, sizeof condition,
             "a pool of this runtime writes %.2f bytes for each byte of a task%s", here,
             python.value > 0.9 ? ", Python's sending all of them through pipes" : "");
    lesson_claim("C10", "the process pool uses shared memory to be fast", measured,
                 lesson_is_known(python) ? "bytes written for a byte of a task, Python's Pool"
                                         : "bytes written for a byte of a task",
                 !lesson_is_known(measured) ? LESSON_DEPENDS
                 : measured.value < 0.1     ? LESSON_HOLDS
                                            : LESSON_DOES_NOT_HOLD,
                 isnan(here) ? "this kernel does not count written bytes" : condition);
}

static void run(void)
{
    void *memory;
    unsigned char message = 0; /* the whole message if the data is shared */
    unsigned char *bytes = calloc(sizes[SIZES - 1], 1);
    double sent[SIZES][ROUNDS], left[SIZES][ROUNDS], shown[2 * SIZES];
    char name[2 * SIZES][40];
    const char *label[2 * SIZES];
    lesson_need(fb_mp_alloc(sizes[SIZES - 1], &memory), "take shared memory");
    lesson_need(bytes ? 0 : -ENOMEM, "take memory");
    struct fb_mp_connection *sending = begin(NULL),
                            *sharing = begin(lesson_is_broken() ? NULL : memory);
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < SIZES; k++) {
            sent[k][i] = cost(sending, bytes, sizes[k], bytes);
            left[k][i] = lesson_is_broken() ? cost(sharing, bytes, sizes[k], bytes)
                                            : cost(sharing, &message, 1, memory);
        }
    for (int k = 0; k < SIZES; k++) {
        snprintf(name[2 * k], sizeof *name, "%zu bytes, sent", sizes[k]);
        snprintf(name[2 * k + 1], sizeof *name, "%zu bytes, shared", sizes[k]);
        shown[2 * k] = fb_median(sent[k], ROUNDS);
        shown[2 * k + 1] = fb_median(left[k], ROUNDS);
    }
    for (int k = 0; k < 2 * SIZES; k++)
        label[k] = name[k];
    lesson_bars("us", 2 * SIZES, label, shown);
    struct fb_interval ratio = fb_ratio_interval(sent[SIZES - 1], left[SIZES - 1], ROUNDS);
    lesson_measured(
        ratio.low > 3,
        "ten million bytes in shared memory cost far less than sending them there and back");
    lesson_claim("C13", "more communication costs more; big payloads need shared memory", ratio,
                 "times as long, 10 MB sent",
                 fb_median(sent[SIZES - 1], ROUNDS) > fb_median(sent[0], ROUNDS)
                     ? lesson_is_above(ratio, 1)
                     : LESSON_DOES_NOT_HOLD,
                 NULL);
    judge_pools(bytes);
    fb_mp_connection_close(sending);
    fb_mp_connection_close(sharing);
    lesson_join_all();
    fb_mp_free(memory);
    free(bytes);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "big_data",
        .title = "Sending a lot of data",
        .rows = "M2 M6 M9 C10 C13",
        .question = "Another process shall change one byte of ten million. You can send it all "
                    "bytes and get them back, or put them into shared memory and send it a short "
                    "message. Does it matter?",
        .choices = { "hardly: memory is fast", "yes: one way is many times faster" },
        .answer = 'b',
        .explains = "Bytes that are sent are copied into the kernel and out again, on both ways, "
                    "in pieces of at most 64 KiB (the size of a pipe), and the processes take "
                    "turns waking each other. With shared memory, only the short message moves. "
                    "For small data there is no difference, because waking a process costs most.",
        .next = "From which size on does it matter? Python also pickles the data, which costs more "
                "than copying it (nested_data).",
        .breaks = "the \"shared\" bytes are also sent there and back.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
