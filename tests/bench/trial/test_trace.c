/* harness/worker/stamps.c and bench/trial/trace.c: spans from invented stamps. */
#include "tests/support/support.h"

#include "bench/trial/trace.h"

#include <string.h>

/* ---- invented stamps ---- */

#define ROOM 8u
#define START_NS 10000u /* at tick 1000; a tick takes 2 ns */

static struct fb_stamp entry[2][ROOM];
static struct fb_stamps stamps[2];
static struct fb_report report;
static struct fb_trace trace;

static int begin(void **state)
{
    (void)state;
    memset(entry, 0, sizeof entry);
    for (int i = 0; i < 2; i++)
        stamps[i] = (struct fb_stamps){ .mask = ROOM - 1, .entry = entry[i] };
    report = (struct fb_report){ .workers = 2,
                                 .stamps = stamps,
                                 .between = { { 1000, 10000 }, { 2000, 12000 } } };
    return 0;
}

static int end(void **state)
{
    (void)state;
    fb_trace_clear(&trace);
    return 0;
}

static void note_item(unsigned worker, uint64_t ticks, enum fb_event event, uint64_t item)
{
    struct fb_stamps *to = &stamps[worker];
    fb_stamp(to, event, item);
    to->entry[(to->count - 1) & to->mask].ticks = ticks;
}

static void note(unsigned worker, uint64_t ticks, enum fb_event event)
{
    note_item(worker, ticks, event, 0);
}

static void take(uint64_t start_ns)
{
    assert_int_equal(fb_trace_take(&report, start_ns, &trace), 0);
}

static void check_span(size_t index, unsigned worker, enum fb_trace_kind kind, uint64_t begin_ns,
                       uint64_t end_ns, uint64_t item)
{
    assert_true(index < trace.count);
    const struct fb_trace_span *span = &trace.span[index];
    assert_int_equal(span->worker, worker);
    assert_int_equal(span->kind, kind);
    assert_int_equal(span->begin_ns, begin_ns);
    assert_int_equal(span->end_ns, end_ns);
    assert_int_equal(span->item, item);
}

static void a_chunk_ends_where_the_next_begins(void **state)
{
    (void)state;
    const uint64_t last = ((uint64_t)1 << FB_STAMP_ITEM_BITS) - 1;
    note_item(0, 1100, FB_EVENT_CHUNK, 0);
    note_item(0, 1200, FB_EVENT_CHUNK, last);
    note(0, 1300, FB_EVENT_IDLE);
    note_item(0, 1400, FB_EVENT_CHUNK, 5);
    note(0, 1500, FB_EVENT_IDLE);
    note(0, 1600, FB_EVENT_IDLE);
    take(START_NS);
    assert_int_equal(trace.count, 3);
    assert_int_equal(trace.lost, 0);
    check_span(0, 0, FB_TRACE_CHUNK, 200, 400, 0);
    check_span(1, 0, FB_TRACE_CHUNK, 400, 600, last);
    check_span(2, 0, FB_TRACE_CHUNK, 800, 1000, 5);
}

static void the_lock_changes_hands_within_a_chunk(void **state)
{
    (void)state;
    note(0, 1010, FB_EVENT_WANT);
    note(0, 1020, FB_EVENT_TAKEN);
    note_item(0, 1030, FB_EVENT_CHUNK, 9);
    note(0, 1040, FB_EVENT_DROPPED);
    note(0, 1050, FB_EVENT_WANT);
    note(0, 1060, FB_EVENT_TAKEN);
    note(0, 1070, FB_EVENT_IDLE);
    note(0, 1080, FB_EVENT_DROPPED);
    take(START_NS);
    assert_int_equal(trace.count, 5);
    check_span(0, 0, FB_TRACE_WAIT, 20, 40, 0);
    check_span(1, 0, FB_TRACE_HOLD, 40, 80, 0);
    check_span(2, 0, FB_TRACE_WAIT, 100, 120, 0);
    check_span(3, 0, FB_TRACE_CHUNK, 60, 140, 9);
    check_span(4, 0, FB_TRACE_HOLD, 120, 160, 0);
}

