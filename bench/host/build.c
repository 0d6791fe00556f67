#include "bench/host/build.h"

#include "bench/host/commit.h"
#include "bench/host/harness_objects.h"
#include "bench/host/kernel_objects.h"

const struct fb_build fb_build = {
    .version = FB_VERSION,
    .commit = FB_COMMIT,
#ifdef __clang__
    .compiler = "clang " __clang_version__,
#else
    .compiler = "gcc " __VERSION__,
#endif
    .kernels = FB_KERNEL_OBJECTS,
    .harnesses = FB_HARNESS_OBJECTS,
};

json_t *fb_build_json(const struct fb_build *build)
{
    return json_pack("{ss ss ss ss ss}", "version", build->version, "commit", build->commit,
                     "compiler", build->compiler, "kernels", build->kernels, "harnesses",
                     build->harnesses);
}
