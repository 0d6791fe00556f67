/* The addresses of shared memory. A spawned process of the program must find them free although its
 * libraries have other random addresses. So they are far from where the kernel puts libraries and
 * stacks, and within what the sanitizers allow. */
#ifndef FB_ADDRESS_MAP_H
#define FB_ADDRESS_MAP_H

#include <stdint.h>

#define FB_ARENA_SPAN ((uintptr_t)1 << 38)
#define FB_HEAP_SPAN ((uintptr_t)1 << 36)

#define FB_ARENA_PLACE ((uintptr_t)0x7eb000000000)
#define FB_HEAP_ADDRESS ((uintptr_t)0x7e9000000000)
/* The second arena's; further ones are below it. */
#define FB_ARENA_NEXT_PLACE ((uintptr_t)0x7e5000000000)

_Static_assert(FB_HEAP_ADDRESS + FB_HEAP_SPAN <= FB_ARENA_PLACE, "the heap ends before the arena");
_Static_assert(FB_ARENA_NEXT_PLACE + FB_ARENA_SPAN <= FB_HEAP_ADDRESS,
               "the heap begins behind the other arenas");

#endif
