#include "harness/harness.h"

#include <string.h>

#define FB_HARNESS(name) extern const struct fb_harness fb_harness_##name;
#define FB_MISSING(name, reason)
#include "harness/list.h"
#undef FB_HARNESS
#undef FB_MISSING

#define FB_HARNESS(name) &fb_harness_##name,
#define FB_MISSING(name, reason)
const struct fb_harness *const fb_harnesses[] = {
#include "harness/list.h"
    NULL,
};
#undef FB_HARNESS
#undef FB_MISSING

#define FB_HARNESS(name)
#define FB_MISSING(name, reason) { #name, reason },
const struct fb_missing fb_harnesses_missing[] = {
#include "harness/list.h"
    { NULL, NULL },
};

const char *const fb_schedule_names[] = { "static", "dynamic", "guided", NULL };

const struct fb_harness *fb_harness_find(const char *name, const char **ret_variant)
{
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        if (strlen((*harness)->name) != length || memcmp((*harness)->name, name, length) != 0)
            continue;
        if (equals && !((*harness)->takes_variant && equals[1]))
            return NULL;
        *ret_variant = equals ? equals + 1 : NULL;
        return *harness;
    }
    return NULL;
}

bool fb_harness_supports(const struct fb_harness *harness, const struct fb_kernel *kernel)
{
    return !harness->supports || harness->supports(kernel);
}
