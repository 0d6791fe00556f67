/* `forkbench list`: kernels, harnesses, lessons and variants, and why some are missing. */
#include "bench/host/build.h"
#include "bench/command/cli.h"
#include "bench/format/json.h"
#include "bench/command/lessons.h"

#include "harness/harness.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct options {
    bool kernels, harnesses, variants, lessons, json;
};

static const struct argp_option option_table[] = {
    { "json", 'j', 0, 0, "Print JSON", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    if (key == 'j') {
        options->json = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG && strcmp(arg, "kernels") == 0) {
        options->kernels = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG && strcmp(arg, "harnesses") == 0) {
        options->harnesses = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG && strcmp(arg, "variants") == 0) {
        options->variants = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG && strcmp(arg, "lessons") == 0) {
        options->lessons = true;
        return 0;
    }
    return fb_parse_rest(key, arg, state);
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "[kernels|harnesses|lessons|variants]",
    .doc = "Lists kernels with their parameters, and harnesses; for those that are missing, the "
           "reason. Or only lessons, or variants of harnesses, such as the interpreters on this "
           "machine.",
};

static const char *const bound_names[] = { "CPU", "memory", "I/O" };

/* Why a harness can't be used on this machine; "": it can. */
static void find_reason(const struct fb_harness *harness, char *reason, size_t size)
{
    struct fb_error error = { 0 };
    char variant[PATH_MAX];
    reason[0] = '\0';
    if (harness->find && harness->find(NULL, variant, sizeof variant, &error) < 0)
        snprintf(reason, size, "%s", error.text);
}

static void print_param(const struct fb_param *param)
{
    char values[160] = "text";
    if (param->type == FB_PARAM_NUMBER)
        snprintf(values, sizeof values, "%" PRIu64 "…%" PRIu64, param->least, param->most);
    if (param->type == FB_PARAM_CHOICE) {
        values[0] = '\0';
        for (int i = 0; param->choices[i]; i++) {
            strncat(values, i ? "|" : "", sizeof values - strlen(values) - 1);
            strncat(values, param->choices[i], sizeof values - strlen(values) - 1);
        }
    }
    char assignment[64];
    snprintf(assignment, sizeof assignment, "%s=%s", param->name, param->initial);
    printf("    -p %-18s %s (%s)\n", assignment, param->help, values);
}

static void print_kernels(void)
{
    puts("Kernels:");
    for (const struct fb_kernel *const *kernel = fb_kernels; *kernel; kernel++) {
        printf("  %-16s %s [%s-bound]\n", (*kernel)->name, (*kernel)->summary,
               bound_names[(*kernel)->bound]);
        for (const struct fb_param *param = (*kernel)->params; param->name; param++)
            print_param(param);
    }
    for (const struct fb_missing *missing = fb_kernels_missing; missing->name; missing++)
        printf("  %-16s missing: %s\n", missing->name, missing->reason);
}

static void print_harnesses(void)
{
    puts("Harnesses:");
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        char reason[FB_ERROR_TEXT];
        find_reason(*harness, reason, sizeof reason);
        printf("  %-16s %s%s%s\n", (*harness)->name, (*harness)->summary,
               reason[0] ? "; missing: " : "", reason);
    }
    for (const struct fb_missing *missing = fb_harnesses_missing; missing->name; missing++)
        printf("  %-16s missing: %s\n", missing->name, missing->reason);
}

static int print_lessons(bool json)
{
    struct fb_error error = { 0 };
    if (!json)
        return fb_lessons_print(&error) < 0 ? fb_fail_with(&error) : FB_EXIT_OK;
    json_t *list = json_array();
    for (size_t i = 0; fb_lessons[i]; i++) {
        struct fb_lesson lesson;
        if (fb_lesson_find(fb_lessons[i], &lesson, &error) < 0) {
            json_decref(list);
            return fb_fail_with(&error);
        }
        json_array_append_new(list, json_pack("{ss ss ss}", "name", fb_lessons[i], "title",
                                              lesson.title, "rows", lesson.rows));
    }
    return fb_json_print(json_pack("{so}", "lessons", list), stdout) == 0 ? FB_EXIT_OK
                                                                          : FB_EXIT_IMPOSSIBLE;
}

