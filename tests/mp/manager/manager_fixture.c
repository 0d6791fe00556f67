#include "tests/mp/manager/manager_fixture.h"

#include "harness/mp/manager/manager_internal.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TEXT 1000

struct fb_mp_manager *manager;
struct fb_mp_object value;

/* ---- values as text, as Python writes them ---- */

static void write_value(FILE *file, const struct fb_mp_object *object)
{
    bool list = object->type == FB_MP_LIST;
    size_t parts = fb_mp_object_parts(object);
    switch (object->type) {
    case FB_MP_NIL:
        fputs("None", file);
        break;
    case FB_MP_BOOL:
        fputs(object->boolean ? "True" : "False", file);
        break;
    case FB_MP_INTEGER:
        fprintf(file, "%lld", (long long)object->integer);
        break;
    case FB_MP_DOUBLE:
        fprintf(file, "%.3f", object->real);
        break;
    case FB_MP_STRING:
    case FB_MP_BYTES:
        fprintf(file, "%s'%s'", object->type == FB_MP_BYTES ? "b" : "", object->bytes);
        break;
    default:
        fputc(list ? '[' : '{', file);
        for (size_t i = 0; i < parts; i++) {
            write_value(file, &object->items[i]);
            fputs(i + 1 == parts ? "" : list || i % 2 ? ", " : ": ", file);
        }
        fputc(list ? ']' : '}', file);
    }
}

void managed_is(int result, int line, const char *expected)
{
    char text[TEXT] = "";
    FILE *file = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(file);
    write_value(file, &value);
    fclose(file);
    fb_mp_object_free(&value);
    if (result != 0 || strcmp(text, expected) != 0)
        fail_msg("line %d: %d and %s instead of %s", line, result, text, expected);
}

void managed_fails(int result, int line, int code)
{
    if (result != code || value.type != FB_MP_NIL)
        fail_msg("line %d: %d instead of %d", line, result, code);
}

/* ---- the server ---- */

int managed_begin(void **state)
{
    struct fb_error error;
    return fb_mp_manager_start(*(const enum fb_mp_method *)*state, &manager, &error);
}

int managed_finish(void **state)
{
    (void)state;
    fb_mp_manager_close(manager);
    return 0;
}

int managed_connect(void)
{
    struct fb_mp_manager_address address;
    struct sockaddr_un name;
    fb_mp_manager_address(manager, &address);
    socklen_t size = manager_socket_address(&address, &name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&name, size) == 0)
        return fd;
    close(fd);
    return -1;
}

pid_t managed_server(void)
{
    pid_t pid = 0;
    int fd = managed_connect();
    assert_true(fd >= 0 && manager_peer_is_ours(fd, &pid));
    close(fd);
    return pid;
}

/* ---- waiting threads ---- */

static void *run(void *context)
{
    struct waiter *waiter = context;
    atomic_store(&waiter->tid, (uint32_t)gettid());
    waiter->result = waiter->call(waiter->number);
    return NULL;
}

static bool is_receiving(uint32_t tid)
{
    char path[64];
    long call = -1;
    snprintf(path, sizeof path, "/proc/self/task/%u/syscall", tid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool found = fscanf(file, "%ld", &call) == 1;
    fclose(file);
    return found && call == SYS_recvfrom;
}

void waiter_begin(struct waiter *waiter)
{
    assert_int_equal(pthread_create(&waiter->thread, NULL, run, waiter), 0);
    assert_true(wait_for(&waiter->tid, 1));
}

/* Twice, because the thread may first wait for its connection to be accepted. After a later call has
 * been answered, the server receives the thread's call in its next round at the latest. */
void waiter_settle(struct waiter *waiter)
{
    struct fb_mp_proxy *other;
    for (int i = 0; i < 2; i++) {
        for (uint64_t limit = clock_ms() + LIMIT_MS; !is_receiving(waiter->tid); sched_yield())
            if (clock_ms() > limit)
                fail_msg("thread %u does not wait", (unsigned)waiter->tid);
        DONE(fb_mp_list_make(manager, &other));
        DONE(fb_mp_list_clear(other));
        fb_mp_proxy_close(other);
    }
}

int waiter_end(struct waiter *waiter)
{
    assert_int_equal(pthread_join(waiter->thread, NULL), 0);
    return waiter->result;
}
