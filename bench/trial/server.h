/* An HTTP server for kernels that download: a process of its own on the loopback interface, which
 * serves the documents of kernels/waiting/served.h. */
#ifndef FB_SERVER_H
#define FB_SERVER_H

#include "base/child.h"
#include "kernels/kernel.h"

struct fb_server {
    struct fb_child child;
    char url[64]; /* "http://127.0.0.1:PORT"; "": not started */
};

/* Starts the server, which ends at the latest when this process ends. 0 (end with fb_server_end),
 * or a negative errno with *error: -ENOPKG forkbench was built without libmicrohttpd. */
int fb_server_start(struct fb_server *server, struct fb_error *error);

/* Ends the server. A zeroed one is accepted. */
void fb_server_end(struct fb_server *server);

/* Whether the kernel needs a server: its parameters name no other one. */
bool fb_server_is_needed(const struct fb_kernel *kernel, const struct fb_params *params);

#endif
