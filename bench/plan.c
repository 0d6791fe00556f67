#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const default_kernels[] = { "divisors", "primes", "resize" };
static const char *const default_harnesses[] = { "single", "pthread", "forkpool", "gil" };

void fb_plan_clear(struct fb_plan *plan)
{
    free(plan->cell);
    *plan = (struct fb_plan){ 0 };
}

static size_t find_cell(const struct fb_plan *plan, const struct fb_cell *wanted)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_cell *cell = &plan->cell[i];
        if (cell->kernel == wanted->kernel && cell->harness == wanted->harness &&
            cell->workers == wanted->workers && cell->copies == wanted->copies &&
            strcmp(cell->params, wanted->params) == 0 &&
            strcmp(cell->variant, wanted->variant) == 0)
            return i;
    }
    return FB_NO_CELL;
}

/* Adds a cell unless it is there; *ret_index is where. */
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

/* ---- kernels with their parameters ---- */

struct work {
    const struct fb_kernel *kernel;
    char params[FB_TEXT];
};

struct works {
    struct work list[FB_LIST_MOST];
    size_t count;
};

static const struct fb_param *find_param(const struct fb_kernel *kernel, const char *assignment)
{
    size_t length = strcspn(assignment, "=");
    for (const struct fb_param *param = kernel->params; param->name; param++)
        if (strlen(param->name) == length && memcmp(param->name, assignment, length) == 0)
            return param;
    return NULL;
}

/* Appends `before` with "NAME=VALUE" added. */
static int add_value(struct works *works, const struct work *before, const char *list,
                     const char *value, size_t length, struct fb_error *error)
{
    if (works->count == FB_LIST_MOST)
        return fb_error_set(error, -E2BIG, "too many parameter values: %.60s: give fewer", list);
    struct work *work = &works->list[works->count++];
    *work = *before;
    int used = snprintf(work->params, sizeof work->params, "%s%s%.*s%.*s", before->params,
                        before->params[0] ? " " : "", (int)strcspn(list, "=") + 1, list,
                        (int)length, value);
    if (used >= (int)sizeof work->params)
        return fb_error_set(error, -E2BIG, "parameters too long: %.60s: shorten them", list);
    return 0;
}

/* Replaces each work of the kernel by one for each value of "NAME=V1,V2". A parameter of text is
 * one value, commas and all. */
static int multiply(struct works *works, size_t from, const struct fb_param *param,
                    const char *list, struct fb_error *error)
{
    struct works before = *works;
    works->count = from;
    for (size_t i = from; i < before.count; i++) {
        const char *value = strchr(list, '=') + 1;
        for (bool more = true; more;) {
            size_t length = strcspn(value, param->type == FB_PARAM_TEXT ? "" : ",");
            int result = add_value(works, &before.list[i], list, value, length, error);
            if (result < 0)
                return result;
            more = value[length] == ',';
            value += length + more;
        }
    }
    return 0;
}

/* Whether the parameters of a work are good, so that a run does not fail at its first trial. */
static int try_params(const struct work *work, struct fb_error *error)
{
    struct fb_params params;
    char copy[FB_TEXT], *next = copy;
    if (fb_params_init(&params, work->kernel) < 0)
        return fb_error_set(error, -ENOMEM, "out of memory");
    snprintf(copy, sizeof copy, "%s", work->params);
    int result = 0;
    while (*copy && next && result == 0)
        result = fb_params_set(&params, strsep(&next, " "), error);
    fb_params_clear(&params);
    return result;
}

static int add_works(struct works *works, const struct fb_kernel *kernel,
                     const struct fb_plan_request *request, struct fb_error *error)
{
    size_t from = works->count;
    if (works->count == FB_LIST_MOST)
        return fb_error_set(error, -E2BIG, "too many kernels: give fewer");
    works->list[works->count++] = (struct work){ .kernel = kernel };
    for (size_t i = 0; i < request->params; i++) {
        const struct fb_param *param = find_param(kernel, request->param[i]);
        int result = param ? multiply(works, from, param, request->param[i], error) : 0;
        if (result < 0)
            return result;
    }
    for (size_t i = from; i < works->count; i++) {
        int result = try_params(&works->list[i], error);
        if (result < 0)
            return result;
    }
    return 0;
}

static int check_params(const struct fb_plan_request *request, const struct works *works,
                        struct fb_error *error)
{
    for (size_t i = 0; i < request->params; i++) {
        const char *param = request->param[i];
        bool known = false;
        if (!strchr(param, '='))
            return fb_error_set(error, -EINVAL, "not a parameter: %.60s: write NAME=VALUE", param);
        if (strchr(param, ' '))
            return fb_error_set(error, -EINVAL, "a blank in a parameter: %.60s: rename it", param);
        for (size_t k = 0; k < works->count; k++)
            known |= find_param(works->list[k].kernel, param) != NULL;
        if (!known)
            return fb_error_set(error, -EINVAL,
                                "no such parameter: %.60s: `forkbench list kernels` shows them",
                                param);
    }
    return 0;
}

