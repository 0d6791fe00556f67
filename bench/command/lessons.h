/* Finds and runs the lessons. Each is a program of its own that teaches one thing and checks it. */
#ifndef FB_LESSONS_H
#define FB_LESSONS_H

#include "base/error.h"

#include <jansson.h>
#include <limits.h>
#include <stddef.h>

/* Their names in the order of teaching; ends with NULL. */
extern const char *const fb_lessons[];

struct fb_lesson {
    char path[PATH_MAX];
    char title[100];
    char rows[100]; /* which mechanisms, workloads and claims of tutorials it covers: "M7 W14 C9" */
};

/* Finds the program of the lesson with that name and runs its --describe. 0, or a negative errno
 * with *error: -EINVAL there is no such lesson, -ENOPKG its program is not installed. */
int fb_lesson_find(const char *name, struct fb_lesson *ret_lesson, struct fb_error *error);

/* Returns the number of the first claim in *rows ("M7 W14 C9 C10") and moves *rows behind it. 0: there
 * is none. */
unsigned fb_lesson_next_claim(const char **rows);

/* Copies the claims in rows ("M7 W14 C9 C10") to ret_claims[size]: "C9 C10". */
void fb_lesson_claims(const char *rows, char *ret_claims, size_t size);

/* Prints one line for each lesson. 0, or a negative errno with *error. */
int fb_lessons_print(struct fb_error *error);

/* Runs a lesson with these options (ends with NULL) on this terminal and waits for it. Its exit code,
 * or a negative errno with *error. */
int fb_lesson_run(const struct fb_lesson *lesson, const char *const *options,
                  struct fb_error *error);

/* The same with --json: *ret_json is what it printed (owned by the caller), or NULL. */
int fb_lesson_run_json(const struct fb_lesson *lesson, json_t **ret_json, struct fb_error *error);

#endif
