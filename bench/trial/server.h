/* The server that work which downloads needs: a process of its own on this machine's loopback, which
 * gives what kernels/waiting/served.h says. */
#ifndef FB_SERVER_H
#define FB_SERVER_H

#include "base/child.h"
#include "kernels/kernel.h"

struct fb_server {
    struct fb_child child;
    char url[64]; /* "http://127.0.0.1:PORT"; "": there is none */
};

/* Starts it. It ends with this process, however that ends. 0, to be ended with fb_server_end, or a
 * negative errno with *error: -ENOPKG forkbench was built without libmicrohttpd. */
int fb_server_start(struct fb_server *server, struct fb_error *error);

/* Ends it; all zero is accepted. */
void fb_server_end(struct fb_server *server);

/* Whether kernel needs one with these parameters. */
bool fb_server_is_needed(const struct fb_kernel *kernel, const struct fb_params *params);

#endif
