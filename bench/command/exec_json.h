/* What `exec --json` says of a trial. */
#ifndef FB_EXEC_JSON_H
#define FB_EXEC_JSON_H

#include "bench/trial/trial.h"

/* Prints it. harness: as it was asked for; start_ns: when the program began. */
void fb_exec_print_json(const struct fb_trial_request *request, const char *harness,
                        const struct fb_trial *trial, uint64_t start_ns);

#endif
