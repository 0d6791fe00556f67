#include "harness/cpython/interpreters.h"

#include "base/child.h"
#include "harness/mp/core/deadline.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST_MINOR 9
#define ANSWER (PATH_MAX + 64)
#define PATIENCE_NS (5 * FB_MP_SECOND)
#define END_MS 1000 /* for exiting after its answer */

/* Prints the interpreter's path, then its version and whether it has a GIL. No modules are loaded
 * from the current folder. */
static const char question[] =
    "import sys\n"
    "sys.path.pop(0)\n"
    "import os, sysconfig\n"
    "if sys.implementation.name != 'cpython': sys.exit(1)\n"
    "gil = getattr(sys, '_is_gil_enabled', lambda: True)()\n"
    "free = 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''\n"
    "print(os.path.realpath(sys.executable))\n"
    "print('%d.%d.%d%s-%s' % (sys.version_info[:3] + (free, 'gil' if gil else 'nogil')))\n";

struct finder {
    struct fb_interpreter *list;
    size_t count;
    int error;
};

/* "python3", or "python3." with a number of at least LEAST_MINOR and an optional "t". */
static bool is_called_python(const char *name)
{
    static const char start[] = "python3";
    if (strncmp(name, start, sizeof start - 1) != 0)
        return false;
    name += sizeof start - 1;
    if (!*name)
        return true;
    char *end;
    if (*name++ != '.' || !isdigit((unsigned char)*name) || strtoul(name, &end, 10) < LEAST_MINOR)
        return false;
    return !*end || strcmp(end, "t") == 0;
}

/* Reads until there are two lines, the end of the output, or the time is over. */
static void read_lines(int fd, char *ret_answer, size_t size)
{
    size_t length = 0;
    int lines = 0;
    struct pollfd from = { .fd = fd, .events = POLLIN };
    for (int64_t end_ns = fb_mp_deadline(PATIENCE_NS); lines < 2 && length < size - 1;) {
        int64_t left_ms = (end_ns - fb_mp_now()) / FB_MP_MILLISECOND;
        int ready = poll(&from, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready == 0 || (ready < 0 && errno != EINTR))
            break;
        ssize_t got = ready > 0 ? read(fd, ret_answer + length, size - 1 - length) : -1;
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        for (ssize_t i = 0; i < got; i++)
            lines += ret_answer[length++] == '\n';
    }
    ret_answer[length] = '\0';
}

/* Gets the interpreter's answer to the question. False: it failed, or did not answer in time. */
static bool ask(const char *python, char *ret_answer, size_t size)
{
    int ends[2];
    struct fb_child child;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        fb_child_tie(parent);
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl(python, python, "-c", question, (char *)0);
        _exit(127);
    }
    close(ends[1]);
    int status = -1;
    if (pid > 0) {
        fb_child_watch(&child, pid);
        read_lines(ends[0], ret_answer, size);
        status = fb_child_end(&child, END_MS);
    }
    close(ends[0]);
    return status == 0;
}

static bool is_old(const char *version)
{
    return strncmp(version, "3.", 2) != 0 || strtoul(version + 2, NULL, 10) < LEAST_MINOR;
}

static void add(struct finder *finder, const char *python)
{
    char answer[ANSWER];
    if (finder->error || access(python, X_OK) != 0 || !ask(python, answer, sizeof answer))
        return;
    char *rest, *path = strtok_r(answer, "\n", &rest), *name = strtok_r(NULL, "\n", &rest);
    if (!path || !name || is_old(name))
        return;
    bool same_name = false;
    for (size_t i = 0; i < finder->count; i++) {
        if (strcmp(finder->list[i].path, path) == 0)
            return;
        same_name |= strcmp(finder->list[i].name, name) == 0;
    }
    struct fb_interpreter *grown =
        realloc(finder->list, (finder->count + 1) * sizeof *finder->list);
    if (!grown) {
        finder->error = -ENOMEM;
        return;
    }
    finder->list = grown;
    struct fb_interpreter *interpreter = &finder->list[finder->count++];
    snprintf(interpreter->path, sizeof interpreter->path, "%s", path);
    snprintf(interpreter->name, sizeof interpreter->name, "%s", same_name ? path : name);
    snprintf(interpreter->version, sizeof interpreter->version, "%s", name);
}

static void look_into(struct finder *finder, const char *folder)
{
    DIR *list = opendir(folder);
    char path[PATH_MAX];
    for (struct dirent *entry; list && (entry = readdir(list));)
        if (is_called_python(entry->d_name) &&
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < PATH_MAX)
            add(finder, path);
    if (list)
        closedir(list);
}

/* pyenv has a folder for each version; its shims on the PATH only run versions that are active. */
static void look_at_pyenv(struct finder *finder)
{
    const char *root = getenv("PYENV_ROOT"), *home = getenv("HOME");
    if (root && !*root)
        root = NULL;
    char versions[PATH_MAX], path[2 * PATH_MAX];
    snprintf(versions, sizeof versions, "%s%s",
             root   ? root
             : home ? home
                    : "",
             root ? "/versions" : "/.pyenv/versions");
    DIR *list = opendir(versions);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        snprintf(path, sizeof path, "%s/%s/bin/python3", versions, entry->d_name);
        if (isdigit((unsigned char)entry->d_name[0]))
            add(finder, path);
    }
    if (list)
        closedir(list);
}

static int by_version(const void *left, const void *right)
{
    const struct fb_interpreter *a = left, *b = right;
    int order = strverscmp(a->version, b->version);
    return order ? order : (a->name[0] == '/') - (b->name[0] == '/');
}

static void find_all(struct finder *finder)
{
    const char *path = getenv("PATH");
    char folder[PATH_MAX];
    for (const char *part = path; part && *part;) {
        size_t length = strcspn(part, ":");
        if (snprintf(folder, sizeof folder, "%.*s", (int)length, part) < PATH_MAX)
            look_into(finder, folder);
        part += length;
        part += *part == ':';
    }
    look_into(finder, "/usr/bin");
    look_at_pyenv(finder);
    if (finder->count)
        qsort(finder->list, finder->count, sizeof *finder->list, by_version);
}

int fb_interpreters_list(const struct fb_interpreter **ret_list, size_t *ret_count)
{
    static struct finder finder;
    static bool found;
    if (!found)
        find_all(&finder);
    found = true;
    if (finder.error)
        return finder.error;
    *ret_list = finder.list;
    *ret_count = finder.count;
    return 0;
}

bool fb_interpreter_is(const char *name, const char *wanted)
{
    size_t length = strlen(wanted);
    if (length == 0 || strncmp(name, wanted, length) != 0)
        return false;
    return name[length] == '\0' || name[length] == '.' || name[length] == '-';
}
