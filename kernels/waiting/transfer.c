/* Transfers by libcurl, which is loaded when it is needed. */
#include "kernels/waiting/transfer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000L
#define TRANSFER_MS 120000L

int fb_curl_load(const struct fb_curl **ret_curl, struct fb_error *error)
{
    static struct fb_curl curl;
    static const struct fb_symbol symbols[] = {
        FB_SYMBOL(curl, curl_, global_init),         FB_SYMBOL(curl, curl_, global_cleanup),
        FB_SYMBOL(curl, curl_, easy_init),           FB_SYMBOL(curl, curl_, easy_cleanup),
        FB_SYMBOL(curl, curl_, easy_setopt),         FB_SYMBOL(curl, curl_, easy_getinfo),
        FB_SYMBOL(curl, curl_, easy_perform),        FB_SYMBOL(curl, curl_, multi_init),
        FB_SYMBOL(curl, curl_, multi_cleanup),       FB_SYMBOL(curl, curl_, multi_add_handle),
        FB_SYMBOL(curl, curl_, multi_remove_handle), FB_SYMBOL(curl, curl_, multi_perform),
        FB_SYMBOL(curl, curl_, multi_poll),          FB_SYMBOL(curl, curl_, multi_info_read),
    };
    static bool loaded;
    *ret_curl = &curl;
    if (loaded) /* never written again: other threads may be reading it */
        return 0;
    int result = fb_library_load("libcurl.so.4", symbols, sizeof symbols / sizeof *symbols, error);
    loaded = result == 0;
    return result;
}

static size_t append(char *bytes, size_t one, size_t count, void *context)
{
    struct fb_transfer *transfer = context;
    size_t size = one * count;
    if (transfer->size + size > transfer->room) {
        size_t room = 2 * (transfer->size + size);
        unsigned char *grown = realloc(transfer->bytes, room);
        if (!grown) {
            transfer->error = -ENOMEM;
            return 0;
        }
        transfer->bytes = grown;
        transfer->room = room;
    }
    memcpy(transfer->bytes + transfer->size, bytes, size);
    transfer->size += size;
    return size;
}

/* Not 0 ends the transfer. Where there is a lock, a request means that it has to be released, and it is
 * not held during a transfer. */
static int should_stop(void *context, curl_off_t all, curl_off_t done, curl_off_t up_all,
                       curl_off_t up)
{
    const struct fb_transfer *transfer = context;
    (void)all, (void)done, (void)up_all, (void)up;
    return transfer->yield && !transfer->yield->release && fb_safepoint(transfer->yield);
}

int fb_transfer_init(struct fb_transfer *transfer)
{
    *transfer = (struct fb_transfer){ 0 };
    const struct fb_curl *curl;
    struct fb_error error;
    int result = fb_curl_load(&curl, &error);
    if (result < 0)
        return result;
    /* Calls are counted, and allowed from any thread since libcurl 7.84. */
    if (curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    transfer->curl = curl;
    transfer->easy = curl->easy_init();
    if (!transfer->easy) {
        curl->global_cleanup();
        return -ENOMEM;
    }
    curl->easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, append);
    curl->easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
    curl->easy_setopt(transfer->easy, CURLOPT_XFERINFOFUNCTION, should_stop);
    curl->easy_setopt(transfer->easy, CURLOPT_XFERINFODATA, transfer);
    curl->easy_setopt(transfer->easy, CURLOPT_NOPROGRESS, 0L);
    curl->easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L); /* or libcurl would use SIGALRM */
    curl->easy_setopt(transfer->easy, CURLOPT_PROXY, "");
    curl->easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl->easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, TRANSFER_MS);
    return 0;
}

void fb_transfer_clear(struct fb_transfer *transfer)
{
    free(transfer->bytes);
    if (transfer->easy) {
        transfer->curl->easy_cleanup(transfer->easy);
        transfer->curl->global_cleanup();
    }
    *transfer = (struct fb_transfer){ 0 };
}

void fb_transfer_aim(struct fb_transfer *transfer, const char *url)
{
    transfer->size = 0;
    transfer->error = 0;
    transfer->curl->easy_setopt(transfer->easy, CURLOPT_URL, url);
}

int32_t fb_transfer_status(const struct fb_transfer *transfer, CURLcode code)
{
    long answer = 0;
    if (transfer->error)
        return transfer->error;
    switch (code) {
    case CURLE_OK:
        transfer->curl->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &answer);
        return answer == 200 ? 0 : answer == 404 ? -ENOENT : -EPROTO;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return -ECONNREFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLE_ABORTED_BY_CALLBACK:
        return -ECANCELED;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return -EINVAL;
    default:
        return -EPROTO;
    }
}
