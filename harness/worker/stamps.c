#include "harness/worker/stamps.h"

#include "base/clock.h"

#include <string.h>

#define READINGS 5

struct fb_stamps *fb_stamps_create(struct fb_arena *arena, unsigned workers, size_t entries)
{
    size_t room = 1;
    while (room < entries)
        room *= 2;
    struct fb_stamps *stamps = fb_arena_alloc(arena, workers * sizeof *stamps);
    struct fb_stamp *entry = fb_arena_alloc(arena, workers * room * sizeof *entry);
    if (!stamps || !entry)
        return NULL;
    memset(entry, 0, workers * room * sizeof *entry);
    for (unsigned i = 0; i < workers; i++) {
        stamps[i].mask = room - 1;
        stamps[i].entry = entry + i * room;
    }
    return stamps;
}

void fb_stamps_reset(struct fb_stamps *stamps, unsigned workers)
{
    for (unsigned i = 0; stamps && i < workers; i++)
        stamps[i].count = 0;
}

/* The narrowest of several readings: if the thread is preempted between the two clocks, a reading
 * is wrong by milliseconds. */
struct fb_instant fb_instant_now(void)
{
    struct fb_instant instant = { 0 };
    uint64_t narrowest = UINT64_MAX;
    for (int i = 0; i < READINGS; i++) {
        uint64_t before = fb_ticks(), ns = fb_now_ns(), width = fb_ticks() - before;
        if (width < narrowest) {
            narrowest = width;
            instant = (struct fb_instant){ before + width / 2, ns };
        }
    }
    return instant;
}

uint64_t fb_instant_ns(const struct fb_instant between[2], uint64_t ticks)
{
    uint64_t all = between[1].ticks - between[0].ticks;
    double rate = all ? (double)(between[1].ns - between[0].ns) / (double)all : 0;
    double since = (double)(int64_t)(ticks - between[0].ticks) * rate;
    return between[0].ns + (uint64_t)(since > 0 ? since : 0);
}
