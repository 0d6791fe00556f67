/* The queue, recorded; in place of the library's. */
#include "tests/mp/channel/store_order.h"

#include "harness/mp/channel/queue.c"
#include "harness/mp/channel/queue_handles.c"
#include "harness/mp/channel/queue_record.c"
#include "harness/mp/channel/queue_recovery.c"
#include "harness/mp/channel/queue_ring.c"
#include "harness/mp/channel/queue_tasks.c"
