/* A barrier, at which all wait for the last process, and a condition, which waits until something is true. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/barrier.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#define WORKERS 3
#define TIMEOUT (30 * FB_MP_SECOND)

/* All processes use these, in shared memory. */
static struct {
    struct fb_mp_array *part, *sum; /* each worker writes its number, then the sum of all numbers */
    struct fb_mp_barrier *barrier;  /* between writing and adding */
    struct fb_mp_event *read;       /* worker 0 has written its sum */
    struct fb_mp_lock *lock;        /* protects the stock */
    struct fb_mp_condition *more;   /* notified when the stock grows */
    struct fb_mp_array *stock;
} shared;

/* The last worker is late: without the barrier, worker 0 adds before that one has written. */
static int work(const void *argument, size_t size)
{
    int number = *(const int *)argument, sum = 0;
    (void)size;
    if (number == WORKERS - 1)
        fb_mp_event_wait(shared.read, FB_MP_SECOND / 5);
    FB_MP_ITEM(shared.part, int, number) = number + 1;
    if (!lesson_is_broken())
        fb_mp_barrier_wait(shared.barrier, TIMEOUT, NULL);
    for (int i = 0; i < WORKERS; i++)
        sum += FB_MP_ITEM(shared.part, int, i);
    FB_MP_ITEM(shared.sum, int, number) = sum;
    if (number == 0)
        fb_mp_event_set(shared.read);
    return 0;
}

static bool there_are_three(void *context)
{
    (void)context;
    return *(int *)shared.stock->items >= 3;
}

/* Adds three items to the stock, one by one. */
static int supply(const void *argument, size_t size)
{
    (void)argument, (void)size;
    for (int i = 0; i < 3; i++) {
        fb_mp_lock_acquire(shared.lock, FB_MP_FOREVER);
        ++*(int *)shared.stock->items;
        fb_mp_condition_notify(shared.more, FB_MP_ALL);
        fb_mp_lock_release(shared.lock);
    }
    return 0;
}

static void set_up(void)
{
    lesson_need(FB_MP_ARRAY(int, WORKERS, false, &shared.part), "make an array");
    lesson_need(FB_MP_ARRAY(int, WORKERS, false, &shared.sum), "make an array");
    lesson_need(FB_MP_VALUE(int, false, &shared.stock), "make a shared number");
    lesson_need(fb_mp_barrier_make(WORKERS, &shared.barrier), "make a barrier");
    lesson_need(fb_mp_event_make(&shared.read), "make an event");
    lesson_need(fb_mp_lock_make(false, &shared.lock), "make a lock");
    lesson_need(fb_mp_condition_make(shared.lock, &shared.more), "make a condition");
}

static void run(void)
{
    set_up();
    for (int i = 0; i < WORKERS; i++)
        lesson_start(work, &i, sizeof i);
    lesson_join_all();
    const int *sum = shared.sum->items;
    lesson_say("the sums of the numbers 1, 2 and 3: %d %d %d", sum[0], sum[1], sum[2]);
    lesson_fact(sum[0] == 6 && sum[1] == 6 && sum[2] == 6,
                "after the barrier, each worker sees all three numbers: 6 6 6");
    fb_mp_lock_acquire(shared.lock, FB_MP_FOREVER);
    lesson_start(supply, NULL, 0);
    if (!lesson_is_broken())
        fb_mp_condition_wait_for(shared.more, there_are_three, NULL, TIMEOUT);
    int stock = *(int *)shared.stock->items;
    fb_mp_lock_release(shared.lock);
    lesson_join_all();
    lesson_say("stock: %d", stock);
    lesson_fact(stock == 3,
                "a process that waits for a stock of three continues when the stock is three");
    fb_mp_condition_free(shared.more);
    fb_mp_lock_free(shared.lock);
    fb_mp_event_free(shared.read);
    fb_mp_barrier_free(shared.barrier);
    fb_mp_array_free(shared.stock);
    fb_mp_array_free(shared.sum);
    fb_mp_array_free(shared.part);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "meeting",
        .title = "Barrier and condition",
        .rows = "M8",
        .question = "Three workers each write a number; then each adds up all three. One of them "
                    "is late. What is needed between writing and adding?",
        .choices = { "nothing: they share memory", "a lock", "a barrier" },
        .answer = 'c',
        .explains = "A lock keeps two workers from writing at the same time, but makes nobody wait "
                    "for a worker that is late. At a barrier, all wait for the last one. To wait "
                    "for something to become true, such as a stock of three, use a condition: it "
                    "releases its lock while it waits, and checks again after each notification.",
        .next = "Let a worker end before it reaches the barrier: what do the others get, and when? "
                "Notify only once, at the end: does it still work?",
        .breaks = "there is no barrier, and no wait for the stock.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
