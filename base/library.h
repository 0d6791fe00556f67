/* Libraries that are loaded when they are first needed: libcurl alone, with all that it needs, would
 * make the start of every process 3 ms longer, which is three times what it takes. */
#ifndef FB_LIBRARY_H
#define FB_LIBRARY_H

#include "base/error.h"

#include <stddef.h>

/* A function of a library, and the pointer that is to have its address. */
struct fb_symbol {
    const char *name;
    void *pointer;
};

/* Loads the library of that file name for good, and sets all pointers. 0, or -ENOPKG with *error: it
 * is not installed, or lacks one of them. */
int fb_library_load(const char *name, const struct fb_symbol *symbol, size_t symbols,
                    struct fb_error *error);

/* For a struct of pointers that are called as the library's functions are, but for the prefix. */
#define FB_SYMBOL(table, prefix, function)                                                         \
    {                                                                                              \
#prefix #function, &(table).function                                                       \
    }
#define FB_SYMBOL_POINTER(prefix, function) __typeof__(&prefix##function) function

#endif
