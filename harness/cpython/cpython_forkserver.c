/* A peer: CPython's ProcessPoolExecutor (forkserver). */
#include "harness/cpython/peer.h"

FB_PEER_HARNESS(cpython_forkserver, "cpython-forkserver",
                "a peer: CPython's ProcessPoolExecutor (forkserver)", "forkserver",
                "cpython-single");
