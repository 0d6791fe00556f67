#include "bench/command/lessons.h"

#include "base/program.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MOST 8

#define FB_LESSON(name) #name,
const char *const fb_lessons[] = {
#include "demos/list.h"
    NULL,
};
#undef FB_LESSON

/* Looks beside the folder of this program, as in the build tree and as installed. */
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

/* Runs a lesson. read receives its output; if read is NULL it prints to our output. Its exit code, or
 * a negative errno with *error. */
static int run_program(const struct fb_lesson *lesson, const char *const *options,
                       void (*read)(FILE *from, void *context), void *context,
                       struct fb_error *error)
{
    const char *list[OPTIONS_MOST + 2] = { lesson->path };
    struct fb_program program;
    for (size_t i = 0; i < OPTIONS_MOST && options[i]; i++)
        list[i + 1] = options[i];
    int result = fb_program_start(list, read != NULL, &program, error);
    if (result < 0)
        return result;
    if (read)
        read(program.output, context);
    return fb_program_end(&program, lesson->path, error);
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
    int result = run_program(ret_lesson, (const char *const[]){ "--describe", NULL },
                             read_description, ret_lesson, error);
    if (result > 0 || (result == 0 && !ret_lesson->title[0]))
        return fb_error_set(error, -EBADMSG, "the lesson does not say what it is: %s", name);
    return result;
}

unsigned fb_lesson_next_claim(const char **rows)
{
    unsigned number = 0;
    while (number == 0 && **rows) {
        *rows += strspn(*rows, " ");
        if (**rows == 'C')
            number = (unsigned)strtoul(*rows + 1, NULL, 10);
        *rows += strcspn(*rows, " ");
    }
    return number;
}

void fb_lesson_claims(const char *rows, char *ret_claims, size_t size)
{
    ret_claims[0] = '\0';
    for (unsigned number; (number = fb_lesson_next_claim(&rows)) > 0;) {
        size_t used = strlen(ret_claims);
        snprintf(ret_claims + used, size - used, "%sC%u", used ? " " : "", number);
    }
}

int fb_lessons_print(struct fb_error *error)
{
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct fb_lesson lesson;
        int result = fb_lesson_find(fb_lessons[i], &lesson, error);
        if (result < 0)
            return result;
        char claims[40];
        fb_lesson_claims(lesson.rows, claims, sizeof claims);
        printf("  %-20s %s%s%s%s\n", fb_lessons[i], lesson.title, *claims ? " [" : "", claims,
               *claims ? "]" : "");
    }
    return 0;
}

int fb_lesson_run(const struct fb_lesson *lesson, const char *const *options,
                  struct fb_error *error)
{
    return run_program(lesson, options, NULL, NULL, error);
}

static void read_json(FILE *from, void *context)
{
    *(json_t **)context = json_loadf(from, 0, NULL);
}

int fb_lesson_run_json(const struct fb_lesson *lesson, json_t **ret_json, struct fb_error *error)
{
    *ret_json = NULL;
    return run_program(lesson, (const char *const[]){ "--json", NULL }, read_json, ret_json, error);
}
