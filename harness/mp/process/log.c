#include "harness/mp/process/log.h"

#include "harness/mp/core/self.h"
#include "harness/mp/process/date.h"

#include "base/error.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MOST 3900   /* together with the head less than PIPE_BUF */
#define POLL_NS 20000000 /* between two looks for a debugger */

static const char *const names[] = { "DEBUG", "INFO", "WARNING", "ERROR" };

static int log_fd = STDERR_FILENO;
static int log_level = FB_MP_LOG_OFF;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_environment(void)
{
    const char *wanted = getenv("FB_MP_LOG");
    for (int level = FB_MP_LOG_DEBUG; wanted && level < FB_MP_LOG_OFF; level++)
        if (strcasecmp(wanted, names[level]) == 0)
            __atomic_store_n(&log_level, level, __ATOMIC_RELEASE);
}

void fb_mp_log_to(int fd, enum fb_mp_log_level level)
{
    pthread_once(&once, read_environment); /* first, so that it can't override this later */
    __atomic_store_n(&log_fd, fd, __ATOMIC_RELAXED);
    __atomic_store_n(&log_level, (int)level, __ATOMIC_RELEASE);
}

/* Writes the part before the text; returns its length. */
static size_t write_head(char *line, size_t size, enum fb_mp_log_level level)
{
    struct timespec now;
    int date[3];
    clock_gettime(CLOCK_REALTIME, &now);
    fb_mp_find_date(now.tv_sec / 86400, date);
    int second = (int)(now.tv_sec % 86400);
    int length = snprintf(line, size, "%04d-%02d-%02d %02d:%02d:%02d.%03ldZ %-7s %s[%d] ", date[0],
                          date[1], date[2], second / 3600, second / 60 % 60, second % 60,
                          now.tv_nsec / 1000000, names[level], fb_mp_self_name(), (int)getpid());
    return length < (int)size ? (size_t)length : size - 1;
}

/* In one call, and without SIGPIPE if the pipe has no reader. */
static void write_line(const char *line, size_t length)
{
    sigset_t broken, before, pending;
    const struct timespec none = { 0 };
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &broken, &before);
    ssize_t wrote;
    do
        wrote = write(fb_mp_log_descriptor(), line, length);
    while (wrote < 0 && errno == EINTR);
    if (wrote < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&broken, NULL, &none);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void fb_mp_log(enum fb_mp_log_level level, const char *format, ...)
{
    pthread_once(&once, read_environment);
    if ((int)level < __atomic_load_n(&log_level, __ATOMIC_ACQUIRE) || level >= FB_MP_LOG_OFF)
        return;
    int code = errno;
    char line[TEXT_MOST + FB_MP_NAME + 65];
    size_t head = write_head(line, sizeof line - TEXT_MOST - 1, level);
    va_list list;
    va_start(list, format);
    vsnprintf(line + head, TEXT_MOST + 1, format, list);
    va_end(list);
    fb_text_tidy(line);
    size_t length = strlen(line);
    line[length++] = '\n';
    write_line(line, length);
    errno = code;
}

int fb_mp_log_descriptor(void)
{
    return __atomic_load_n(&log_fd, __ATOMIC_RELAXED);
}

/* ---- waiting for a debugger ---- */

static bool is_traced(void)
{
    char line[256];
    int tracer = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            break;
    if (file)
        fclose(file);
    return tracer != 0;
}

void fb_mp_debug_wait(void)
{
    const struct timespec pause = { .tv_nsec = POLL_NS };
    const char *wanted = getenv("FB_DEBUG_WAIT");
    if (!wanted || (strcmp(wanted, "*") != 0 && strcmp(wanted, fb_mp_self_name()) != 0))
        return;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* the debugger needn't be an ancestor */
    fprintf(stderr, "%s[%d] waits for a debugger: gdb -p %d\n", fb_mp_self_name(), (int)getpid(),
            (int)getpid());
    while (!is_traced())
        nanosleep(&pause, NULL);
}
