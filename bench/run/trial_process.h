/* Runs a forkbench as a process of its own and reads the JSON that it prints. */
#ifndef FB_TRIAL_PROCESS_H
#define FB_TRIAL_PROCESS_H

#include "base/error.h"

#include <jansson.h>

#define FB_ARGUMENTS_MOST 64
#define FB_ARGUMENT_TEXT 512

/* A command line under construction; zeroed: empty. Arguments over FB_ARGUMENTS_MOST are dropped. */
struct fb_arguments {
    char text[FB_ARGUMENTS_MOST][FB_ARGUMENT_TEXT];
    char *list[FB_ARGUMENTS_MOST + 1];
    int count;
};

/* Appends an argument, formatted as by printf and cut after FB_ARGUMENT_TEXT - 1 bytes. */
void fb_arguments_add(struct fb_arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends an argument of any length, which must outlive `arguments`. */
void fb_arguments_add_long(struct fb_arguments *arguments, char *text);

/* Runs program with these arguments (the first is its name) and waits for its end. 0 with *ret_raw
 * (owned by the caller), or a negative errno with *error: -EINTR SIGINT or SIGTERM ended it,
 * -EBADMSG it failed or printed no JSON: *error has the first line of its stderr. */
int fb_trial_process_run(const char *program, struct fb_arguments *arguments, json_t **ret_raw,
                         struct fb_error *error);

#endif
