#include "tests/support/support.h"

#include "tests/mp/shared_page.h"

#include "harness/mp/core/heap.h"

#include <string.h>

struct board *board;

struct board *board_of(const void *argument)
{
    struct board *given;
    memcpy(&given, argument, sizeof given);
    return given;
}

int board_make(void **state)
{
    void *memory;
    if (fb_mp_alloc(*(const size_t *)*state, &memory) < 0)
        return -1;
    board = memory;
    return 0;
}

int board_free(void **state)
{
    (void)state;
    return fb_mp_free(board);
}
