#include "tests/support/support.h"

#include "tests/mp/shared_page.h"

#include "harness/mp/core/heap.h"

#include <string.h>

struct shared_page *shared_page;

struct shared_page *shared_page_of(const void *argument)
{
    struct shared_page *given;
    memcpy(&given, argument, sizeof given);
    return given;
}

int shared_page_make(void **state)
{
    void *memory;
    if (fb_mp_alloc(*(const size_t *)*state, &memory) < 0)
        return -1;
    shared_page = memory;
    return 0;
}

int shared_page_free(void **state)
{
    (void)state;
    return fb_mp_free(shared_page);
}
