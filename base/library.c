#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int fb_library_load(const char *name, const struct fb_symbol *symbol, size_t symbols,
                    struct fb_error *error)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return fb_error_set(error, -ENOPKG, "can't load %s: %.150s: install it", name, dlerror());
    for (size_t i = 0; i < symbols; i++) {
        void *address = dlsym(library, symbol[i].name);
        if (!address)
            return fb_error_set(error, -ENOPKG, "%s has no %s: install a newer one", name,
                                symbol[i].name);
        memcpy(symbol[i].pointer, &address, sizeof address); /* ISO C has no cast from void * */
    }
    return 0;
}
