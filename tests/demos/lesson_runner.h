/* Runs a lesson or its Python version and collects its claims. */
#ifndef TEST_LESSON_RUNNER_H
#define TEST_LESSON_RUNNER_H

#include <stdbool.h>

struct lesson_result {
    int code;                      /* exit code, or 128 + the signal that killed it */
    unsigned missing_facts;        /* facts that were not observed */
    unsigned missing_measurements; /* measured claims that were not observed */
    char claims[1000]; /* all claims, observed or not: a line each, with = (fact) or ≈ (measured) */
    char output[8000]; /* everything that was printed */
};

/* python: the interpreter for the Python version; NULL: runs the lesson in C, by forkbench. broken: runs
 * it with --break. After two minutes it is terminated (code 124). Fails the test if it can't be run. */
void lesson_run(const char *name, const char *python, bool broken,
                struct lesson_result *ret_result);

#endif
