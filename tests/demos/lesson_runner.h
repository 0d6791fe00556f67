/* Runs a lesson, or its twin, and keeps what it claims. */
#ifndef TEST_LESSON_RUNNER_H
#define TEST_LESSON_RUNNER_H

#include <stdbool.h>

struct taught {
    int code;         /* exit code, or 128 + the signal that killed it */
    unsigned missing; /* facts that did not show themselves */
    unsigned hidden;  /* the same of what it measured */
    char facts[1000]; /* what it claims, shown or not: a line each, which begins with = or ≈ */
    char said[8000];  /* all that it printed */
};

/* python: the interpreter that runs the twin; NULL: the lesson itself is run, by forkbench. broken:
 * its mechanism is taken away. Ended, with code 124, if it takes two minutes. Fails the test when it can't be
 * run. */
void teach(const char *name, const char *python, bool broken, struct taught *ret_taught);

#endif
