/* Loading libraries when they are first needed. Linking libcurl alone, with its dependencies, would
 * lengthen the start of every process by 3 ms, to four times as long. */
#ifndef FB_LIBRARY_H
#define FB_LIBRARY_H

#include "base/error.h"

#include <stddef.h>

/* A function of a library, and the address of the function pointer to set. */
struct fb_symbol {
    const char *name;
    void *pointer;
};

/* Loads the library of that file name, which is never unloaded, and sets all pointers. 0, or
 * -ENOPKG with *error: it is not installed, or lacks one of the functions. */
int fb_library_load(const char *name, const struct fb_symbol *symbol, size_t symbols,
                    struct fb_error *error);

/* For a struct of function pointers, named like the library's functions without their prefix. */
#define FB_SYMBOL(table, prefix, function)                                                         \
    {                                                                                              \
#prefix #function, &(table).function                                                       \
    }
#define FB_SYMBOL_POINTER(prefix, function) __typeof__(&prefix##function) function

#endif
