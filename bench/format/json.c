#include "bench/format/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *fb_json_text(const char *text)
{
    json_t *string = json_string(text);
    char *copy = string ? NULL : strdup(text);
    if (!copy)
        return string;
    for (char *byte = copy; *byte; byte++)
        if ((unsigned char)*byte >= 0x80)
            *byte = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

json_t *fb_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

int fb_json_print(json_t *root, FILE *to)
{
    int result = root && json_dumpf(root, to, JSON_INDENT(1)) == 0 ? 0 : -EIO;
    json_decref(root);
    fputc('\n', to);
    return result == 0 && !ferror(to) ? 0 : -EIO;
}
