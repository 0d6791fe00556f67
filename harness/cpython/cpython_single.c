/* A peer: CPython, one thread, the base of the others. */
#include "harness/cpython/peer.h"

FB_PEER_HARNESS(cpython_single, "cpython-single",
                "a peer: CPython, one thread, the base of the others", "single", NULL);
