/* What `overhead --json` said: whether every figure that bench/overhead/overhead.h names is there, once, and
 * can be right. Everything else fails the test. */
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

/* The CPUs must be those that this process may use. */
void measured_read(struct measured *measured, const char *text, size_t rounds);
void measured_check(struct measured *measured);

/* NaN for null, which must be said too. */
double figure_value(const json_t *object, const char *key);

#endif
