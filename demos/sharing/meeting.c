/* A barrier, where all wait for the last one, and a condition, where one waits until something holds. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/barrier.h"
#include "harness/mp/sync/sync.h"
#include "harness/mp/sync/value.h"

#define WORKERS 3
#define PATIENCE (30 * FB_MP_SECOND)

/* What all have, in shared memory. */
static struct {
    struct fb_mp_array *part, *sum; /* each writes its part, then adds up all parts */
    struct fb_mp_barrier *barrier;  /* between the two */
    struct fb_mp_event *read;       /* worker 0 has added up */
    struct fb_mp_lock *lock;        /* guards the stock */
    struct fb_mp_condition *more;   /* the stock has grown */
    struct fb_mp_array *stock;
} desk;

/* The last worker is late: without the barrier the first one has added up by then. */
static int work(const void *argument, size_t size)
{
    int number = *(const int *)argument, sum = 0;
    (void)size;
    if (number == WORKERS - 1)
        fb_mp_event_wait(desk.read, FB_MP_SECOND / 5);
    FB_MP_ITEM(desk.part, int, number) = number + 1;
    if (!lesson_is_broken())
        fb_mp_barrier_wait(desk.barrier, PATIENCE, NULL);
    for (int i = 0; i < WORKERS; i++)
        sum += FB_MP_ITEM(desk.part, int, i);
    FB_MP_ITEM(desk.sum, int, number) = sum;
    if (number == 0)
        fb_mp_event_set(desk.read);
    return 0;
}

static bool there_are_three(void *context)
{
    (void)context;
    return *(int *)desk.stock->items >= 3;
}

/* Puts one after the other into the stock. */
static int supply(const void *argument, size_t size)
{
    (void)argument, (void)size;
    for (int i = 0; i < 3; i++) {
        fb_mp_lock_acquire(desk.lock, FB_MP_FOREVER);
        ++*(int *)desk.stock->items;
        fb_mp_condition_notify(desk.more, FB_MP_ALL);
        fb_mp_lock_release(desk.lock);
    }
    return 0;
}

static void set_up(void)
{
    lesson_need(FB_MP_ARRAY(int, WORKERS, false, &desk.part), "make an array");
    lesson_need(FB_MP_ARRAY(int, WORKERS, false, &desk.sum), "make an array");
    lesson_need(FB_MP_VALUE(int, false, &desk.stock), "make a shared number");
    lesson_need(fb_mp_barrier_make(WORKERS, &desk.barrier), "make a barrier");
    lesson_need(fb_mp_event_make(&desk.read), "make an event");
    lesson_need(fb_mp_lock_make(false, &desk.lock), "make a lock");
    lesson_need(fb_mp_condition_make(desk.lock, &desk.more), "make a condition");
}

static void run(void)
{
    set_up();
    for (int i = 0; i < WORKERS; i++)
        lesson_start(work, &i, sizeof i);
    lesson_join_all();
    const int *sum = desk.sum->items;
    lesson_say("each adds up all parts, 1, 2 and 3: %d %d %d", sum[0], sum[1], sum[2]);
    lesson_fact(sum[0] == 6 && sum[1] == 6 && sum[2] == 6,
                "after the barrier each sees what all have written: 6 6 6");
    fb_mp_lock_acquire(desk.lock, FB_MP_FOREVER);
    lesson_start(supply, NULL, 0);
    if (!lesson_is_broken())
        fb_mp_condition_wait_for(desk.more, there_are_three, NULL, PATIENCE);
    int stock = *(int *)desk.stock->items;
    fb_mp_lock_release(desk.lock);
    lesson_join_all();
    lesson_say("stock: %d", stock);
    lesson_fact(stock == 3, "who waits for a stock of three goes on at three");
    fb_mp_condition_free(desk.more);
    fb_mp_lock_free(desk.lock);
    fb_mp_event_free(desk.read);
    fb_mp_barrier_free(desk.barrier);
    fb_mp_array_free(desk.stock);
    fb_mp_array_free(desk.sum);
    fb_mp_array_free(desk.part);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "meeting",
        .title = "Barrier and condition",
        .rows = "M8",
        .question = "Three workers each write a number, then each adds up all three. One of them "
                    "is late. What has to stand between writing and adding?",
        .choices = { "nothing: they share memory", "a lock", "a barrier" },
        .answer = 'c',
        .explains = "A lock keeps two from writing at once, but does not make anybody wait for "
                    "those who have not come yet. At a barrier all wait for the last one. Where "
                    "one waits not for persons but for a fact, as a stock of three, there is the "
                    "condition: it gives a lock up while it waits, and looks again each time it "
                    "is told that something has changed.",
        .next =
            "Let a worker end before it comes to the barrier: what do the others get, and when? "
            "Notify only once, at the end: does it still work?",
        .breaks = "there is no barrier, and nobody waits for the stock.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
