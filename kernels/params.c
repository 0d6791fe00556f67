/* Reads the parameters of a kernel from text. */
#include "kernels/kernel.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int find(const struct fb_kernel *kernel, const char *name, size_t length)
{
    for (int i = 0; kernel->params[i].name; i++)
        if (strlen(kernel->params[i].name) == length &&
            memcmp(kernel->params[i].name, name, length) == 0)
            return i;
    return -1;
}

/* Digits only: strtoull alone would accept blanks and signs, and wrap negative numbers. */
static bool parse_number(const char *text, uint64_t *ret_number)
{
    if (!*text || text[strspn(text, "0123456789")])
        return false;
    errno = 0;
    *ret_number = strtoull(text, NULL, 10);
    return errno == 0;
}

static int parse_choice(const struct fb_param *param, const char *text, uint64_t *ret_index)
{
    for (uint64_t i = 0; param->choices[i]; i++)
        if (strcmp(param->choices[i], text) == 0) {
            *ret_index = i;
            return 0;
        }
    return -EINVAL;
}

static int refuse_choice(const struct fb_param *param, const char *text, struct fb_error *error)
{
    char list[120] = "";
    for (int i = 0; param->choices[i]; i++) {
        strncat(list, i ? ", " : "", sizeof list - strlen(list) - 1);
        strncat(list, param->choices[i], sizeof list - strlen(list) - 1);
    }
    return fb_error_set(error, -EINVAL, "not one of the choices: %s=%.40s: give one of %s",
                        param->name, text, list);
}

static int parse(const struct fb_param *param, const char *text, uint64_t *ret_number,
                 struct fb_error *error)
{
    uint64_t number = 0;
    switch (param->type) {
    case FB_PARAM_TEXT:
        break;
    case FB_PARAM_CHOICE:
        if (parse_choice(param, text, &number) < 0)
            return refuse_choice(param, text, error);
        break;
    case FB_PARAM_NUMBER:
        if (!parse_number(text, &number) || number < param->least || number > param->most)
            return fb_error_set(error, -EINVAL,
                                "bad value: %s=%.40s: give a whole number from %" PRIu64
                                " to %" PRIu64,
                                param->name, text, param->least, param->most);
    }
    *ret_number = number;
    return 0;
}

static int assign(struct fb_params *params, int index, const char *text, struct fb_error *error)
{
    uint64_t number = 0;
    int result = parse(&params->kernel->params[index], text, &number, error);
    if (result < 0)
        return result;
    char *copy = strdup(text);
    if (!copy)
        return fb_error_set(error, -ENOMEM, "out of memory");
    free(params->value[index].text);
    params->value[index].text = copy;
    params->value[index].number = number;
    return 0;
}

int fb_params_init(struct fb_params *params, const struct fb_kernel *kernel)
{
    memset(params, 0, sizeof *params);
    params->kernel = kernel;
    for (int i = 0; kernel->params[i].name; i++) {
        int result = assign(params, i, kernel->params[i].initial, NULL);
        if (result < 0) {
            fb_params_clear(params);
            return result;
        }
    }
    return 0;
}

int fb_params_set(struct fb_params *params, const char *assignment, struct fb_error *error)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return fb_error_set(error, -EINVAL, "not a parameter: %.60s: write NAME=VALUE", assignment);
    int index = find(params->kernel, assignment, (size_t)(equals - assignment));
    if (index < 0)
        return fb_error_set(error, -EINVAL,
                            "no such parameter of %s: %.*s: `forkbench list kernels` shows them",
                            params->kernel->name,
                            (int)(equals - assignment < 60 ? equals - assignment : 60), assignment);
    return assign(params, index, equals + 1, error);
}

static int declared(const struct fb_params *params, const char *name)
{
    int index = find(params->kernel, name, strlen(name));
    assert(index >= 0);
    return index;
}

uint64_t fb_params_number(const struct fb_params *params, const char *name)
{
    return params->value[declared(params, name)].number;
}

const char *fb_params_text(const struct fb_params *params, const char *name)
{
    return params->value[declared(params, name)].text;
}

void fb_params_clear(struct fb_params *params)
{
    for (int i = 0; i < FB_PARAMS_MOST; i++) {
        free(params->value[i].text);
        params->value[i].text = NULL;
    }
}
