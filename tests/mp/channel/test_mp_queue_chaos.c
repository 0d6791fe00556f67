/* harness/mp/channel/queue*.c: producers and consumers are killed at random moments, again and
 * again. No message is lost or arrives twice, and no memory leaks. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"

#include "base/random.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/channel/queue.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACES 8u /* half of them producers */
#define KILLS AS_MANY_AS(1000u, 300u)
#define PROCESSES (KILLS + PLACES)
#define CAPACITY 20u      /* less than the number of slots */
#define PACE 200u         /* most messages between two kills */
#define AHEAD (20 * PACE) /* messages that may be put meanwhile: enough that no process idles */
#define LARGE 30u         /* numbers in a message that is in the heap */
#define NOTES ((KILLS + 2) * (AHEAD + PLACES))

struct shared {
    _Atomic uint32_t allowed; /* messages that may be put so far; producers sleep on it */
    _Atomic uint32_t begun;   /* puts begun, or a little more */
    _Atomic uint32_t got;     /* entries of note[], including unfinished ones */
    _Atomic bool over;
    _Atomic bool holds[PROCESSES]; /* a consumer has a message and has not called get again */
    uint32_t put[PROCESSES];       /* for each producer: the last number whose put returned */
    _Atomic uint64_t
        note[NOTES]; /* received: process << 32 | number; 0: the consumer died before it wrote it */
};

struct chaos {
    struct fb_mp_queue *queue;
    struct shared *shared;
    uint32_t processes; /* processes so far */
    pid_t pid[PLACES];
    uint32_t process[PLACES];
    size_t abandoned, held; /* so far; held: by consumers whose holds[] was set */
};

static struct chaos chaos;

/* ---- what the processes do ---- */

/* Works about as long as a put and a get take, so that processes die both inside the queue's calls
 * and between them. */
static void work(uint32_t number)
{
    for (uint32_t spin = number * 7 % 512; spin > 0; spin--)
        fb_mp_relax();
}

/* Puts numbers from 1 on until the end. All words of a message are the same. */
static int produce(void *context)
{
    struct shared *shared = chaos.shared;
    uint64_t message[LARGE], process = (uint64_t)(uintptr_t)context;
    for (uint32_t number = 1; !atomic_load(&shared->over); number++) {
        uint32_t allowed;
        while (atomic_load(&shared->begun) >= (allowed = atomic_load(&shared->allowed)))
            if (atomic_load(&shared->over))
                return 0;
            else
                fb_mp_sleep(&shared->allowed, allowed, FB_MP_FOREVER);
        atomic_fetch_add(&shared->begun, 1);
        size_t words = number % 3 ? 1 + number % 6 : LARGE;
        for (size_t i = 0; i < words; i++)
            message[i] = process << 32 | number;
        if (fb_mp_queue_put(chaos.queue, message, words * sizeof *message, LIMIT_NS) != 0)
            return 1;
        __atomic_store_n(&shared->put[process], number, __ATOMIC_RELEASE);
        work(number + 3);
    }
    return 0;
}

static bool is_whole(const uint64_t *message, size_t size)
{
    uint32_t number = (uint32_t)message[0];
    size_t words = number % 3 ? 1 + number % 6 : LARGE;
    for (size_t i = 0; i < words; i++)
        if (message[i] != message[0])
            return false;
    return size == words * sizeof *message;
}

static int consume(void *context)
{
    struct shared *shared = chaos.shared;
    uint64_t message[LARGE];
    size_t size;
    int result;
    _Atomic bool *holds = &shared->holds[(uintptr_t)context];
    while ((result = fb_mp_queue_get(chaos.queue, message, sizeof message, LIMIT_NS, &size)) == 0) {
        atomic_store(holds, true);
        if (!is_whole(message, size))
            return 2;
        uint32_t at = atomic_fetch_add(&shared->got, 1);
        if (at >= NOTES)
            return 3;
        atomic_store(&shared->note[at], message[0]);
        work((uint32_t)message[0]);
        atomic_store(holds, false);
    }
    return result == -EPIPE ? 0 : 1;
}

static void start(uint32_t place)
{
    uintptr_t process = chaos.processes++;
    chaos.process[place] = (uint32_t)process;
    chaos.pid[place] = forked_run(place < PLACES / 2 ? produce : consume, (void *)process);
}

/* ---- the parent ---- */

static void allow(uint32_t messages)
{
    atomic_store(&chaos.shared->allowed, messages);
    fb_mp_wake(&chaos.shared->allowed, INT_MAX);
}

/* Lets a random number of messages pass, and then spins. The others go on all the time, so that the
 * next one is killed in the middle of its work. */
static void let_pass(struct fb_random *random, uint32_t kills)
{
    uint32_t goal = atomic_load(&chaos.shared->got) + (uint32_t)fb_random_below(random, PACE);
    allow(atomic_load(&chaos.shared->begun) + AHEAD);
    int64_t limit = fb_mp_now() + LIMIT_NS;
    while (atomic_load(&chaos.shared->got) < goal) { /* a yield would take too long */
        if (fb_mp_now() > limit)
            fail_msg("after %u kills the others are blocked", kills);
        fb_mp_relax();
    }
    for (size_t spin = fb_random_below(random, 300); spin > 0; spin--)
        fb_mp_relax();
}

