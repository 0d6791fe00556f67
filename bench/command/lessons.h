/* The lessons: programs of their own, which teach one thing each and check that it shows itself. */
#ifndef FB_LESSONS_H
#define FB_LESSONS_H

#include "base/error.h"

#include <jansson.h>
#include <limits.h>
#include <stddef.h>

/* Their names, in the order in which they are taught; ends with NULL. */
extern const char *const fb_lessons[];

struct fb_lesson {
    char path[PATH_MAX];
    char title[100];
    char rows[100]; /* which of the tutorials' mechanisms, workloads and claims */
};

/* Where the lesson of that name is, and what it says of itself. 0, or a negative errno with *error:
 * -EINVAL there is no such lesson, -ENOPKG its program is not here. */
int fb_lesson_find(const char *name, struct fb_lesson *ret_lesson, struct fb_error *error);

/* The number of the first claim in *rows ("M7 W14 C9 C10"), which is moved behind it; 0: there is none. */
unsigned fb_lesson_next_claim(const char **rows);

/* The claims among rows ("M7 W14 C9 C10"), into ret_claims[size]: "C9 C10". */
void fb_lesson_claims(const char *rows, char *ret_claims, size_t size);

/* Prints them, a line each. 0, or a negative errno with *error. */
int fb_lessons_print(struct fb_error *error);

/* Runs it with these options (ends with NULL) on this terminal and waits for it. Its exit code, or a
 * negative errno with *error. */
int fb_lesson_run(const struct fb_lesson *lesson, const char *const *options,
                  struct fb_error *error);

/* The same with --json: also *ret_said, the caller's, what it said, or NULL. */
int fb_lesson_ask(const struct fb_lesson *lesson, json_t **ret_said, struct fb_error *error);

#endif
