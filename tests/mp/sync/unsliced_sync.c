/* Locks, semaphores, events and conditions; in place of the library's. */
#include "tests/mp/sync/unsliced_sleep.h"

#include "harness/mp/sync/sync.c"
