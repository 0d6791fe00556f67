#include "interpreters.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEAST_MINOR 9
#define ANSWER (PATH_MAX + 64)

/* Its own path, then its version and whether there is a lock. */
static const char question[] =
    "import os, sys, sysconfig\n"
    "assert sys.implementation.name == 'cpython'\n"
    "gil = getattr(sys, '_is_gil_enabled', lambda: True)()\n"
    "free = 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''\n"
    "print(os.path.realpath(sys.executable))\n"
    "print('%d.%d.%d%s-%s' % (sys.version_info[:3] + (free, 'gil' if gil else 'nogil')))\n";

struct finder {
    struct fb_interpreter *list;
    size_t count;
    int error;
};

/* "python3", or "python3." and a number of LEAST_MINOR or more, perhaps with a t behind it. */
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

/* What it says to the question; false if it does not answer well. */
static bool ask(const char *python, char *ret_answer, size_t size)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl(python, python, "-c", question, (char *)0);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got = 1; pid > 0 && got != 0 && length < size - 1;) {
        got = read(ends[0], ret_answer + length, size - 1 - length);
        if (got < 0 && errno != EINTR)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    ret_answer[length] = '\0';
    close(ends[0]);
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
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

/* pyenv keeps each version in a folder of its own; its shims on the PATH only answer for those that
 * are switched on. */
static void look_at_pyenv(struct finder *finder)
{
    const char *root = getenv("PYENV_ROOT"), *home = getenv("HOME");
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
    return strverscmp(((const struct fb_interpreter *)left)->name,
                      ((const struct fb_interpreter *)right)->name);
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
