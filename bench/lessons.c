#include "lessons.h"

#include "harness/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS_MOST 8

#define FB_LESSON(name) #name,
const char *const fb_lessons[] = {
#include "demos/list.h"
    NULL,
};
#undef FB_LESSON

/* Beside forkbench's folder, in the build tree or where it was installed. */
static bool find_program(const char *name, char *ret_path)
{
    static const char *const places[] = { "../demos", "../libexec/forkbench" };
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return false;
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[PATH_MAX + 64];
        int made = snprintf(path, sizeof path, "%s/%s/%s", self, places[i], name);
        if (made < PATH_MAX && access(path, X_OK) == 0) {
            strcpy(ret_path, path);
            return true;
        }
    }
    return false;
}

static _Noreturn void become(const struct fb_lesson *lesson, const char *const *options, int out,
                             pid_t parent)
{
    const char *list[OPTIONS_MOST + 2] = { lesson->path };
    for (size_t i = 0; i < OPTIONS_MOST && options[i]; i++)
        list[i + 1] = options[i];
    fb_child_tie(parent);
    if (out >= 0)
        dup2(out, STDOUT_FILENO);
    execv(lesson->path, (char **)list);
    _exit(127);
}

static int end_of(pid_t pid, const struct fb_lesson *lesson, struct fb_error *error)
{
    int status;
    char how[80];
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fb_error_set(error, -errno, "can't wait for a lesson: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 127)
        return WEXITSTATUS(status);
    fb_child_describe(status, how, sizeof how);
    return fb_error_set(error, -EBADMSG, "the lesson %.150s %s", lesson->path, how);
}

/* Its output, read by what, into context. */
static int run_and_read(const struct fb_lesson *lesson, const char *const *options,
                        void (*what)(FILE *from, void *context), void *context,
                        struct fb_error *error)
{
    int end[2];
    pid_t parent = getpid();
    if (pipe2(end, O_CLOEXEC) < 0)
        return fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        become(lesson, options, end[1], parent);
    close(end[1]);
    FILE *from = fdopen(end[0], "r");
    if (from && pid > 0)
        what(from, context);
    if (from)
        fclose(from);
    return pid < 0 ? fb_error_set(error, -EAGAIN, "can't fork a lesson")
                   : end_of(pid, lesson, error);
}

static void read_description(FILE *from, void *context)
{
    struct fb_lesson *lesson = context;
    if (fscanf(from, "%99[^\t]\t%99[^\n]", lesson->title, lesson->rows) != 2)
        lesson->title[0] = '\0';
}

int fb_lesson_find(const char *name, struct fb_lesson *ret_lesson, struct fb_error *error)
{
    size_t i = 0;
    while (fb_lessons[i] && strcmp(fb_lessons[i], name) != 0)
        i++;
    if (!fb_lessons[i])
        return fb_error_set(error, -EINVAL,
                            "no such lesson: %.60s: `forkbench list lessons` shows them", name);
    if (!find_program(name, ret_lesson->path))
        return fb_error_set(error, -ENOPKG,
                            "the lesson is not here: %s: build or install all of it", name);
    int result = run_and_read(ret_lesson, (const char *const[]){ "--describe", NULL },
                              read_description, ret_lesson, error);
    if (result > 0 || (result == 0 && !ret_lesson->title[0]))
        return fb_error_set(error, -EBADMSG, "the lesson does not say what it is: %s", name);
    return result;
}

int fb_lessons_print(struct fb_error *error)
{
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct fb_lesson lesson;
        int result = fb_lesson_find(fb_lessons[i], &lesson, error);
        if (result < 0)
            return result;
        printf("  %-20s %s [%s]\n", fb_lessons[i], lesson.title, lesson.rows);
    }
    return 0;
}

int fb_lesson_run(const struct fb_lesson *lesson, const char *const *options,
                  struct fb_error *error)
{
    pid_t parent = getpid();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        become(lesson, options, -1, parent);
    return pid < 0 ? fb_error_set(error, -errno, "can't fork a lesson: %s", strerror(errno))
                   : end_of(pid, lesson, error);
}

static void read_json(FILE *from, void *context)
{
    *(json_t **)context = json_loadf(from, 0, NULL);
}

int fb_lesson_ask(const struct fb_lesson *lesson, json_t **ret_said, struct fb_error *error)
{
    *ret_said = NULL;
    return run_and_read(lesson, (const char *const[]){ "--json", NULL }, read_json, ret_said,
                        error);
}
