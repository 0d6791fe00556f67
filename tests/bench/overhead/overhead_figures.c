#include "tests/support/support.h"

#include "tests/bench/overhead/overhead_figures.h"

#include "base/cpus.h"

#include <math.h>
#include <string.h>

void measured_read(struct measured *measured, const char *text, size_t rounds)
{
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    const json_t *machine = json_object_get(root, "machine");
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    *measured = (struct measured){
        .root = root,
        .metrics = json_object_get(root, "metrics"),
        .curves = json_object_get(root, "curves"),
        .workers = (unsigned)json_integer_value(json_object_get(machine, "workers_default")),
        .rounds = rounds,
    };
    assert_int_equal(measured->workers, cpus.workers);
}

bool figure_has_text(const json_t *object, const char *key, const char *wanted)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return strcmp(text, wanted) == 0;
}

double figure_value(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    assert_true(json_is_number(number) || json_is_null(number));
    return json_is_number(number) ? json_number_value(number) : NAN;
}

const json_t *figure_find(const struct measured *measured, const struct figure *figure,
                          const char *name, const char *harness)
{
    const json_t *found = NULL, *metric;
    size_t i;
    json_array_foreach(measured->metrics, i, metric)
    {
        if (!figure_has_text(metric, "name", name) ||
            !figure_has_text(metric, "harness", harness) ||
            !figure_has_text(metric, "state", figure->state) ||
            !figure_has_text(metric, "binding", figure->binding) ||
            json_integer_value(json_object_get(metric, "workers")) != figure->workers)
            continue;
        assert_null(found);
        found = metric;
    }
    return found;
}

const json_t *figure_get(const struct measured *measured, const struct figure *figure,
                         const char *name, const char *harness)
{
    const json_t *metric = figure_find(measured, figure, name, harness);
    if (!metric)
        fail_msg("no %s of %s, %s, %s, on %u", name, harness, figure->state, figure->binding,
                 figure->workers);
    return metric;
}
