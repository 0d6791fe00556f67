/* A peer: CPython's multiprocessing.Pool (fork). */
#include "harness/cpython/peer.h"

FB_PEER_HARNESS(cpython_pool, "cpython-pool", "a peer: CPython's multiprocessing.Pool (fork)",
                "pool", "cpython-single");
