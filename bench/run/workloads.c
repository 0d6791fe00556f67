#include "bench/run/workloads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const default_kernels[] = { "divisors", "primes", "resize" };

static const struct fb_param *find_param(const struct fb_kernel *kernel, const char *assignment)
{
    size_t length = strcspn(assignment, "=");
    for (const struct fb_param *param = kernel->params; param->name; param++)
        if (strlen(param->name) == length && memcmp(param->name, assignment, length) == 0)
            return param;
    return NULL;
}

/* Appends a copy of `before` with "NAME=VALUE" added. */
static int add_value(struct fb_workloads *workloads, const struct fb_workload *before,
                     const char *list, const char *value, size_t length, struct fb_error *error)
{
    if (workloads->count == FB_LIST_MOST)
        return fb_error_set(error, -E2BIG, "too many parameter values: %.60s: give fewer", list);
    struct fb_workload *workload = &workloads->list[workloads->count++];
    *workload = *before;
    int used = snprintf(workload->params, sizeof workload->params, "%s%s%.*s%.*s", before->params,
                        before->params[0] ? " " : "", (int)strcspn(list, "=") + 1, list,
                        (int)length, value);
    if (used >= (int)sizeof workload->params)
        return fb_error_set(error, -E2BIG, "parameters too long: %.60s: shorten them", list);
    return 0;
}

/* Replaces each workload from index `from` on by one for each value of "NAME=V1,V2". A text
 * parameter has one value, which may contain commas. */
static int multiply(struct fb_workloads *workloads, size_t from, const struct fb_param *param,
                    const char *list, struct fb_error *error)
{
    struct fb_workloads before = *workloads;
    workloads->count = from;
    for (size_t i = from; i < before.count; i++) {
        const char *value = strchr(list, '=') + 1;
        for (bool more = true; more;) {
            size_t length = strcspn(value, param->type == FB_PARAM_TEXT ? "" : ",");
            int result = add_value(workloads, &before.list[i], list, value, length, error);
            if (result < 0)
                return result;
            more = value[length] == ',';
            value += length + more;
        }
    }
    return 0;
}

/* Checks the parameters of a workload, so that a run does not fail at its first trial. */
static int try_params(const struct fb_workload *workload, struct fb_error *error)
{
    struct fb_params params;
    char copy[FB_TEXT], *next = copy;
    if (fb_params_init(&params, workload->kernel) < 0)
        return fb_error_set(error, -ENOMEM, "out of memory");
    snprintf(copy, sizeof copy, "%s", workload->params);
    int result = 0;
    while (*copy && next && result == 0)
        result = fb_params_set(&params, strsep(&next, " "), error);
    fb_params_clear(&params);
    return result;
}

static int add_workloads(struct fb_workloads *workloads, const struct fb_kernel *kernel,
                         const struct fb_plan_request *request, struct fb_error *error)
{
    size_t from = workloads->count;
    if (workloads->count == FB_LIST_MOST)
        return fb_error_set(error, -E2BIG, "too many kernels: give fewer");
    workloads->list[workloads->count++] = (struct fb_workload){ .kernel = kernel };
    for (size_t i = 0; i < request->params; i++) {
        const struct fb_param *param = find_param(kernel, request->param[i]);
        int result = param ? multiply(workloads, from, param, request->param[i], error) : 0;
        if (result < 0)
            return result;
    }
    for (size_t i = from; i < workloads->count; i++) {
        int result = try_params(&workloads->list[i], error);
        if (result < 0)
            return result;
    }
    return 0;
}

static int check_params(const struct fb_plan_request *request, const struct fb_workloads *workloads,
                        struct fb_error *error)
{
    for (size_t i = 0; i < request->params; i++) {
        const char *param = request->param[i];
        bool known = false;
        if (!strchr(param, '='))
            return fb_error_set(error, -EINVAL, "not a parameter: %.60s: write NAME=VALUE", param);
        if (strchr(param, ' '))
            return fb_error_set(error, -EINVAL, "a blank in a parameter: %.60s: rename it", param);
        for (size_t k = 0; k < workloads->count; k++)
            known |= find_param(workloads->list[k].kernel, param) != NULL;
        if (!known)
            return fb_error_set(error, -EINVAL,
                                "no such parameter: %.60s: `forkbench list kernels` shows them",
                                param);
    }
    return 0;
}

int fb_workloads_make(const struct fb_plan_request *request, struct fb_workloads *workloads,
                      struct fb_error *error)
{
    bool given = request->kernels > 0;
    size_t count = given ? request->kernels : sizeof default_kernels / sizeof *default_kernels;
    struct fb_workloads plain = { 0 };
    for (size_t i = 0; i < count; i++) {
        const char *name = given ? request->kernel[i] : default_kernels[i];
        const struct fb_kernel *kernel = fb_kernel_find(name);
        if (kernel)
            plain.list[plain.count++].kernel = kernel;
        else if (given)
            return fb_error_set(error, -EINVAL,
                                "no such kernel: %.60s: `forkbench list kernels` shows them", name);
    }
    int result = check_params(request, &plain, error);
    for (size_t i = 0; i < plain.count && result == 0; i++)
        result = add_workloads(workloads, plain.list[i].kernel, request, error);
    return result;
}
