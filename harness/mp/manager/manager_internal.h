/* Declarations shared by the files of the manager. */
#ifndef FB_MP_MANAGER_INTERNAL_H
#define FB_MP_MANAGER_INTERNAL_H

#include "harness/mp/manager/manager.h"
#include "harness/mp/manager/wire.h"

#include <sys/socket.h>
#include <sys/un.h>

/* Makes the abstract socket address of a manager. Returns its length. */
socklen_t manager_socket_address(const struct fb_mp_manager_address *address,
                                 struct sockaddr_un *ret_address);

/* Whether the peer process has the same user; *ret_pid: its process id. */
bool manager_peer_is_ours(int fd, pid_t *ret_pid);

/* A process's connections to a server. */
struct manager_link {
    struct fb_mp_manager_address address;
    pid_t pid; /* the process that opened the idle connections */
    int *idle; /* connections that no call is using */
    size_t idles, room;
};

/* Opens a first connection to the server at link->address. 0; -EPIPE: there is no server; -EACCES:
 * it belongs to another user, or the key is wrong; or another negative errno. */
int manager_link_open(struct manager_link *link);
void manager_link_close(struct manager_link *link);

/* Sends a request and receives its answer, on a connection that no other call uses meanwhile.
 * Returns the server's result or an error of the transfer; on 0 the caller frees *ret_value. */
int manager_link_exchange(struct manager_link *link, const struct wire_request *request,
                          struct fb_mp_object *ret_value);

/* Calls a proxy's object: op, timeout and arguments are those of request. ret_value may be NULL. */
int manager_call(struct fb_mp_proxy *proxy, const struct wire_request *request,
                 struct fb_mp_object *ret_value);

/* Makes an object of that kind and a proxy for it; first: a value's first value, a queue's capacity. */
int manager_make(struct fb_mp_manager *manager, enum wire_kind kind, struct fb_mp_object first,
                 struct fb_mp_proxy **ret_proxy);

/* The server process. Its argument is a struct fb_mp_manager_address, its descriptor 0 a pipe: the
 * server writes a byte to it when it listens. */
int manager_serve(const void *argument, size_t size);

#endif
