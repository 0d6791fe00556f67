#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"

#include "tests/support/fork_child.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/channel/tracker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

/* ---- the calls ---- */

static struct {
    _Atomic pid_t pid; /* the process whose calls fail; 0: none */
    _Atomic long left; /* the failing call is the left-th from now */
    bool lasting;
    unsigned variant;
    const char *_Atomic name;
    _Atomic int code;
    _Atomic uint64_t codes[4]; /* a bit for each errno that was injected */
} armed;

const char *injected_only;
_Atomic uint32_t *injected_count;

void injected_arm(unsigned n, bool lasting, unsigned variant)
{
    armed.lasting = lasting;
    armed.variant = variant;
    armed.name = NULL;
    for (int i = 0; i < 4; i++)
        armed.codes[i] = 0;
    armed.left = n;
    armed.pid = getpid();
}

bool injected_disarm(const char **ret_name, int *ret_code)
{
    armed.pid = 0;
    *ret_name = armed.name;
    *ret_code = armed.code;
    return armed.name != NULL;
}

int injected_failure(const char *name, int first, int second)
{
    if (atomic_load(&armed.pid) == 0 || armed.pid != getpid() ||
        (injected_only && strcmp(injected_only, name) != 0))
        return 0;
    long left = atomic_fetch_sub(&armed.left, 1);
    if (left > 1 || (left < 1 && !armed.lasting))
        return 0;
    int code = armed.variant ? second : first;
    if (injected_count)
        atomic_fetch_add(injected_count, 1);
    atomic_fetch_or(&armed.codes[code / 64], 1ull << code % 64);
    if (left == 1) {
        armed.code = code;
        armed.name = name;
    }
    return code;
}

/* Wraps a function that returns `bad` and sets errno. */
#define WRAP(type, bad, first, second, name, parameters, arguments)                                \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        int code = injected_failure(#name, first, second);                                         \
        if (code == 0)                                                                             \
            return __real_##name arguments;                                                        \
        errno = code;                                                                              \
        return bad;                                                                                \
    }

/* Wraps a function that returns an errno. */
#define WRAP_CODE(first, second, name, parameters, arguments)                                      \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        int code = injected_failure(#name, first, second);                                         \
        return code ? code : __real_##name arguments;                                              \
    }

WRAP(pid_t, -1, EAGAIN, ENOMEM, fork, (void), ())
WRAP(void *, MAP_FAILED, ENOMEM, ENOMEM, mmap64,
     (void *at, size_t size, int access, int flags, int fd, off_t offset),
     (at, size, access, flags, fd, offset))
WRAP(int, -1, EMFILE, ENOMEM, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(int, -1, ENOSPC, ENOMEM, fallocate64, (int fd, int mode, off_t offset, off_t size),
     (fd, mode, offset, size))
WRAP(int, -1, ENOSPC, ENOMEM, ftruncate64, (int fd, off_t size), (fd, size))
WRAP(int, -1, EMFILE, ENOBUFS, socket, (int domain, int type, int protocol),
     (domain, type, protocol))
WRAP(int, -1, EMFILE, ENOMEM, socketpair, (int domain, int type, int protocol, int fd[2]),
     (domain, type, protocol, fd))
WRAP(int, -1, EMFILE, ENFILE, eventfd, (unsigned value, int flags), (value, flags))
WRAP(int, -1, EMFILE, ENFILE, signalfd, (int fd, const sigset_t *mask, int flags),
     (fd, mask, flags))
WRAP(int, -1, EMFILE, ENFILE, pipe2, (int fd[2], int flags), (fd, flags))
WRAP(int, -1, EAGAIN, ENOMEM, connect, (int fd, const struct sockaddr *address, socklen_t size),
     (fd, address, size))
WRAP(int, -1, ENOMEM, ENOMEM, bind, (int fd, const struct sockaddr *address, socklen_t size),
     (fd, address, size))
WRAP(ssize_t, -1, ENOBUFS, ENOMEM, sendmsg, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags))
WRAP(ssize_t, -1, ENOBUFS, ENOMEM, send, (int fd, const void *bytes, size_t size, int flags),
     (fd, bytes, size, flags))
WRAP(ssize_t, -1, ENOSPC, ENOMEM, write, (int fd, const void *bytes, size_t size),
     (fd, bytes, size))
