/* A peer: CPython's ProcessPoolExecutor (spawn). */
#include "harness/cpython/peer.h"

FB_PEER_HARNESS(cpython_spawn, "cpython-spawn", "a peer: CPython's ProcessPoolExecutor (spawn)",
                "spawn", "cpython-single");
