/* The output of `overhead --json`, and finding a figure in it. */
#ifndef TEST_OVERHEAD_FIGURES_H
#define TEST_OVERHEAD_FIGURES_H

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

struct measured {
    json_t *root, *metrics, *curves; /* root is owned */
    unsigned workers;
    size_t rounds;
    size_t seen; /* figures that were checked */
};

/* Parses the JSON text. The run must have used the CPUs that this process may use. */
void measured_read(struct measured *measured, const char *text, size_t rounds);

struct figure {
    const char *name, *harness, *state, *binding, *unit;
    const char *peer; /* NULL: none */
    unsigned workers;
};

/* The metric, or NULL if there is none. Fails the test if there are two. */
const json_t *figure_find(const struct measured *measured, const struct figure *figure,
                          const char *name, const char *harness);

/* The same. Fails the test if there is none. */
const json_t *figure_get(const struct measured *measured, const struct figure *figure,
                         const char *name, const char *harness);

/* Whether the member is that text. Fails the test if it is no text. */
bool figure_has_text(const json_t *object, const char *key, const char *wanted);

/* The number, or NaN for null. Fails the test if there is neither. */
double figure_value(const json_t *object, const char *key);

#endif