/* Prints the variants of all harnesses that can list them, as "name=variant". */
static int print_variants(bool json)
{
    json_t *list = json_array();
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        char **names;
        if (!(*harness)->variants || (*harness)->variants(&names) < 0)
            continue;
        for (size_t i = 0; names[i]; i++) {
            char variant[PATH_MAX];
            struct fb_error error;
            if ((*harness)->find(names[i], variant, sizeof variant, &error) < 0)
                continue;
            if (!json)
                printf("%s=%s%s%s\n", (*harness)->name, names[i],
                       (*harness)->interpreter ? "  " : "", (*harness)->interpreter ? variant : "");
            json_array_append_new(list, json_pack("{ss so so}", "harness", (*harness)->name,
                                                  "variant", fb_json_text(names[i]), "means",
                                                  fb_json_text(variant)));
        }
        free(names);
    }
    if (!json) {
        json_decref(list);
        return FB_EXIT_OK;
    }
    return fb_json_print(json_pack("{so}", "variants", list), stdout) == 0 ? FB_EXIT_OK
                                                                           : FB_EXIT_IMPOSSIBLE;
}

static json_t *param_json(const struct fb_param *param)
{
    json_t *object = json_pack("{ss ss ss}", "name", param->name, "default", param->initial, "help",
                               param->help);
    if (param->type == FB_PARAM_NUMBER) {
        json_object_set_new(object, "least", json_integer((json_int_t)param->least));
        json_object_set_new(object, "most", json_integer((json_int_t)param->most));
    }
    if (param->type == FB_PARAM_CHOICE) {
        json_t *choices = json_array();
        for (int i = 0; param->choices[i]; i++)
            json_array_append_new(choices, json_string(param->choices[i]));
        json_object_set_new(object, "choices", choices);
    }
    return object;
}

static void add_missing(json_t *list, const struct fb_missing *missing)
{
    for (; missing->name; missing++)
        json_array_append_new(
            list, json_pack("{ss ss}", "name", missing->name, "missing", missing->reason));
}

static json_t *kernels_json(void)
{
    json_t *list = json_array();
    for (const struct fb_kernel *const *kernel = fb_kernels; *kernel; kernel++) {
        json_t *params = json_array();
        for (const struct fb_param *param = (*kernel)->params; param->name; param++)
            json_array_append_new(params, param_json(param));
        json_array_append_new(list, json_pack("{ss ss ss so}", "name", (*kernel)->name, "summary",
                                              (*kernel)->summary, "bound",
                                              bound_names[(*kernel)->bound], "parameters", params));
    }
    add_missing(list, fb_kernels_missing);
    return list;
}

static json_t *harnesses_json(void)
{
    json_t *list = json_array();
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        char reason[FB_ERROR_TEXT];
        find_reason(*harness, reason, sizeof reason);
        json_t *object = json_pack("{ss ss sb}", "name", (*harness)->name, "summary",
                                   (*harness)->summary, "native", (*harness)->native);
        if (reason[0])
            json_object_set_new(object, "missing", json_string(reason));
        json_array_append_new(list, object);
    }
    add_missing(list, fb_harnesses_missing);
    return list;
}

static int list_main(int argc, char **argv)
{
    struct options options = { 0 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    if (options.variants)
        return print_variants(options.json);
    if (options.lessons)
        return print_lessons(options.json);
    bool all = !options.kernels && !options.harnesses;
    if (!options.json) {
        if (all || options.kernels)
            print_kernels();
        if (all || options.harnesses)
            print_harnesses();
        return FB_EXIT_OK;
    }
    json_t *root = json_object();
    if (all)
        json_object_set_new(root, "build", fb_build_json(&fb_build));
    if (all || options.kernels)
        json_object_set_new(root, "kernels", kernels_json());
    if (all || options.harnesses)
        json_object_set_new(root, "harnesses", harnesses_json());
    return fb_json_print(root, stdout) == 0 ? FB_EXIT_OK : FB_EXIT_IMPOSSIBLE;
}

const struct fb_command fb_command_list = {
    .name = "list",
    .summary = "kernels and harnesses, with the reason for those that are missing",
    .main = list_main,
};
