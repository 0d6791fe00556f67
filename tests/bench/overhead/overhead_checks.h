/* Checks the output of `overhead --json`: each figure listed in bench/overhead/overhead.h exists
 * once, is finite and consistent with the others, and there are no other figures. Otherwise the
 * test fails. */
#ifndef TEST_OVERHEAD_CHECKS_H
#define TEST_OVERHEAD_CHECKS_H

#include <jansson.h>

#include <stddef.h>

struct measured {
    json_t *root, *metrics, *curves; /* root is owned */
    unsigned workers;
    size_t rounds;
    size_t seen; /* figures that were checked */
};

/* Parses the JSON text. The run must have used the CPUs that this process may use. */
void measured_read(struct measured *measured, const char *text, size_t rounds);

/* Checks all figures. */
void measured_check(struct measured *measured);

/* The number, or NaN for null. Fails the test if there is neither. */
double figure_value(const json_t *object, const char *key);

#endif
