/* Transfers from a server, one after another, by libcurl, which keeps the connection open. */
#ifndef FB_TRANSFER_H
#define FB_TRANSFER_H

#include "base/error.h"
#include "base/library.h"
#include "kernels/kernel.h"

#include <curl/curl.h>
#include <stdint.h>

/* The functions of libcurl that are used. */
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

/* Loads libcurl at the first call, which only one thread of a process may make. 0 and *ret_curl, or a
 * negative errno with *error. */
int fb_curl_load(const struct fb_curl **ret_curl, struct fb_error *error);

/* bytes, size and error are those of the last transfer. */
struct fb_transfer {
    const struct fb_curl *curl;
    CURL *easy;
    unsigned char *bytes;
    size_t size, room;
    int error; /* -ENOMEM: the document did not fit into memory */
    /* NULL, or its request to stop ends a transfer within a second. */
    struct fb_yield *yield;
};

/* 0 or a negative errno; in both cases call fb_transfer_clear afterwards. */
int fb_transfer_init(struct fb_transfer *transfer);
void fb_transfer_clear(struct fb_transfer *transfer);

/* Prepares a transfer of url, which is copied; easy_perform or multi_add_handle on `easy` starts it. */
void fb_transfer_aim(struct fb_transfer *transfer, const char *url);

/* The status of a finished transfer, whose result is `code`: 0, or -ECONNREFUSED no connection, -ETIMEDOUT,
 * -EINVAL not an address, -ENOENT no such document, -ENOMEM, -ECANCELED stopped on request, -EPROTO any other
 * failure. */
int32_t fb_transfer_status(const struct fb_transfer *transfer, CURLcode code);

#endif
