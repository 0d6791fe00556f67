#include "bench/judge/comparability.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says which fields two objects don't share: "cpu, memory_mib"; "" for none. */
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

static bool same_place(const struct fb_recorded_cell *a, const struct fb_recorded_cell *b)
{
    return strcmp(a->kernel, b->kernel) == 0 && strcmp(a->harness, b->harness) == 0 &&
           a->workers == b->workers;
}

/* A cell that failed says no parameters; then those that were asked for have to do. */
static bool same_parameters(const struct fb_recorded_cell *a, const struct fb_recorded_cell *b)
{
    if (!a->parameters || !b->parameters)
        return strcmp(a->asked, b->asked) == 0;
    return json_equal(a->parameters, b->parameters);
}

/* The cell of record that does the same work in the same way, or record->count. */
static size_t find_partner(const struct fb_recorded_cell *cell,
                           const struct fb_recorded_run *record)
{
    size_t i = 0;
    while (i < record->count &&
           !(same_place(cell, &record->cell[i]) && same_parameters(cell, &record->cell[i])))
        i++;
    return i;
}

/* A cell without partner stands beside one of the other run that has none either, and only the
 * parameters keep them apart. */
static int check_alone(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                       struct fb_comparability *factors, struct fb_error *error)
{
    for (size_t i = 0; i < b->count; i++)
        factors->alone += find_partner(&b->cell[i], a) == a->count;
    for (size_t i = 0; i < a->count; i++) {
        const struct fb_recorded_cell *left = &a->cell[i];
        if (find_partner(left, b) < b->count)
            continue;
        factors->alone++;
        for (size_t k = 0; k < b->count; k++) {
            const struct fb_recorded_cell *right = &b->cell[k];
            char text[128];
            if (!same_place(left, right) || find_partner(right, a) < a->count)
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
                       struct fb_comparability *factors, struct fb_error *error)
{
    factors->match = calloc(a->count + 1, sizeof *factors->match);
    if (!factors->match)
        return fb_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < a->count; i++) {
        size_t partner = find_partner(&a->cell[i], b);
        if (partner == b->count)
            continue;
        const char *left = a->cell[i].digest, *right = b->cell[partner].digest;
        if (left && right && strcmp(left, right) != 0)
            return fb_error_set(error, -EXDEV,
                                "results differ: %s under %s: %s and %s: one of the builds is "
                                "wrong, or its work is another",
                                a->cell[i].kernel, a->cell[i].harness, left, right);
        factors->match[factors->matches++] = (struct fb_match){ i, partner };
    }
    int result = check_alone(a, b, factors, error);
    if (result == 0 && factors->matches == 0)
        result = fb_error_set(error, -EXDEV,
                              "no cell in common: kernels, harnesses or workers differ: measure "
                              "both alike");
    return result;
}

static void add(struct fb_comparability *factors, unsigned *count, const char *text)
{
    size_t used = strlen(factors->factor);
    snprintf(factors->factor + used, sizeof factors->factor - used, "%s%s", (*count)++ ? ", " : "",
             text);
}

static bool differs(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                    const char *name)
{
    return !json_equal(json_object_get(a->build, name), json_object_get(b->build, name));
}

static bool interpreters_differ(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                                const struct fb_comparability *factors)
{
    for (size_t i = 0; i < factors->matches; i++) {
        const struct fb_recorded_cell *left = &a->cell[factors->match[i].a];
        const struct fb_recorded_cell *right = &b->cell[factors->match[i].b];
        /* A cell that failed says nothing of who ran it. */
        if (left->parameters && right->parameters &&
            strcmp(left->description, right->description) != 0)
            return true;
    }
    return false;
}

static int find_factor(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                       struct fb_comparability *factors, struct fb_error *error)
{
    unsigned count = 0;
    /* Another compiler makes other machine code of the same lines: that is one factor. */
    if (differs(a, b, "compiler")) {
        add(factors, &count, "the compiler");
    } else {
        if (differs(a, b, "kernels"))
            add(factors, &count, "the kernels' machine code");
        if (differs(a, b, "harnesses"))
            add(factors, &count, "the harnesses' machine code");
    }
    if (a->bind != b->bind)
        add(factors, &count, "the binding to CPUs");
    if (interpreters_differ(a, b, factors))
        add(factors, &count, "the interpreter");
    if (count < 2)
        return 0;
    return fb_error_set(error, -EXDEV,
                        "more than one factor differs: %s: change one at a time, or measure both "
                        "in one run with --against",
                        factors->factor);
}

int fb_comparability_find(const struct fb_recorded_run *a, const struct fb_recorded_run *b,
                          struct fb_comparability *ret_factors, struct fb_error *error)
{
    struct fb_comparability factors = { 0 };
    char text[128];
    name_differences(a->machine, b->machine, text, sizeof text);
    int result = 0;
    if (text[0])
        result = fb_error_set(error, -EXDEV, "the machine differs: %s: measure both on one", text);
    if (result == 0)
        result = match_cells(a, b, &factors, error);
    if (result == 0)
        result = find_factor(a, b, &factors, error);
    if (result < 0)
        fb_comparability_clear(&factors);
    else
        *ret_factors = factors;
    return result;
}

void fb_comparability_clear(struct fb_comparability *factors)
{
    free(factors->match);
    *factors = (struct fb_comparability){ 0 };
}
