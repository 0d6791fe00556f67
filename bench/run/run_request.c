#include "bench/run/run_request.h"

#include "bench/format/json.h"
#include "bench/format/result_dir.h"
#include "bench/host/build.h"

#include <errno.h>

static json_t *list_json(const char *const *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, fb_json_text(list[i]));
    return array;
}

json_t *fb_run_request_json(const struct fb_run_request *request, const struct fb_machine *machine)
{
    const struct fb_plan_request *plan = &request->plan;
    json_t *workers = json_array();
    for (size_t i = 0; i < plan->worker_counts; i++)
        json_array_append_new(workers, json_integer((json_int_t)plan->workers[i]));
    return json_pack(
        "{si so ss ss so so so so so sI sf sf sf sb ss? sO?}", "schema", FB_SCHEMA, "build",
        fb_build_json(&fb_build), "started_utc", machine->utc, "stamp", machine->stamp, "machine",
        fb_machine_json(machine), "kernels", list_json(plan->kernel, plan->kernels), "harnesses",
        list_json(plan->harness, plan->harnesses), "params", list_json(plan->param, plan->params),
        "workers", workers, "seed", (json_int_t)request->seed, "precision", request->precision,
        "budget_s", request->budget_s[FB_FAMILY_C], "cpython_budget_s",
        request->budget_s[FB_FAMILY_CPYTHON], "bind", request->bind, "against", request->against,
        "against_build", request->against_build);
}

static size_t read_list(const json_t *head, const char *name, const char **list)
{
    const json_t *array = json_object_get(head, name);
    size_t count = 0;
    for (; count < json_array_size(array) && count < FB_LIST_MOST; count++) {
        const char *text = json_string_value(json_array_get(array, count));
        list[count] = text ? text : "";
    }
    return count;
}

void fb_run_request_read(const json_t *head, struct fb_run_request *request)
{
    struct fb_plan_request *plan = &request->plan;
    plan->kernels = read_list(head, "kernels", plan->kernel);
    plan->harnesses = read_list(head, "harnesses", plan->harness);
    plan->params = read_list(head, "params", plan->param);
    const json_t *workers = json_object_get(head, "workers");
    for (size_t i = 0; i < json_array_size(workers) && i < FB_LIST_MOST; i++)
        plan->workers[plan->worker_counts++] =
            (unsigned)json_integer_value(json_array_get(workers, i));
    request->seed = (uint64_t)json_integer_value(json_object_get(head, "seed"));
    request->precision = json_number_value(json_object_get(head, "precision"));
    request->budget_s[FB_FAMILY_C] = json_number_value(json_object_get(head, "budget_s"));
    request->budget_s[FB_FAMILY_CPYTHON] =
        json_number_value(json_object_get(head, "cpython_budget_s"));
    request->bind = json_is_true(json_object_get(head, "bind"));
    request->against = json_string_value(json_object_get(head, "against"));
}

/* The first field of `now` that differs in `before`, or NULL. */
static const char *find_difference(json_t *now, const json_t *before)
{
    const char *name;
    json_t *value;
    json_object_foreach(now, name, value)
    {
        if (!json_equal(value, json_object_get(before, name)))
            return name;
    }
    return NULL;
}

int fb_run_request_check(const json_t *head, const struct fb_machine *machine,
                         struct fb_error *error)
{
    json_t *build = fb_build_json(&fb_build), *conditions = fb_machine_json(machine);
    const char *name = find_difference(build, json_object_get(head, "build"));
    int result = 0;
    if (name)
        result = fb_error_set(error, -EXDEV,
                              "can't go on with another build: %s differs: measure anew", name);
    else if ((name = find_difference(conditions, json_object_get(head, "machine"))))
        result = fb_error_set(error, -EXDEV,
                              "can't go on under other conditions: %s differs: measure anew", name);
    json_decref(build);
    json_decref(conditions);
    return result;
}
