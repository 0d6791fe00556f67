#include "harness/mp/pool/task_ring.h"

#include "harness/mp/core/heap.h"

int task_ring_make(struct task_ring *ring, uint64_t records)
{
    ring->records = records;
    int result = fb_mp_alloc(records * sizeof *ring->record, (void **)&ring->record);
    if (result == 0)
        result = fb_mp_alloc(records * sizeof *ring->entry, (void **)&ring->entry);
    return result;
}

void task_ring_free(struct task_ring *ring)
{
    fb_mp_free((void *)ring->entry);
    fb_mp_free(ring->record);
}

bool task_ring_has_room(struct task_ring *ring, uint64_t tail)
{
    uint64_t head;
    while (tail - (head = atomic_load(&ring->head)) >= ring->records) {
        uint64_t entry = atomic_load(&ring->entry[head & (ring->records - 1)]);
        if (task_read(&ring->record[entry & 0xffff]) == task_word(head, TASK_READY, 0))
            return false;
        atomic_compare_exchange_strong(&ring->head, &head, head + 1);
    }
    return true;
}

bool task_withdraw(struct task_record *record)
{
    uint64_t ready = task_read(record);
    return task_state_of(ready) == TASK_READY &&
           atomic_compare_exchange_strong(&record->word, &ready, task_word(0, TASK_NONE, 0));
}

bool task_revoke(struct task_record *record, uint64_t seen)
{
    uint64_t revoked = task_word(seen >> 16, TASK_REVOKED, task_worker_of(seen));
    return task_state_of(seen) == TASK_CLAIMED &&
           atomic_compare_exchange_strong(&record->word, &seen, revoked);
}

uint32_t task_take_completed(struct task_ring *ring, task_list *completed)
{
    uint32_t newest = atomic_exchange(completed, 0), first = 0;
    while (newest) {
        uint32_t earlier = ring->record[newest - 1].next;
        ring->record[newest - 1].next = first;
        first = newest;
        newest = earlier;
    }
    return first;
}
