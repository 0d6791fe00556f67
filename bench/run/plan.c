#include "bench/run/plan.h"

#include "bench/run/pairs.h"
#include "bench/run/workloads.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const default_harnesses[] = { "single", "pthread", "forkpool", "gil" };

void fb_plan_clear(struct fb_plan *plan)
{
    free(plan->cell);
    free(plan->pair);
    *plan = (struct fb_plan){ 0 };
}

void fb_cell_label(const struct fb_cell *cell, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s", cell->label, cell->again ? " (again)" : "",
             cell->against ? " (against)" : "");
}

static size_t find_cell(const struct fb_plan *plan, const struct fb_cell *wanted)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_cell *cell = &plan->cell[i];
        if (cell->kernel == wanted->kernel && cell->harness == wanted->harness &&
            cell->workers == wanted->workers && cell->copies == wanted->copies &&
            cell->again == wanted->again && cell->against == wanted->against &&
            strcmp(cell->params, wanted->params) == 0 &&
            strcmp(cell->variant, wanted->variant) == 0)
            return i;
    }
    return FB_NO_CELL;
}

/* Adds a cell unless the plan has it; *ret_index is its index. */
static int add_cell(struct fb_plan *plan, const struct fb_cell *cell, size_t *ret_index)
{
    *ret_index = find_cell(plan, cell);
    if (*ret_index != FB_NO_CELL)
        return 0;
    if (plan->count == plan->room) {
        size_t room = plan->room ? 2 * plan->room : 32;
        struct fb_cell *grown = realloc(plan->cell, room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        plan->cell = grown;
        plan->room = room;
    }
    *ret_index = plan->count;
    plan->cell[plan->count] = *cell;
    plan->cell[plan->count].base = FB_NO_CELL;
    plan->cell[plan->count++].ceiling = FB_NO_CELL;
    return 0;
}

/* ---- harnesses ---- */

/* The harnesses to measure, as cells without a workload. */
struct harnesses {
    struct fb_cell list[FB_LIST_MOST];
    size_t count;
};

static int add_harness(struct harnesses *harnesses, const struct fb_harness *harness,
                       const char *variant, struct fb_error *error)
{
    if (harnesses->count == FB_LIST_MOST)
        return fb_error_set(error, -EINVAL, "too many harnesses: with all variants more than %d",
                            FB_LIST_MOST);
    struct fb_cell *cell = &harnesses->list[harnesses->count];
    *cell = (struct fb_cell){ .harness = harness };
    snprintf(cell->label, sizeof cell->label, "%s%s%.200s", harness->name, variant ? "=" : "",
             variant ? variant : "");
    cell->family = harness->interpreter ? FB_FAMILY_CPYTHON : FB_FAMILY_C;
    int result =
        harness->find ? harness->find(variant, cell->variant, sizeof cell->variant, error) : 0;
    harnesses->count += result == 0;
    return result;
}

static int add_harnesses(struct harnesses *harnesses, const char *name, struct fb_error *error)
{
    const char *variant;
    const struct fb_harness *harness = fb_harness_find(name, &variant);
    if (!harness)
        return fb_error_set(error, -EINVAL,
                            "no such harness: %.60s: `forkbench list harnesses` shows them", name);
    if (!variant || strcmp(variant, "all") != 0 || !harness->variants)
        return add_harness(harnesses, harness, variant, error);
    char **names;
    int result = harness->variants(&names);
    if (result < 0)
        return fb_error_set(error, result, "out of memory");
    if (!names[0])
        result = fb_error_set(error, -ENOPKG, "no interpreter found: %.60s: install python3", name);
    for (size_t i = 0; names[i] && result == 0; i++)
        result = add_harness(harnesses, harness, names[i], error);
    free(names);
    return result;
}

static int find_harnesses(const struct fb_plan_request *request, struct harnesses *harnesses,
                          struct fb_error *error)
{
    bool asked = request->harnesses > 0;
    size_t count =
        asked ? request->harnesses : sizeof default_harnesses / sizeof *default_harnesses;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result =
            add_harnesses(harnesses, asked ? request->harness[i] : default_harnesses[i], error);
    return result;
}

/* ---- cells ---- */

/* Adds the base of a cell: the same work under the base of its harness, on one worker. */
static int add_base(struct fb_plan *plan, size_t index)
{
    struct fb_cell base = plan->cell[index];
    const char *variant;
    if (!base.harness->base)
        return 0;
    base.harness = fb_harness_find(base.harness->base, &variant);
    base.workers = 1;
    const char *equals = strchr(plan->cell[index].label, '=');
    if (!base.harness->takes_variant) {
        equals = NULL;
        base.variant[0] = '\0';
    }
    snprintf(base.label, sizeof base.label, "%s%.*s", base.harness->name, equals ? FB_TEXT - 32 : 0,
             equals ? equals : "");
    size_t where;
    if (add_cell(plan, &base, &where) < 0)
        return -ENOMEM;
    plan->cell[index].base = where;
    return 0;
}

static int add_ceiling(struct fb_plan *plan, size_t index, double effective)
{
    struct fb_cell ceiling = plan->cell[index];
    if (ceiling.family != FB_FAMILY_C || ceiling.copies || ceiling.workers < 2 ||
        ceiling.workers >= effective + 1)
        return 0;
    const char *variant;
    ceiling.copies = ceiling.workers;
    ceiling.harness = fb_harness_find("single", &variant);
    ceiling.variant[0] = '\0';
    snprintf(ceiling.label, sizeof ceiling.label, "ceiling");
    size_t where;
    if (add_cell(plan, &ceiling, &where) < 0)
        return -ENOMEM;
    plan->cell[index].ceiling = where;
    plan->cell[where].base = plan->cell[index].base;
    return 0;
}

/* Adds every cell but the ceilings under the other build, with bases of that build. */
static int add_against(struct fb_plan *plan)
{
    for (size_t i = 0, cells = plan->count; i < cells; i++) {
        struct fb_cell other = plan->cell[i];
        size_t where, base = FB_NO_CELL;
        if (other.copies || other.again)
            continue;
        other.against = true;
        if (other.base != FB_NO_CELL) {
            struct fb_cell other_base = plan->cell[other.base];
            other_base.against = true;
            if (add_cell(plan, &other_base, &base) < 0)
                return -ENOMEM;
        }
        if (add_cell(plan, &other, &where) < 0)
            return -ENOMEM;
        plan->cell[where].base = base;
    }
    return 0;
}

/* The cell of a family that is added a second time: one that uses all CPUs, which matters most. */
static size_t choose_again(const struct fb_plan *plan, enum fb_family family, double effective)
{
    size_t chosen = FB_NO_CELL;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_cell *cell = &plan->cell[i];
        if (cell->family != family || cell->copies || cell->workers > fmax(effective, 1))
            continue;
        if (chosen == FB_NO_CELL || cell->workers > plan->cell[chosen].workers)
            chosen = i;
    }
    for (size_t i = 0; i < plan->count && chosen == FB_NO_CELL; i++)
        if (plan->cell[i].family == family)
            chosen = i;
    return chosen;
}

