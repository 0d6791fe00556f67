/* Fetches `count` documents from a server, one item each: work that waits for a network. The caller starts
 * the server; served.h describes its documents. */
#include "kernels/kernel.h"
#include "kernels/output.h"
#include "kernels/waiting/served.h"
#include "kernels/waiting/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define URL_MOST 400

struct fb_input {
    size_t count;
    uint64_t bytes, latency_us;
    char url[URL_MOST];
    struct fb_output output;
};

struct download_result {
    int32_t status;
    uint32_t reserved; /* 0 */
    uint64_t bytes, digest;
};

static const struct fb_param params[] = {
    { "count", FB_PARAM_NUMBER, "100", 0, 1 << 24, NULL, "documents, one item each" },
    { "bytes", FB_PARAM_NUMBER, "20000", 0, FB_SERVED_BYTES_MOST, NULL, "bytes of each document" },
    { "latency_us", FB_PARAM_NUMBER, "10000", 0, FB_SERVED_LATENCY_MOST_US, NULL,
      "time until the server answers, us" },
    { "url", FB_PARAM_TEXT, "", 0, 0, NULL,
      "address of a forkbench server; without it one is started on this machine" },
    { "out", FB_PARAM_TEXT, "", 0, 0, NULL,
      "a folder to save document_<number> into; without it nothing is saved" },
    { 0 },
};

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    const char *url = fb_params_text(given, "url");
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    if (strlen(url) >= sizeof input->url)
        return fb_error_set(error, -ENAMETOOLONG, "too long: url=%.100s…", url);
    if (!*url)
        return fb_error_set(error, -EDESTADDRREQ, "no server to download from: give url=");
    strcpy(input->url, url);
    input->count = fb_params_number(given, "count");
    input->bytes = fb_params_number(given, "bytes");
    input->latency_us = fb_params_number(given, "latency_us");
    *ret_input = input;
    const struct fb_curl *curl; /* loaded here, before there are threads */
    int result = fb_curl_load(&curl, error);
    return result < 0 ? result
                      : fb_output_open(&input->output, fb_params_text(given, "out"), error);
}

static size_t items(const struct fb_input *input)
{
    return input->count;
}

static void await(const struct fb_input *input, size_t item, struct fb_await *ret_await)
{
    snprintf(ret_await->url, sizeof ret_await->url, "%s/%" PRIu64 "/%" PRIu64 "/%zu", input->url,
             input->bytes, input->latency_us, item);
}

/* ---- a document that has arrived ---- */

static void finish(const struct fb_input *input, size_t item, const struct fb_arrival *arrival,
                   void *results, struct fb_yield *yield)
{
    (void)yield;
    struct download_result *slot = results;
    slot[item] = (struct download_result){ .status = arrival->status };
    if (arrival->status < 0)
        return;
    slot[item].bytes = arrival->size;
    slot[item].digest = fb_served_digest(arrival->bytes, arrival->size);
    if (!input->output.folder[0])
        return;
    char name[40];
    snprintf(name, sizeof name, "document_%zu", item);
    slot[item].status = fb_output_save(&input->output, item, name, arrival->bytes, arrival->size);
}

/* ---- a worker ---- */

static int worker_begin(const struct fb_input *input, void **ret_scratch)
{
    (void)input;
    struct fb_transfer *transfer = malloc(sizeof *transfer);
    if (!transfer)
        return -ENOMEM;
    *ret_scratch = transfer;
    int result = fb_transfer_init(transfer);
    if (result < 0) {
        fb_transfer_clear(transfer);
        free(transfer);
    }
    return result;
}

static void worker_end(void *scratch)
{
    fb_transfer_clear(scratch);
    free(scratch);
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    struct fb_transfer *transfer = scratch;
    for (size_t item = begin; item < end; item++) {
        struct fb_await awaited;
        if (fb_safepoint(yield))
            return;
        await(input, item, &awaited);
        fb_transfer_aim(transfer, awaited.url);
        transfer->yield = yield;
        fb_release(yield, FB_RELEASE_WAITING);
        CURLcode code = transfer->curl->easy_perform(transfer->easy);
        fb_acquire(yield, FB_RELEASE_WAITING);
        transfer->yield = NULL;
        const struct fb_arrival arrival = { .status = fb_transfer_status(transfer, code),
                                            .size = transfer->size,
                                            .bytes = transfer->bytes };
        finish(input, item, &arrival, results, yield);
    }
}

/* ---- results ---- */

/* Makes each document again, as the server does. */
static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct download_result *slot = results;
    unsigned char *bytes = malloc(input->bytes + 1);
    int result = bytes ? 0 : fb_error_set(error, -ENOMEM, "no memory to check the results");
    for (size_t item = 0; item < input->count && result == 0; item++) {
        if (slot[item].status != 0)
            continue;
        fb_served_fill(item, input->bytes, bytes);
        if (slot[item].bytes != input->bytes ||
            slot[item].digest != fb_served_digest(bytes, input->bytes))
            result = fb_error_set(error, -EBADMSG,
                                  "wrong result: document %zu is not what the server has: %" PRIu64
                                  " bytes",
                                  item, slot[item].bytes);
    }
    free(bytes);
    return result;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    const struct download_result *slot = results;
    uint64_t digest = 0;
    for (size_t item = 0; item < input->count; item++)
        digest =
            fb_digest(fb_digest(digest, (uint64_t)(int64_t)slot[item].status), slot[item].digest);
    return digest;
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    const struct download_result *slot = results;
    uint64_t bytes = 0, whole = 0;
    for (size_t item = 0; item < input->count; item++) {
        bytes += slot[item].bytes;
        whole += slot[item].status == 0;
    }
    snprintf(text, size, "%" PRIu64 " documents, %" PRIu64 " bytes", whole, bytes);
}

static void describe(const struct fb_input *input, const void *results, size_t item, char *text,
                     size_t size)
{
    const struct download_result *slot = results;
    struct fb_await awaited = { 0 };
    await(input, item, &awaited);
    snprintf(text, size, "%s: %s", awaited.url, strerror(-slot[item].status));
}

const struct fb_kernel fb_kernel_download = {
    .name = "download",
    .summary = "fetches documents from a server on this machine that takes a while to answer",
    .bound = FB_BOUND_IO,
    .params = params,
    .result_size = sizeof(struct download_result),
    .served_param = "url",
    .setup = setup,
    .items = items,
    .await = await,
    .finish = finish,
    .worker_begin = worker_begin,
    .run = run,
    .worker_end = worker_end,
    .check = check,
    .digest = digest,
    .answer = answer,
    .describe = describe,
};
