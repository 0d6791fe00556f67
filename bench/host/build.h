/* Which build of forkbench this is. `compare` judges two runs of one build, or of builds that
 * differ in one of these. */
#ifndef FB_BUILD_H
#define FB_BUILD_H

#include <jansson.h>

struct fb_build {
    const char *version, *commit, *compiler;
    const char *kernels, *harnesses; /* hashes of their machine code */
};

extern const struct fb_build fb_build;

/* {"version": …, "commit": …, "compiler": …, "kernels": …, "harnesses": …} */
json_t *fb_build_json(const struct fb_build *build);

#endif
