#include "harness/mp/manager/manager_internal.h"
#include "harness/mp/channel/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct fb_mp_manager {
    struct manager_link link;
    struct fb_mp_process *server; /* the process, if the owner started it, or NULL */
    pid_t owner;                  /* the process that made this struct */
};

struct fb_mp_proxy {
    struct fb_mp_manager *manager;
    uint64_t id;
    _Atomic pid_t pid; /* the process that the server counts it for */
};

/* If the process inherited the proxy by a fork, makes the server count its reference, too. */
static int register_proxy(struct fb_mp_proxy *proxy)
{
    pid_t counted = atomic_load(&proxy->pid), self = getpid();
    if (counted == self || !atomic_compare_exchange_strong(&proxy->pid, &counted, self))
        return 0;
    const struct wire_request request = { .op = WIRE_REFER, .id = proxy->id };
    struct fb_mp_object nothing = fb_mp_nil();
    int result = manager_link_exchange(&proxy->manager->link, &request, &nothing);
    fb_mp_object_free(&nothing);
    if (result < 0)
        atomic_store(&proxy->pid, counted);
    return result;
}

int manager_call(struct fb_mp_proxy *proxy, const struct wire_request *request,
                 struct fb_mp_object *ret_value)
{
    struct fb_mp_object value = fb_mp_nil();
    int result = register_proxy(proxy);
    if (result < 0)
        return result;
    struct wire_request whole = *request;
    whole.id = proxy->id;
    whole.thread = gettid();
    result = manager_link_exchange(&proxy->manager->link, &whole, &value);
    if (result == 0 && ret_value)
        *ret_value = value;
    else
        fb_mp_object_free(&value);
    return result;
}

/* ---- proxies ---- */

static int make_proxy(struct fb_mp_manager *manager, uint64_t id, pid_t pid,
                      struct fb_mp_proxy **ret_proxy)
{
    struct fb_mp_proxy *proxy = calloc(1, sizeof *proxy);
    if (!proxy)
        return -ENOMEM;
    proxy->manager = manager;
    proxy->id = id;
    atomic_init(&proxy->pid, pid);
    *ret_proxy = proxy;
    return 0;
}

int manager_make(struct fb_mp_manager *manager, enum wire_kind kind, struct fb_mp_object first,
                 struct fb_mp_proxy **ret_proxy)
{
    const struct wire_request request = { .op = WIRE_MAKE,
                                          .argument = { fb_mp_integer(kind), first },
                                          .arguments = 2 };
    struct fb_mp_object id = fb_mp_nil();
    struct fb_mp_proxy *proxy;
    int result = make_proxy(manager, 0, getpid(), &proxy);
    if (result < 0)
        return result;
    result = manager_link_exchange(&manager->link, &request, &id);
    if (result == 0 && id.type != FB_MP_INTEGER)
        result = -EPROTO;
    if (result == 0) {
        proxy->id = (uint64_t)id.integer;
        *ret_proxy = proxy;
    } else
        free(proxy);
    fb_mp_object_free(&id);
    return result;
}

uint64_t fb_mp_proxy_number(const struct fb_mp_proxy *proxy)
{
    return proxy->id;
}

int fb_mp_proxy_open(struct fb_mp_manager *manager, uint64_t number, struct fb_mp_proxy **ret_proxy)
{
    struct fb_mp_proxy *proxy;
    int result = make_proxy(manager, number, 0, &proxy);
    if (result < 0)
        return result;
    result = register_proxy(proxy);
    if (result < 0)
        free(proxy);
    else
        *ret_proxy = proxy;
    return result;
}

void fb_mp_proxy_close(struct fb_mp_proxy *proxy)
{
    if (!proxy)
        return;
    const struct wire_request request = { .op = WIRE_UNREFER, .id = proxy->id };
    struct fb_mp_object nothing = fb_mp_nil();
    if (atomic_load(&proxy->pid) == getpid())
        manager_link_exchange(&proxy->manager->link, &request, &nothing);
    fb_mp_object_free(&nothing);
    free(proxy);
}

/* ---- managers ---- */

void fb_mp_manager_address(const struct fb_mp_manager *manager,
                           struct fb_mp_manager_address *ret_address)
{
    *ret_address = manager->link.address;
}

int fb_mp_manager_connect(const struct fb_mp_manager_address *address,
                          struct fb_mp_manager **ret_manager)
{
    struct fb_mp_manager *manager = calloc(1, sizeof *manager);
    if (!manager)
        return -ENOMEM;
    manager->link.address = *address;
    manager->owner = getpid();
    int result = manager_link_open(&manager->link);
    if (result < 0)
        free(manager);
    else
        *ret_manager = manager;
    return result;
}

static void end_server(struct fb_mp_manager *manager)
{
    fb_mp_process_kill(manager->server);
    fb_mp_process_join(manager->server, FB_MP_FOREVER);
    fb_mp_process_close(manager->server);
}

static int make_address(struct fb_mp_manager_address *ret_address)
{
    uint64_t number[2];
    if (getrandom(number, sizeof number, 0) < 0 ||
        getrandom(ret_address->key, sizeof ret_address->key, 0) < 0)
        return -errno;
    snprintf(ret_address->name, sizeof ret_address->name, "fb-mp-%016llx%016llx",
             (unsigned long long)number[0], (unsigned long long)number[1]);
    return 0;
}

/* Starts the server and waits until it reports, through a pipe, that it listens. */
static int start_server(struct fb_mp_manager *manager, enum fb_mp_method method,
                        struct fb_error *error)
{
    int pipe[2], result = make_address(&manager->link.address);
    if (result < 0 || (result = pipe2(pipe, O_CLOEXEC) < 0 ? -errno : 0) < 0)
        return fb_error_set(error, result, "can't start a manager: %s", strerror(-result));
    const struct fb_mp_process_options options = { .run = manager_serve,
                                                   .argument = &manager->link.address,
                                                   .size = sizeof manager->link.address,
                                                   .fd = &pipe[1],
                                                   .fds = 1,
                                                   .name = "Manager",
                                                   .method = method,
                                                   .daemon = true };
    result = fb_mp_process_start(&options, &manager->server, error);
    close(pipe[1]);
    if (result == 0) {
        const int fd[] = { pipe[0], fb_mp_process_sentinel(manager->server) };
        bool ready[2];
        char byte;
        result = fb_mp_wait(fd, 2, FB_MP_FOREVER, ready);
        if (result > 0)
            result = ready[0] && read(pipe[0], &byte, 1) == 1 ? 0 : -ECONNREFUSED;
        if (result < 0) {
            end_server(manager);
            fb_error_set(error, result, "can't start a manager: its server can't listen");
        }
    }
    close(pipe[0]);
    return result;
}

int fb_mp_manager_start(enum fb_mp_method method, struct fb_mp_manager **ret_manager,
                        struct fb_error *error)
{
    struct fb_mp_manager *manager = calloc(1, sizeof *manager);
    if (!manager)
        return fb_error_set(error, -ENOMEM, "out of memory");
    manager->owner = getpid();
    int result = start_server(manager, method, error);
    if (result < 0)
        free(manager);
    else
        *ret_manager = manager;
    return result;
}

void fb_mp_manager_close(struct fb_mp_manager *manager)
{
    if (!manager)
        return;
    manager_link_close(&manager->link);
    if (manager->server && manager->owner == getpid())
        end_server(manager);
    free(manager);
}
