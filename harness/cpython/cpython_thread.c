/* A peer: CPython's ThreadPoolExecutor. */
#include "harness/cpython/peer.h"

FB_PEER_HARNESS(cpython_thread, "cpython-thread", "a peer: CPython's ThreadPoolExecutor", "thread",
                "cpython-single");
