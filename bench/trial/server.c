#include "bench/trial/server.h"

#include "base/library.h"
#include "kernels/waiting/served.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

bool fb_server_is_needed(const struct fb_kernel *kernel, const struct fb_params *params)
{
    return kernel->served_param && !*fb_params_text(params, kernel->served_param);
}

void fb_server_end(struct fb_server *server)
{
    if (server->child.pid > 0)
        fb_child_end(&server->child, 0);
    *server = (struct fb_server){ 0 };
}

#ifdef FB_MICROHTTPD

#include <microhttpd.h>

#define CONNECTIONS_MOST 4096u
#define NUMBER_MOST ((uint64_t)1 << 32)
#define STACK_BYTES ((size_t)128 * 1024)

static struct {
    FB_SYMBOL_POINTER(MHD_, start_daemon);
    FB_SYMBOL_POINTER(MHD_, get_daemon_info);
    FB_SYMBOL_POINTER(MHD_, create_response_from_buffer);
    FB_SYMBOL_POINTER(MHD_, queue_response);
    FB_SYMBOL_POINTER(MHD_, destroy_response);
} mhd;

static const struct fb_symbol symbols[] = {
    FB_SYMBOL(mhd, MHD_, start_daemon),
    FB_SYMBOL(mhd, MHD_, get_daemon_info),
    FB_SYMBOL(mhd, MHD_, create_response_from_buffer),
    FB_SYMBOL(mhd, MHD_, queue_response),
    FB_SYMBOL(mhd, MHD_, destroy_response),
};

/* Parses a decimal number up to most at *text that is followed by `end`, and moves *text behind
 * both. */
static bool take_number(const char **text, uint64_t most, char end, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *digit = *text;
    for (; *digit >= '0' && *digit <= '9' && number <= most; digit++)
        number = 10 * number + (uint64_t)(*digit - '0');
    bool good = digit > *text && *digit == end && number <= most;
    *ret_number = number;
    *text = digit + 1;
    return good;
}

/* Runs on the connection's own thread, so that the latency of one request delays no other. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    (void)context, (void)version, (void)upload, (void)upload_size, (void)state;
    uint64_t size, latency_us, number;
    const char *rest = url + 1;
    unsigned char *bytes = NULL;
    unsigned code = MHD_HTTP_NOT_FOUND;
    bool good = strcmp(method, "GET") == 0 && url[0] == '/' &&
                take_number(&rest, FB_SERVED_BYTES_MOST, '/', &size) &&
                take_number(&rest, FB_SERVED_LATENCY_MOST_US, '/', &latency_us) &&
                take_number(&rest, NUMBER_MOST, '\0', &number);
    if (good) {
        const struct timespec latency = { .tv_sec = (time_t)(latency_us / 1000000),
                                          .tv_nsec = (long)(latency_us % 1000000 * 1000) };
        clock_nanosleep(CLOCK_MONOTONIC, 0, &latency, NULL);
        bytes = malloc(size + 1);
        code = bytes ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    if (bytes)
        fb_served_fill(number, size, bytes);
    struct MHD_Response *response =
        mhd.create_response_from_buffer(bytes ? size : 0, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(bytes);
        return MHD_NO;
    }
    enum MHD_Result result = mhd.queue_response(connection, code, response);
    mhd.destroy_response(response);
    return result;
}

/* The server's process: writes its port to port_fd, then serves until it is killed. */
static _Noreturn void serve(int port_fd)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* each connection needs one */
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    const struct sockaddr_in loopback = { .sin_family = AF_INET,
                                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct MHD_Daemon *daemon = mhd.start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&loopback,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MOST, MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES,
        MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon ? mhd.get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info || write(port_fd, &info->port, sizeof info->port) != sizeof info->port)
        _exit(1);
    close(port_fd);
    for (;;)
        pause();
}

int fb_server_start(struct fb_server *server, struct fb_error *error)
{
    int ends[2];
    *server = (struct fb_server){ 0 };
    int loaded =
        fb_library_load("libmicrohttpd.so.12", symbols, sizeof symbols / sizeof *symbols, error);
    if (loaded < 0)
        return loaded;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fb_error_set(error, -errno, "can't start a server: pipe: %s", strerror(errno));
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        fb_child_tie(parent);
        signal(SIGINT, SIG_IGN); /* on Ctrl-C the parent ends, and ends the server */
        close(ends[0]);
        serve(ends[1]);
    }
    int code = errno;
    uint16_t port = 0;
    close(ends[1]);
    if (pid > 0)
        fb_child_watch(&server->child, pid);
    ssize_t got = -1;
    while (pid > 0 && (got = read(ends[0], &port, sizeof port)) < 0 && errno == EINTR)
        ;
    close(ends[0]);
    if (pid < 0)
        return fb_error_set(error, -code, "can't start a server: fork: %s", strerror(code));
    if (got != sizeof port) {
        fb_server_end(server);
        return fb_error_set(error, -EADDRNOTAVAIL,
                            "can't start a server on 127.0.0.1: is there no loopback interface?");
    }
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", port);
    return 0;
}

#else

int fb_server_start(struct fb_server *server, struct fb_error *error)
{
    *server = (struct fb_server){ 0 };
    return fb_error_set(error, -ENOPKG,
                        "no server to download from: forkbench was built without libmicrohttpd: "
                        "run scripts/setup and build again, or give url=");
}

#endif
