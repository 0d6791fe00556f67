/* One transfer after another from a server, by libcurl, which keeps the connection. */
#ifndef FB_TRANSFER_H
#define FB_TRANSFER_H

#include "base/error.h"
#include "base/library.h"

#include "kernels/kernel.h"

#include <curl/curl.h>
#include <stdint.h>

/* What is used of libcurl. */
struct fb_curl {
    FB_SYMBOL_POINTER(curl_, global_init);
    FB_SYMBOL_POINTER(curl_, global_cleanup);
    FB_SYMBOL_POINTER(curl_, easy_init);
    FB_SYMBOL_POINTER(curl_, easy_cleanup);
    FB_SYMBOL_POINTER(curl_, easy_setopt);
    FB_SYMBOL_POINTER(curl_, easy_getinfo);
    FB_SYMBOL_POINTER(curl_, easy_perform);
    FB_SYMBOL_POINTER(curl_, multi_init);
    FB_SYMBOL_POINTER(curl_, multi_cleanup);
    FB_SYMBOL_POINTER(curl_, multi_add_handle);
    FB_SYMBOL_POINTER(curl_, multi_remove_handle);
    FB_SYMBOL_POINTER(curl_, multi_perform);
    FB_SYMBOL_POINTER(curl_, multi_poll);
    FB_SYMBOL_POINTER(curl_, multi_info_read);
};

/* Loads libcurl, unless it was loaded; the first time in a process by one thread only. 0 and
 * *ret_curl, or a negative errno with *error. */
int fb_curl_load(const struct fb_curl **ret_curl, struct fb_error *error);

/* All but `easy` is what came last, and the transfer's. */
struct fb_transfer {
    const struct fb_curl *curl;
    CURL *easy;
    unsigned char *bytes;
    size_t size, room;
    int error; /* -ENOMEM: what came was more than there is memory for */
    struct fb_yield
        *yield; /* whose request to stop ends a transfer, within a second; NULL: nobody's */
};

/* 0, or a negative errno. End with fb_transfer_clear in either case. */
int fb_transfer_init(struct fb_transfer *transfer);
void fb_transfer_clear(struct fb_transfer *transfer);

/* Makes it ready to fetch url, by easy_perform or multi_add_handle on easy. url is copied. */
void fb_transfer_aim(struct fb_transfer *transfer, const char *url);

/* What a finished one brought: 0, or a negative errno: -ECONNREFUSED no connection, -ETIMEDOUT,
 * -EINVAL that is no address, -ENOENT the server has no such thing, -EPROTO anything else that is no answer. */
int32_t fb_transfer_status(const struct fb_transfer *transfer, CURLcode code);

#endif
