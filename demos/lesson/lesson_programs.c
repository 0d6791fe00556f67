/* Other programs that lessons run: forkbench, and their own Python version. */
#include "demos/lesson/lesson.h"

#include "base/program.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MOST 32
#define NOTES_MOST 64

/* Finds a file in one of these places (the last is NULL), which are relative to this program's folder. */
static bool find_beside(const char *const *places, const char *name, char *ret_path)
{
    char self[PATH_MAX], path[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    lesson_need(length < 0 ? -errno : 0, "find itself");
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; places[i]; i++) {
        snprintf(path, sizeof path, "%s/%s%s", self, places[i], name);
        if (access(path, R_OK) == 0 && realpath(path, ret_path))
            return true;
    }
    return false;
}

/* Runs a program. Returns its output, parsed as JSON, which the caller owns, or NULL. */
static json_t *read_program(const char *const *arguments, int *ret_code)
{
    struct fb_program program;
    struct fb_error error = { 0 };
    lesson_need(fb_program_start(arguments, true, &program, &error), error.text);
    json_t *output = json_loadf(program.output, 0, NULL);
    *ret_code = fb_program_end(&program, arguments[0], &error);
    return output;
}

/* ---- forkbench exec ---- */

bool lesson_exec(const char *words, struct lesson_exec *ret_exec)
{
    static const char *const places[] = { "../bench/", "../../bin/", "../../../bin/", NULL };
    char path[PATH_MAX], copy[400], *next = copy;
    const char *list[ARGUMENTS_MOST] = { path, "exec", "--json" };
    int code;
    lesson_need(find_beside(places, "forkbench", path) ? 0 : -ENOENT, "find forkbench");
    snprintf(copy, sizeof copy, "%s", words);
    for (size_t i = 3; i < ARGUMENTS_MOST - 1 && next; i++)
        list[i] = strsep(&next, " ");
    json_t *output = read_program(list, &code);
    ret_exec->run_ns = json_number_value(json_object_get(output, "run_ns"));
    ret_exec->wall_ns = json_number_value(json_object_get(output, "wall_ns"));
    ret_exec->cpu_ns = json_number_value(json_object_get(output, "user_ns")) +
                       json_number_value(json_object_get(output, "system_ns"));
    const char *description = json_string_value(json_object_get(output, "description"));
    ret_exec->lockless = description && strstr(description, "GIL off");
    json_decref(output);
    if (code == 3)
        return false;
    lesson_need(code == 0 && ret_exec->run_ns > 0 ? 0 : -EIO, "run forkbench exec");
    return true;
}

double lesson_run_ns(const char *words)
{
    struct lesson_exec exec;
    lesson_need(lesson_exec(words, &exec) ? 0 : -ENOTSUP, words);
    return exec.run_ns;
}

/* ---- the Python version ---- */

/* Runs the Python version once. Returns its notes; NULL: there is no python3, or it failed. */
static const json_t *run_python_version(void)
{
    static const char *const places[] = { "", "../../share/forkbench/lessons/",
                                          "../../../share/forkbench/lessons/", NULL };
    static json_t *output;
    static bool has_run;
    const char *python = getenv("FORKBENCH_PYTHON");
    char name[100], path[PATH_MAX];
    int code = 0;
    snprintf(name, sizeof name, "%s.py", lesson_name());
    if (!has_run && !lesson_is_broken() && find_beside(places, name, path)) {
        output = read_program(
            (const char *const[]){ python ? python : "python3", path, "--json", NULL }, &code);
    }
    has_run = true;
    /* 4: load hid a measurement, which the intervals show. But a missing fact makes the notes useless. */
    if (code != 0 && code != 4) {
        json_decref(output);
        output = NULL;
    }
    return json_object_get(output, "noted");
}

struct fb_interval lesson_python(const char *name)
{
    double value[NOTES_MOST];
    const json_t *note = json_object_get(run_python_version(), name);
    size_t count = json_array_size(note);
    for (size_t i = 0; i < count && i < NOTES_MOST; i++)
        value[i] = json_number_value(json_array_get(note, i));
    if (count == 0)
        return FB_INTERVAL_NONE;
    return fb_median_interval(value, count < NOTES_MOST ? count : NOTES_MOST);
}

bool lesson_is_known(struct fb_interval measured)
{
    return !isnan(measured.value);
}
