#include "bench/judge/comparability.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lists the fields in which two objects differ: "cpu, memory_mib"; "": none. */
static void name_differences(const json_t *a, const json_t *b, char *text, size_t size)
{
    const json_t *both[] = { a, b };
    text[0] = '\0';
    for (int side = 0; side < 2; side++) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)both[side], name, value)
        {
            const json_t *other = json_object_get(both[!side], name);
            size_t used = strlen(text);
            if (side == 0 ? !json_equal(value, other) : !other)
                snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
        }
    }
}

static bool same_cell(const struct fb_recorded_cell *a, const struct fb_recorded_cell *b)
{
    return strcmp(a->kernel, b->kernel) == 0 && strcmp(a->harness, b->harness) == 0 &&
           a->workers == b->workers;
}

/* A failed cell has no parameters; then those that were given are compared. */
static bool same_parameters(const struct fb_recorded_cell *a, const struct fb_recorded_cell *b)
{
    if (!a->parameters || !b->parameters)
        return strcmp(a->asked, b->asked) == 0;
    return json_equal(a->parameters, b->parameters);
}

/* The index of the cell of `run` that does the same work in the same way, or run->count. */
static size_t find_match(const struct fb_recorded_cell *cell, const struct fb_recorded_run *run)
{
    size_t i = 0;
    while (i < run->count &&
           !(same_cell(cell, &run->cell[i]) && same_parameters(cell, &run->cell[i])))
        i++;
    return i;
}

/* Counts the cells without a match. Two of them that differ in parameters only make the runs
 * incomparable. */
static int check_alone(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                       struct fb_comparability *comparability, struct fb_error *error)
{
    for (size_t i = 0; i < b->count; i++)
        comparability->alone += find_match(&b->cell[i], a) == a->count;
    for (size_t i = 0; i < a->count; i++) {
        const struct fb_recorded_cell *left = &a->cell[i];
        if (find_match(left, b) < b->count)
            continue;
        comparability->alone++;
        for (size_t k = 0; k < b->count; k++) {
            const struct fb_recorded_cell *right = &b->cell[k];
            char text[128];
            if (!same_cell(left, right) || find_match(right, a) < a->count)
                continue;
            text[0] = '\0';
            if (left->parameters && right->parameters)
                name_differences(left->parameters, right->parameters, text, sizeof text);
            return fb_error_set(error, -EXDEV, "parameters differ: %s: %s: measure both alike",
                                left->kernel, text[0] ? text : left->asked);
        }
    }
    return 0;
}

static int match_cells(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                       struct fb_comparability *comparability, struct fb_error *error)
{
    comparability->match = calloc(a->count + 1, sizeof *comparability->match);
    if (!comparability->match)
        return fb_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < a->count; i++) {
        size_t match = find_match(&a->cell[i], b);
        if (match == b->count)
            continue;
        const char *left = a->cell[i].digest, *right = b->cell[match].digest;
        if (left && right && strcmp(left, right) != 0)
            return fb_error_set(error, -EXDEV,
                                "results differ: %s under %s: %s and %s: one of the builds is "
                                "wrong, or its work is another",
                                a->cell[i].kernel, a->cell[i].harness, left, right);
        comparability->match[comparability->matches++] = (struct fb_match){ i, match };
    }
    int result = check_alone(a, b, comparability, error);
    if (result == 0 && comparability->matches == 0)
        result = fb_error_set(error, -EXDEV,
                              "no cell in common: kernels, harnesses or workers differ: measure "
                              "both alike");
    return result;
}

static void add(struct fb_comparability *comparability, unsigned *count, const char *text)
{
    size_t used = strlen(comparability->factor);
    snprintf(comparability->factor + used, sizeof comparability->factor - used, "%s%s",
             (*count)++ ? ", " : "", text);
}

static bool differs(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                    const char *name)
{
    return !json_equal(json_object_get(a->build, name), json_object_get(b->build, name));
}

static bool interpreters_differ(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                                const struct fb_comparability *comparability)
{
    for (size_t i = 0; i < comparability->matches; i++) {
        const struct fb_recorded_cell *left = &a->cell[comparability->match[i].a];
        const struct fb_recorded_cell *right = &b->cell[comparability->match[i].b];
        /* A failed cell has no description of its interpreter. */
        if (left->parameters && right->parameters &&
            strcmp(left->description, right->description) != 0)
            return true;
    }
    return false;
}

static int find_factor(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                       struct fb_comparability *comparability, struct fb_error *error)
{
    unsigned count = 0;
    /* Another compiler makes other machine code from the same source: together that is one factor. */
    if (differs(a, b, "compiler")) {
        add(comparability, &count, "the compiler");
    } else {
        if (differs(a, b, "kernels"))
            add(comparability, &count, "the kernels' machine code");
        if (differs(a, b, "harnesses"))
            add(comparability, &count, "the harnesses' machine code");
    }
    if (a->bind != b->bind)
        add(comparability, &count, "the binding to CPUs");
    if (interpreters_differ(a, b, comparability))
        add(comparability, &count, "the interpreter");
    if (count < 2)
        return 0;
    return fb_error_set(error, -EXDEV,
                        "more than one factor differs: %s: change one at a time, or measure both "
                        "in one run with --against",
                        comparability->factor);
}

int fb_comparability_find(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                          struct fb_comparability *ret_comparability, struct fb_error *error)
{
    struct fb_comparability comparability = { 0 };
    char text[128];
    name_differences(a->machine, b->machine, text, sizeof text);
    int result = 0;
    if (text[0])
        result = fb_error_set(error, -EXDEV, "the machine differs: %s: measure both on one", text);
    if (result == 0)
        result = match_cells(a, b, &comparability, error);
    if (result == 0)
        result = find_factor(a, b, &comparability, error);
    if (result < 0)
        fb_comparability_clear(&comparability);
    else
        *ret_comparability = comparability;
    return result;
}

void fb_comparability_clear(struct fb_comparability *comparability)
{
    free(comparability->match);
    *comparability = (struct fb_comparability){ 0 };
}