static int add_again(struct fb_plan *plan, double effective)
{
    for (int family = 0; family < FB_FAMILIES; family++) {
        size_t chosen = choose_again(plan, (enum fb_family)family, effective), where;
        if (chosen == FB_NO_CELL)
            continue;
        struct fb_cell again = plan->cell[chosen];
        size_t base = again.base;
        again.again = true;
        if (add_cell(plan, &again, &where) < 0)
            return -ENOMEM;
        plan->cell[where].base = base;
    }
    return 0;
}

/* The default worker counts, the most informative first. */
static size_t default_counts(double cpus, unsigned *counts)
{
    size_t count = 0;
    unsigned effective = cpus < 1 ? 1 : (unsigned)cpus;
    counts[count++] = effective;
    counts[count++] = 2 * effective;
    for (unsigned half = effective / 2; half >= 2; half /= 2)
        counts[count++] = half;
    return count;
}

/* A plan under construction. */
struct draft {
    const struct fb_plan_request *request;
    const struct fb_workloads *workloads;
    const struct harnesses *harnesses;
    bool limited; /* to FB_CELLS_DEFAULT cells of a family */
    size_t used[FB_FAMILIES];
};

/* Adds all workloads under all harnesses that are bases, on one worker, or under all others. */
static int add_round(struct fb_plan *plan, struct draft *draft, unsigned workers, bool bases)
{
    for (size_t h = 0; h < draft->harnesses->count; h++)
        for (size_t k = 0; k < draft->workloads->count; k++) {
            struct fb_cell cell = draft->harnesses->list[h];
            size_t where;
            cell.kernel = draft->workloads->list[k].kernel;
            cell.workers = bases ? 1 : workers;
            snprintf(cell.params, sizeof cell.params, "%s", draft->workloads->list[k].params);
            if (!cell.harness->base != bases || !fb_harness_supports(cell.harness, cell.kernel))
                continue;
            if (find_cell(plan, &cell) != FB_NO_CELL)
                continue;
            if (draft->limited && draft->used[cell.family] >= FB_CELLS_DEFAULT) {
                plan->left_out++;
                continue;
            }
            draft->used[cell.family]++;
            if (add_cell(plan, &cell, &where) < 0)
                return -ENOMEM;
        }
    return 0;
}

int fb_plan_make(const struct fb_plan_request *request, struct fb_plan *ret_plan,
                 struct fb_error *error)
{
    struct fb_plan plan = { 0 };
    struct fb_workloads *workloads = calloc(1, sizeof *workloads);
    struct harnesses *harnesses = calloc(1, sizeof *harnesses);
    struct draft draft = { request, workloads, harnesses, request->worker_counts == 0, { 0 } };
    unsigned counts[FB_LIST_MOST];
    size_t count = request->worker_counts;
    int result = workloads && harnesses ? 0 : fb_error_set(error, -ENOMEM, "out of memory");
    if (result == 0)
        result = fb_workloads_make(request, workloads, error);
    if (result == 0)
        result = find_harnesses(request, harnesses, error);
    if (draft.limited)
        count = default_counts(request->effective, counts);
    else
        memcpy(counts, request->workers, sizeof counts);
    bool made = result == 0;
    made = made && add_round(&plan, &draft, 1, true) == 0;
    for (size_t i = 0; i < count && made; i++)
        made = add_round(&plan, &draft, counts[i], false) == 0;
    for (size_t i = 0, cells = plan.count; i < cells && made; i++)
        made = add_base(&plan, i) == 0 && add_ceiling(&plan, i, request->effective) == 0;
    made = made && add_again(&plan, request->effective) == 0;
    if (request->against)
        made = made && add_against(&plan) == 0;
    made = made && fb_pairs_make(&plan) == 0;
    if (result == 0 && !made)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    if (result == 0 && plan.count == 0)
        result = fb_error_set(error, -EINVAL, "nothing to measure: no harness runs these kernels");
    free(workloads);
    free(harnesses);
    if (result < 0)
        fb_plan_clear(&plan);
    else
        *ret_plan = plan;
    return result;
}
