/* A peer: CPython's ProcessPoolExecutor (fork). */
#include "harness/cpython/peer.h"

FB_PEER_HARNESS(cpython_process, "cpython-process", "a peer: CPython's ProcessPoolExecutor (fork)",
                "process", "cpython-single");
