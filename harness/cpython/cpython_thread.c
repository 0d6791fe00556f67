/* A peer: CPython's ThreadPoolExecutor. */
#include "peer.h"

FB_PEER_HARNESS(cpython_thread, "cpython-thread", "a peer: CPython's ThreadPoolExecutor", "thread",
                "cpython-single");