static int make_works(const struct fb_plan_request *request, struct works *works,
                      struct fb_error *error)
{
    bool asked = request->kernels > 0;
    size_t count = asked ? request->kernels : sizeof default_kernels / sizeof *default_kernels;
    struct works plain = { 0 };
    for (size_t i = 0; i < count; i++) {
        const char *name = asked ? request->kernel[i] : default_kernels[i];
        const struct fb_kernel *kernel = fb_kernel_find(name);
        if (kernel)
            plain.list[plain.count++].kernel = kernel;
        else if (asked)
            return fb_error_set(error, -EINVAL,
                                "no such kernel: %.60s: `forkbench list kernels` shows them", name);
    }
    int result = check_params(request, &plain, error);
    for (size_t i = 0; i < plain.count && result == 0; i++)
        result = add_works(works, plain.list[i].kernel, request, error);
    return result;
}

/* ---- harnesses ---- */

static int make_harnesses(const struct fb_plan_request *request, struct fb_cell *list,
                          size_t *ret_count, struct fb_error *error)
{
    bool asked = request->harnesses > 0;
    *ret_count = asked ? request->harnesses : sizeof default_harnesses / sizeof *default_harnesses;
    for (size_t i = 0; i < *ret_count; i++) {
        const char *name = asked ? request->harness[i] : default_harnesses[i];
        const char *variant;
        struct fb_cell *cell = &list[i];
        *cell = (struct fb_cell){ .harness = fb_harness_find(name, &variant) };
        if (!cell->harness)
            return fb_error_set(error, -EINVAL,
                                "no such harness: %.60s: `forkbench list harnesses` shows them",
                                name);
        snprintf(cell->label, sizeof cell->label, "%s", name);
        if (!cell->harness->find)
            continue;
        cell->family = FB_FAMILY_CPYTHON;
        int result = cell->harness->find(variant, cell->variant, sizeof cell->variant, error);
        if (result < 0)
            return result;
    }
    return 0;
}

/* ---- cells ---- */

/* The base of a cell: the same work under its harness' base, one worker. */
static int add_base(struct fb_plan *plan, size_t index)
{
    struct fb_cell base = plan->cell[index];
    const char *variant;
    if (!base.harness->base)
        return 0;
    base.harness = fb_harness_find(base.harness->base, &variant);
    base.workers = 1;
    const char *equals = strchr(plan->cell[index].label, '=');
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
    snprintf(ceiling.label, sizeof ceiling.label, "ceiling");
    size_t where;
    if (add_cell(plan, &ceiling, &where) < 0)
        return -ENOMEM;
    plan->cell[index].ceiling = where;
    plan->cell[where].base = plan->cell[index].base;
    return 0;
}

/* Worker counts when none were asked for, the most telling first. */
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

struct draft {
    const struct fb_plan_request *request;
    const struct works *works;
    const struct fb_cell *harness;
    size_t harnesses;
    bool limited;
    size_t used[FB_FAMILIES];
};

/* Adds all works under all harnesses on so many workers; bases have one anyway. */
static int add_round(struct fb_plan *plan, struct draft *draft, unsigned workers, bool bases)
{
    for (size_t h = 0; h < draft->harnesses; h++)
        for (size_t k = 0; k < draft->works->count; k++) {
            struct fb_cell cell = draft->harness[h];
            size_t where;
            cell.kernel = draft->works->list[k].kernel;
            cell.workers = bases ? 1 : workers;
            snprintf(cell.params, sizeof cell.params, "%s", draft->works->list[k].params);
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
    struct works *works = calloc(1, sizeof *works);
    struct fb_cell *harness = calloc(FB_LIST_MOST, sizeof *harness);
    struct draft draft = { request, works, harness, 0, request->worker_counts == 0, { 0 } };
    unsigned counts[FB_LIST_MOST];
    size_t count = request->worker_counts;
    int result = works && harness ? 0 : fb_error_set(error, -ENOMEM, "out of memory");
    if (result == 0)
        result = make_works(request, works, error);
    if (result == 0)
        result = make_harnesses(request, harness, &draft.harnesses, error);
    if (draft.limited)
        count = default_counts(request->effective, counts);
    else
        memcpy(counts, request->workers, sizeof counts);
    bool enough = result == 0;
    enough = enough && add_round(&plan, &draft, 1, true) == 0;
    for (size_t i = 0; i < count && enough; i++)
        enough = add_round(&plan, &draft, counts[i], false) == 0;
    for (size_t i = 0, cells = plan.count; i < cells && enough; i++)
        enough = add_base(&plan, i) == 0 && add_ceiling(&plan, i, request->effective) == 0;
    if (result == 0 && !enough)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    if (result == 0 && plan.count == 0)
        result = fb_error_set(error, -EINVAL, "nothing to measure: no harness runs these kernels");
    free(works);
    free(harness);
    if (result < 0)
        fb_plan_clear(&plan);
    else
        *ret_plan = plan;
    return result;
}