WRAP(int, -1, ENOLCK, ENOLCK, flock, (int fd, int operation), (fd, operation))
WRAP(int, -1, ENOSPC, ENOMEM, linkat, (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags))
WRAP(void *, NULL, ENOMEM, ENOMEM, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, NULL, ENOMEM, ENOMEM, malloc, (size_t size), (size))
WRAP(void *, NULL, ENOMEM, ENOMEM, realloc, (void *memory, size_t size), (memory, size))
WRAP(void *, NULL, ENOMEM, ENOMEM, reallocarray, (void *memory, size_t count, size_t size),
     (memory, count, size))
WRAP_CODE(EAGAIN, EAGAIN, pthread_create,
          (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *),
           void *context),
          (thread, attributes, run, context))
WRAP_CODE(EAGAIN, ENOMEM, pthread_key_create, (pthread_key_t * key, void (*end)(void *)),
          (key, end))
WRAP_CODE(EAGAIN, ENOMEM, posix_spawn,
          (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
           const posix_spawnattr_t *attributes, char *const arguments[], char *const variables[]),
          (pid, path, actions, attributes, arguments, variables))
WRAP_CODE(ENOMEM, ENOMEM, posix_spawn_file_actions_adddup2,
          (posix_spawn_file_actions_t * actions, int fd, int to), (actions, fd, to))
WRAP_CODE(ENOMEM, ENOMEM, posix_spawn_file_actions_addclosefrom_np,
          (posix_spawn_file_actions_t * actions, int fd), (actions, fd))
WRAP_CODE(ENOMEM, ENOMEM, atexit, (void (*run)(void)), (run))

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode)
{
    int code = injected_failure("open", EMFILE, ENFILE);
    if (code == 0)
        return __real_open64(path, flags, mode);
    errno = code;
    return -1;
}

/* Only F_DUPFD_CLOEXEC, which needs a descriptor. */
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, long argument);
int __wrap_fcntl64(int fd, int command, long argument)
{
    int code = command == F_DUPFD_CLOEXEC ? injected_failure("fcntl", EMFILE, EMFILE) : 0;
    if (code == 0)
        return __real_fcntl64(fd, command, argument);
    errno = code;
    return -1;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    int code = number == SYS_pidfd_open ? injected_failure("pidfd_open", EMFILE, ENOMEM) : 0;
    if (code == 0)
        return __real_syscall(number, a, b, c, d, e, f);
    errno = code;
    return -1;
}

int injected_thread(pthread_t *thread, void *(*run)(void *context), void *context)
{
    return __real_pthread_create(thread, NULL, run, context);
}

/* ---- leaks ---- */

struct resources {
    unsigned descriptors, segments;
    bool has_heap, has_child;
    size_t used;
};

static unsigned count_segments(void)
{
    unsigned count = 0;
    DIR *folder = opendir(FB_MP_TRACKER_FOLDER);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += strncmp(entry->d_name, FB_MP_TRACKER_PREFIX, strlen(FB_MP_TRACKER_PREFIX)) == 0;
    if (folder)
        closedir(folder);
    return count;
}

static unsigned count_mappings(void)
{
    char line[512];
    unsigned count = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    while (file && fgets(line, sizeof line, file))
        count++;
    if (file)
        fclose(file);
    return count;
}

static struct resources count_resources(void)
{
    siginfo_t child;
    struct resources found = { .descriptors = descriptors_open(),
                               .segments = count_segments(),
                               .has_heap = fb_mp_heap_place().fd >= 0,
                               .used = fb_mp_heap_used() };
    found.has_child = waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0;
    found.descriptors -= found.has_heap; /* the heap's descriptor stays if act created the heap */
    return found;
}

/* ---- one process of an operation ---- */

enum { FAILED = 40, SUCCEEDED, NOT_REACHED }; /* exit codes */
#define AGAIN 8                               /* repetitions, to detect leaks that grow */

static struct {
    const struct operation *operation;
    unsigned n, variant;
    bool lasting;
    const char *name;
    int code;
} trial;

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, "%s, call %u (%s)%s: ", trial.operation->name, trial.n,                    \
                trial.name ? trial.name : "none", trial.lasting ? ", lasting" : "");               \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fputc('\n', stderr);                                                                       \
        return 1;                                                                                  \
    } while (0)

