/* What is between the files of the manager. */
#ifndef FB_MP_MANAGER_INTERNAL_H
#define FB_MP_MANAGER_INTERNAL_H

#include "harness/mp/manager/manager.h"
#include "harness/mp/manager/wire.h"

#include <sys/socket.h>
#include <sys/un.h>

/* The abstract address of that name: its length. */
socklen_t manager_socket_address(const struct fb_mp_manager_address *address,
                                 struct sockaddr_un *ret_address);

/* Whether the process at the other end is the same user's; ret_pid: its number. */
bool manager_peer_is_ours(int fd, pid_t *ret_pid);

/* A process's connections to a server. */
struct manager_link {
    struct fb_mp_manager_address address;
    pid_t pid; /* whose the idle connections are */
    int *idle;
    size_t idles, room;
};

/* Makes sure that there is such a server, which is this user's. The address is set. 0, -EPIPE or
 * -EACCES, or another negative errno. */
int manager_link_open(struct manager_link *link);
void manager_link_close(struct manager_link *link);

/* One request and its answer, on a connection that nobody else uses meanwhile. Returns what the
 * server said or what went wrong; *ret_value is the caller's on 0. */
int manager_link_exchange(struct manager_link *link, const struct wire_request *request,
                          struct fb_mp_object *ret_value);

/* A call of a proxy: request's op, timeout and arguments. ret_value may be
 * NULL. */
int manager_call(struct fb_mp_proxy *proxy, const struct wire_request *request,
                 struct fb_mp_object *ret_value);

/* An object of that kind; first: what it begins with. */
int manager_make(struct fb_mp_manager *manager, enum wire_kind kind, struct fb_mp_object first,
                 struct fb_mp_proxy **ret_proxy);

/* The server's process: its argument is the key, its descriptor a listening socket. */
int manager_serve(const void *argument, size_t size);

#endif
