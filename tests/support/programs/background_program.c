#include "tests/support/support.h"

#include "tests/support/programs/background_program.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "FORKBENCH_TEST_MARK"
#define PROCESSES_MOST 64

/* ---- marks ---- */

void mark_new(char mark[MARK_SIZE])
{
    static unsigned count;
    snprintf(mark, MARK_SIZE, "%d.%u", (int)getpid(), count++);
    assert_int_equal(setenv(NAME, mark, 1), 0);
}

/* Reads at most size - 1 bytes of a file of /proc/PID; 0 when the process is gone. */
static size_t read_about(pid_t pid, const char *what, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t have = 0;
    for (ssize_t got; have < size - 1; have += (size_t)got)
        if ((got = read(fd, text + have, size - 1 - have)) <= 0)
            break;
    close(fd);
    text[have] = '\0';
    return have;
}

/* A zombie has no environment any more. */
static bool has_mark(pid_t pid, const char *mark)
{
    static char text[1 << 18];
    char wanted[MARK_SIZE + 32];
    size_t length = (size_t)snprintf(wanted, sizeof wanted, NAME "=%s", mark) + 1;
    size_t size = read_about(pid, "environ", text, sizeof text);
    return memmem(text, size + 1, wanted, length) != NULL;
}

size_t marked(const char *mark, pid_t *ret_pids, size_t most)
{
    DIR *folder = opendir("/proc");
    size_t count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        if (pid && has_mark(pid, mark) && ++count <= most)
            ret_pids[count - 1] = pid;
    }
    closedir(folder);
    return count;
}

bool wait_for_marked(const char *mark, size_t count)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield())
        if (marked(mark, NULL, 0) >= count)
            return true;
    return false;
}

bool wait_for_none_marked(const char *mark)
{
    pid_t pids[PROCESSES_MOST];
    size_t count = 0;
    for (uint64_t limit = clock_ms() + LIMIT_MS / 4; clock_ms() < limit; sched_yield())
        if ((count = marked(mark, pids, PROCESSES_MOST)) == 0)
            return true;
    for (size_t i = 0; i < count && i < PROCESSES_MOST; i++)
        kill(pids[i], SIGKILL);
    return false;
}

/* Parent and CPU time in ticks, from the fields behind the name, which may contain any characters
 * (proc(5), stat). */
static bool read_stat(pid_t pid, pid_t *ret_parent, unsigned long *ret_ticks)
{
    char text[1024];
    unsigned long user, system;
    if (!read_about(pid, "stat", text, sizeof text) || !strrchr(text, ')'))
        return false;
    if (sscanf(strrchr(text, ')') + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
               ret_parent, &user, &system) != 3)
        return false;
    *ret_ticks = user + system;
    return true;
}

pid_t parent_of(pid_t pid)
{
    pid_t parent;
    unsigned long ticks;
    return read_stat(pid, &parent, &ticks) ? parent : 0;
}

static unsigned long time_used(const char *mark)
{
    pid_t pids[PROCESSES_MOST], parent;
    size_t count = marked(mark, pids, PROCESSES_MOST);
    unsigned long sum = 0, ticks;
    for (size_t i = 0; i < count && i < PROCESSES_MOST; i++)
        if (read_stat(pids[i], &parent, &ticks))
            sum += ticks;
    return sum;
}

bool wait_for_work(const char *mark)
{
    unsigned long before = time_used(mark);
    unsigned long enough = (unsigned long)sysconf(_SC_CLK_TCK) / 10;
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield())
        if (time_used(mark) >= before + enough)
            return true;
    return false;
}

/* ---- programs ---- */

static char *read_all(FILE *file)
{
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    char *text = calloc(1, size + 1);
    assert_non_null(text);
    rewind(file);
    assert_int_equal(fread(text, 1, size, file), size);
    fclose(file);
    return text;
}

struct running program_start(const char *const *arguments)
{
    const char *vector[ARGUMENTS_MOST + 2] = { getenv("FORKBENCH") };
    if (!vector[0])
        fail_msg("FORKBENCH does not name the executable");
    for (size_t i = 0; arguments[i] && i < ARGUMENTS_MOST; i++)
        vector[i + 1] = arguments[i];
    struct running running = { -1, tmpfile(), tmpfile() };
    assert_true(running.out && running.err);
    running.pid = fork();
    if (running.pid == 0) {
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        dup2(fileno(running.out), STDOUT_FILENO);
        dup2(fileno(running.err), STDERR_FILENO);
        alarm(LIMIT_MS / 1000); /* a limit for a hang */
        execv(vector[0], (char *const *)vector);
        _exit(126);
    }
    assert_true(running.pid > 0);
    return running;
}

struct said program_finish(struct running *running)
{
    int status = -1;
    while (waitpid(running->pid, &status, 0) < 0 && errno == EINTR)
        ;
    struct said said = { WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                         read_all(running->out), read_all(running->err) };
    if (said.code == 126)
        fail_msg("can't run forkbench");
    return said;
}
