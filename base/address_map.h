/* Where shared memory lies. Another image of the program, whose libraries the kernel puts elsewhere,
 * has to find the same addresses free: so they are away from where it puts libraries and stacks, and
 * where the sanitizers allow it. */
#ifndef FB_ADDRESS_MAP_H
#define FB_ADDRESS_MAP_H

#include <stdint.h>

#define FB_ARENA_SPAN ((uintptr_t)1 << 38)
#define FB_HEAP_SPAN ((uintptr_t)1 << 36)

#define FB_ARENA_PLACE ((uintptr_t)0x7eb000000000)
#define FB_HEAP_ADDRESS ((uintptr_t)0x7e9000000000)
/* Of further arenas, beside the first: this one, and those below it. */
#define FB_ARENA_NEXT_PLACE ((uintptr_t)0x7e5000000000)

_Static_assert(FB_HEAP_ADDRESS + FB_HEAP_SPAN <= FB_ARENA_PLACE, "the heap ends before the arena");
_Static_assert(FB_ARENA_NEXT_PLACE + FB_ARENA_SPAN <= FB_HEAP_ADDRESS,
               "and begins behind the others");

#endif