/* A stamp of one worker does not end a span of another. */
static void spans_are_ordered_by_worker(void **state)
{
    (void)state;
    note_item(1, 1100, FB_EVENT_CHUNK, 4);
    note(1, 1300, FB_EVENT_IDLE);
    note(0, 1000, FB_EVENT_TAKEN);
    note_item(0, 1400, FB_EVENT_CHUNK, 2);
    note(0, 1500, FB_EVENT_IDLE);
    note(1, 1600, FB_EVENT_DROPPED);
    take(START_NS);
    assert_int_equal(trace.count, 2);
    check_span(0, 0, FB_TRACE_CHUNK, 800, 1000, 2);
    check_span(1, 1, FB_TRACE_CHUNK, 200, 600, 4);
}

static void spans_without_an_end_are_left_out(void **state)
{
    (void)state;
    note(0, 1100, FB_EVENT_IDLE); /* an end without a start */
    note(0, 1100, FB_EVENT_DROPPED);
    note(0, 1200, FB_EVENT_TAKEN);
    note(0, 1300, FB_EVENT_WANT);
    note_item(0, 1400, FB_EVENT_CHUNK, 7);
    take(START_NS);
    assert_int_equal(trace.count, 0);
    assert_int_equal(trace.lost, 0);
}

static void without_stamps_there_are_no_spans(void **state)
{
    (void)state;
    take(START_NS);
    assert_int_equal(trace.count, 0);
    fb_trace_clear(&trace);
    fb_trace_clear(&trace);
    assert_null(trace.span);
}

/* Item i begins at tick 1000 + i. */
static void note_items(unsigned worker, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        note_item(worker, 1000 + i, FB_EVENT_CHUNK, i);
}

static void a_full_ring_loses_nothing(void **state)
{
    (void)state;
    note_items(0, ROOM);
    take(START_NS);
    assert_int_equal(trace.lost, 0);
    assert_int_equal(trace.count, ROOM - 1);
    for (uint64_t i = 0; i + 1 < ROOM; i++)
        check_span(i, 0, FB_TRACE_CHUNK, 2 * i, 2 * i + 2, i);
}

static void the_newest_stamps_are_kept(void **state)
{
    (void)state;
    note(1, 1000, FB_EVENT_TAKEN); /* will be overwritten: its span has no start */
    note_items(1, ROOM - 1);
    note(1, 1100, FB_EVENT_DROPPED);
    note_items(0, 3 * ROOM + 1);
    take(START_NS);
    assert_int_equal(trace.lost, 1 + 2 * ROOM + 1);
    assert_int_equal(trace.count, ROOM - 1 + ROOM - 2);
    for (uint64_t i = 0; i < ROOM - 1; i++) {
        uint64_t item = 2 * ROOM + 1 + i;
        check_span(i, 0, FB_TRACE_CHUNK, 2 * item, 2 * item + 2, item);
    }
    for (uint64_t i = 0; i < ROOM - 2; i++)
        check_span(ROOM - 1 + i, 1, FB_TRACE_CHUNK, 2 * i, 2 * i + 2, i);
}

/* The two clocks differ by some nanoseconds. */
static void nothing_begins_before_the_job(void **state)
{
    (void)state;
    note_item(0, 900, FB_EVENT_CHUNK, 1); /* before the first reading of the clocks */
    note_item(0, 1100, FB_EVENT_CHUNK, 2);
    note_item(0, 1200, FB_EVENT_CHUNK, 3);
    note(0, 1300, FB_EVENT_IDLE);
    take(START_NS + 300);
    assert_int_equal(trace.count, 3);
    check_span(0, 0, FB_TRACE_CHUNK, 0, 0, 1);
    check_span(1, 0, FB_TRACE_CHUNK, 0, 100, 2);
    check_span(2, 0, FB_TRACE_CHUNK, 100, 300, 3);
}

/* ---- clocks and sizes ---- */