static bool is_expected(int result)
{
    bool expected = result > -256 && (armed.codes[-result / 64] >> -result % 64 & 1);
    for (size_t i = 0; i < sizeof trial.operation->also / sizeof(int); i++)
        expected |= result < 0 && result == trial.operation->also[i];
    return expected;
}

static int attempt(bool *ret_reached)
{
    injected_arm(trial.n, trial.lasting, trial.variant);
    int result = trial.operation->act();
    *ret_reached = injected_disarm(&trial.name, &trial.code);
    return result;
}

static int compare(const struct resources *before)
{
    struct resources now = count_resources();
    if (now.descriptors > before->descriptors)
        FAIL("%u descriptors are open, %u before", now.descriptors, before->descriptors);
    if (now.segments != before->segments)
        FAIL("%u segments exist, %u before", now.segments, before->segments);
    if (now.has_child && !before->has_child)
        FAIL("a child is left");
    if (now.used != before->used)
        FAIL("%zu bytes of the heap are used, %zu before", now.used, before->used);
    return 0;
}

/* Checks that repeated failures don't leak mappings or descriptors. */
static int repeat(void)
{
    bool reached;
    unsigned maps = count_mappings(), descriptors = count_resources().descriptors;
    for (int i = 0; i < AGAIN; i++)
        if (attempt(&reached) == 0)
            trial.operation->undo();
    if (count_mappings() > maps + AGAIN / 2)
        FAIL("%u mappings after %d failures, %u before", count_mappings(), AGAIN, maps);
    if (count_resources().descriptors > descriptors + AGAIN / 2)
        FAIL("descriptors stay open");
    return 0;
}

static int try_operation(const struct resources *before, bool *ret_succeeded)
{
    bool reached;
    int result = attempt(&reached);
    *ret_succeeded = result == 0;
    if (!reached) {
        if (result < 0)
            FAIL("failed by itself: %s", strerror(-result));
        trial.operation->undo();
        return NOT_REACHED;
    }
    if (result == 0 && !trial.operation->may_succeed)
        FAIL("the operation succeeded");
    if (result < 0 && !is_expected(result))
        FAIL("it returned %s instead of %s", strerrorname_np(-result), strerrorname_np(trial.code));
    if (result == 0)
        trial.operation->undo();
    else if (compare(before) != 0)
        return 1;
    if ((result = trial.operation->act()) != 0)
        FAIL("afterwards it failed: %s", strerror(-result));
    trial.operation->undo();
    return repeat();
}

static int run_trial(void *context)
{
    (void)context;
    bool succeeded = false;
    alarm(LIMIT_MS / 1000);
    struct resources first = count_resources();
    if (trial.operation->prepare)
        trial.operation->prepare();
    struct resources before = count_resources();
    int result = try_operation(&before, &succeeded);
    if (trial.operation->finish)
        trial.operation->finish();
    if (result != 1 && count_resources().has_child)
        FAIL("a child is left at the end");
    if (result != 1 && count_resources().used != first.used)
        FAIL("%zu bytes of the heap are used at the end", count_resources().used);
#ifdef __SANITIZE_ADDRESS__
    if (result != 1 && __lsan_do_recoverable_leak_check() != 0)
        FAIL("memory was lost");
#endif
    return result != 0 ? result : succeeded ? SUCCEEDED : FAILED;
}

bool injected_check(const struct operation *operation)
{
    unsigned failed = 0, succeeded = 0, wrong = 0;
    for (unsigned way = 0; way < 4; way++)
        for (unsigned n = 1, code = 0; code != NOT_REACHED && n < 200; n++) {
            trial.operation = operation;
            trial.n = n;
            trial.lasting = way & 1;
            trial.variant = way >> 1;
            code = (unsigned)forked_end(forked_run(run_trial, NULL));
            if ((int)code == -SIGALRM)
                print_error("%s: hangs when call %u fails\n", operation->name, n);
            failed += code == FAILED;
            succeeded += code == SUCCEEDED;
            wrong += code != FAILED && code != SUCCEEDED && code != NOT_REACHED;
        }
    print_message("%s: %u calls failed, and the operation with %u of them\n", operation->name,
                  failed + succeeded, failed);
    if (wrong)
        print_error("%s: %u trials failed\n", operation->name, wrong);
    return wrong == 0 && failed + succeeded > 0;
}