/* After a death: one message more than before if the process held one. */
static void count_abandoned(bool held, bool consumer)
{
    size_t before = chaos.abandoned, now = fb_mp_queue_abandoned(chaos.queue);
    assert_in_range(now, before + held, before + consumer);
    chaos.abandoned = now;
    chaos.held += held;
}

static void kill_many(void)
{
    struct fb_random random = { 5 };
    for (uint32_t place = 0; place < PLACES; place++)
        start(place);
    for (uint32_t kills = 0; kills < KILLS; kills++) {
        let_pass(&random, kills);
        uint32_t place = (uint32_t)fb_random_below(&random, PLACES);
        assert_int_equal(kill(chaos.pid[place], SIGKILL), 0);
        assert_int_equal(forked_end(chaos.pid[place]), -SIGKILL);
        count_abandoned(atomic_load(&chaos.shared->holds[chaos.process[place]]),
                        place >= PLACES / 2);
        start(place);
    }
    let_pass(&random, KILLS);
}

/* Producers end first; then the queue is closed, which ends the consumers. */
static void end_all(void)
{
    atomic_store(&chaos.shared->over, true);
    allow(atomic_load(&chaos.shared->allowed) + 1);
    for (uint32_t place = 0; place < PLACES; place++) {
        if (place == PLACES / 2)
            fb_mp_queue_close(chaos.queue);
        int code = forked_end(chaos.pid[place]);
        if (code != 0)
            fail_msg("%s ends with %d", place < PLACES / 2 ? "a producer" : "a consumer", code);
    }
}

/* ---- the fate of each message ---- */

enum { SEEN = 1, ABANDONED = 2 };

struct fates {
    unsigned char *of[PROCESSES]; /* by number, to the last put that returned and one more */
    unsigned abandoned, seen, lost;
};

/* A message must not be seen twice or abandoned twice. It can be seen and then abandoned, if its
 * consumer died before it took the next one. */
static void mark(struct fates *fates, uint64_t note, unsigned fate)
{
    uint32_t process = (uint32_t)(note >> 32), number = (uint32_t)note;
    if (process >= PROCESSES || number == 0 || number > chaos.shared->put[process] + 1)
        fail_msg("message %u of process %u was never put", number, process);
    if (fates->of[process][number] & fate)
        fail_msg("message %u of process %u %s twice", number, process,
                 fate == SEEN ? "was seen" : "is abandoned");
    fates->of[process][number] |= (unsigned char)fate;
}

static void mark_all(struct fates *fates)
{
    const void *message;
    size_t size, left = fb_mp_queue_abandoned(chaos.queue);
    pid_t pid;
    for (uint32_t i = 0; i < atomic_load(&chaos.shared->got); i++)
        if (chaos.shared->note[i])
            mark(fates, chaos.shared->note[i], SEEN), fates->seen++;
    for (; left > 0; left--, fates->abandoned++) {
        assert_int_equal(fb_mp_queue_abandoned(chaos.queue), left);
        assert_int_equal(fb_mp_queue_retake(chaos.queue, &message, &size, &pid), 0);
        assert_true(is_whole(message, size));
        mark(fates, *(const uint64_t *)message, ABANDONED);
    }
    assert_int_equal(fb_mp_queue_retake(chaos.queue, &message, &size, &pid), -ENOENT);
    assert_int_equal(fb_mp_queue_take(chaos.queue, 0, &message, &size), -EPIPE);
}

static void audit(void)
{
    struct fates fates = { 0 };
    for (uint32_t process = 0; process < PROCESSES; process++)
        assert_non_null(fates.of[process] = calloc(chaos.shared->put[process] + 2, 1));
    mark_all(&fates);
    for (uint32_t process = 0; process < PROCESSES; process++) {
        for (uint32_t number = 1; number <= chaos.shared->put[process]; number++)
            fates.lost += fates.of[process][number] == 0;
        free(fates.of[process]);
    }
    print_message("%u kills: %u messages seen, %u abandoned, %u lost\n", KILLS, fates.seen,
                  fates.abandoned, fates.lost);
    assert_int_equal(fates.lost, 0);
}

static void no_message_is_lost_over_many_deaths(void **state)
{
    (void)state;
    void *memory;
    size_t used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc(sizeof(struct shared), &memory), 0);
    chaos.shared = memory;
    assert_int_equal(fb_mp_queue_make(CAPACITY, &chaos.queue), 0);
    kill_many();
    end_all();
    audit();
    assert_int_equal(fb_mp_queue_join(chaos.queue, LIMIT_NS), 0);
    fb_mp_queue_free(chaos.queue);
    fb_mp_free(chaos.shared);
    assert_int_equal(fb_mp_heap_used(), used);
}

int main(void)
{
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_message_is_lost_over_many_deaths) };
    return RUN_TESTS(tests);
}