static void ticks_are_converted_to_time(void **state)
{
    (void)state;
    static const struct fb_instant slow[2] = { { 1000, 50000 }, { 2000, 60000 } };
    static const struct fb_instant fast[2] = { { 7, 100 }, { 3000000007, 1000000100 } };
    assert_int_equal(fb_instant_ns(slow, 1000), 50000);
    assert_int_equal(fb_instant_ns(slow, 2000), 60000);
    assert_int_equal(fb_instant_ns(slow, 1250), 52500);
    assert_int_equal(fb_instant_ns(slow, 3000), 70000);
    assert_int_equal(fb_instant_ns(slow, 999), 50000);
    assert_int_equal(fb_instant_ns(slow, 0), 50000);
    for (uint64_t ns = 0; ns <= 2000000000; ns += 1000003) {
        uint64_t got = fb_instant_ns(fast, 7 + 3 * ns);
        assert_true(got + 1 >= 100 + ns && got <= 100 + ns + 1);
    }
}

static void an_instant_is_now(void **state)
{
    (void)state;
    struct fb_instant before = fb_instant_now(), after = before;
    for (uint64_t now = clock_ms(); clock_ms() < now + 2;)
        after = fb_instant_now();
    assert_true(after.ticks > before.ticks && after.ns > before.ns);
    assert_true(before.ns / 1000000 <= clock_ms() && before.ns / 1000000 + LIMIT_MS > clock_ms());
}

static void all_stamps_fit_into_64_MiB(void **state)
{
    (void)state;
    static const unsigned counts[] = { 1, 2, 3, 7, 64, 65, 127, 128, 1000, FB_WORKERS_MOST };
    assert_int_equal(sizeof(struct fb_stamp), 16);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        size_t each = fb_trace_stamps(counts[i]);
        assert_int_equal(each & (each - 1), 0);
        assert_true(each >= 4096);
        assert_true(counts[i] * each * sizeof(struct fb_stamp) <= (size_t)64 << 20);
    }
}

static void each_worker_has_a_ring_of_its_own(void **state)
{
    (void)state;
    struct fb_arena *arena;
    assert_int_equal(fb_arena_open(&arena), 0);
    for (size_t room = 1; room <= 9; room++) {
        struct fb_stamps *made = fb_stamps_create(arena, 3, room);
        assert_non_null(made);
        for (uint64_t item = 0; item < 100; item++)
            for (unsigned i = 0; i < 3; i++)
                fb_stamp(&made[i], FB_EVENT_WANT, item * 3 + i);
        for (unsigned i = 0; i < 3; i++) {
            size_t kept = made[i].mask + 1;
            assert_true(kept >= room && kept < 2 * room && (kept & (kept - 1)) == 0);
            assert_int_equal(made[i].count, 100);
            for (uint64_t item = 100 - kept; item < 100; item++)
                assert_int_equal(made[i].entry[item & made[i].mask].what,
                                 (uint64_t)FB_EVENT_WANT << FB_STAMP_ITEM_BITS | (item * 3 + i));
        }
        fb_stamps_reset(made, 2);
        assert_true(made[0].count == 0 && made[1].count == 0 && made[2].count == 100);
    }
    assert_null(fb_stamps_create(arena, FB_WORKERS_MOST, (size_t)1 << 40));
    fb_arena_close(arena);
    fb_stamps_reset(NULL, 3); /* without stamps both do nothing */
    fb_stamp(NULL, FB_EVENT_CHUNK, 1);
}

#define STAMPED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAMPED(a_chunk_ends_where_the_next_begins),
        STAMPED(the_lock_changes_hands_within_a_chunk),
        STAMPED(spans_are_ordered_by_worker),
        STAMPED(spans_without_an_end_are_left_out),
        STAMPED(without_stamps_there_are_no_spans),
        STAMPED(a_full_ring_loses_nothing),
        STAMPED(the_newest_stamps_are_kept),
        STAMPED(nothing_begins_before_the_job),
        cmocka_unit_test(ticks_are_converted_to_time),
        cmocka_unit_test(an_instant_is_now),
        cmocka_unit_test(all_stamps_fit_into_64_MiB),
        cmocka_unit_test(each_worker_has_a_ring_of_its_own),
    };
    return RUN_TESTS(tests);
}
