/* The JSON of `exec --json`. */
#ifndef FB_EXEC_JSON_H
#define FB_EXEC_JSON_H

#include "bench/trial/trial.h"

/* Prints a trial. harness: as it was given; start_ns: when the program started. */
void fb_exec_print_json(const struct fb_trial_request *request, const char *harness,
                        const struct fb_trial *trial, uint64_t start_ns);

#endif
