/* A queue one of whose users is killed, for tests of its state afterwards: every message is in the
 * queue, abandoned or done, exactly once. */
#ifndef TEST_QUEUE_DEATH_FIXTURE_H
#define TEST_QUEUE_DEATH_FIXTURE_H

#include "tests/support/stepper.h"
#include "tests/support/support.h"

#include "harness/mp/core/deadline.h"
#include "harness/mp/channel/queue.h"

#define SOON (STEPPER_LIMIT_MS * FB_MP_MILLISECOND)
#define SMALL 8u  /* bytes of a message that is stored in its slot */
#define LARGE 80u /* bytes of a message that is stored in the heap */

/* Messages, as bits: A and B are in the queue before, the victim puts V, a sleeper puts S, the test
 * puts H to wake a sleeper that the victim left asleep, and W last. */
enum { A = 1, B = 2, V = 4, S = 8, H = 16, W = 32, NOTES = 6 };

#define ANY (~0u) /* as the message that the victim holds: unknown */

struct progress; /* how far a victim has come */

struct scene {
    const struct death_case *death_case;
    struct fb_mp_queue *queue;
    struct progress *progress;
    struct sleeper sleeper;
    unsigned victims;      /* of earlier kills, so far */
    unsigned checks;       /* so far */
    unsigned must;         /* messages that have to be found */
    unsigned count[NOTES]; /* how often the test process got each */
    bool closed;
    size_t used; /* bytes of the heap before the operation */
};

/* An operation, the state before it, and the state expected after it. */
struct death_case {
    struct operation operation;
    size_t capacity;
    unsigned messages;                   /* 1: A is in the queue before, 2: A and B */
    size_t size;                         /* of all messages */
    void (*before)(struct scene *scene); /* in the test process */
    void (*enter)(struct scene *scene);  /* in the victim */
    int (*sleeper)(struct scene *scene);
    const char *(*help)(struct scene *scene, bool finished);
    /* Messages, as bits, after the victim has finished; if it has not, put and done may or may not
     * have happened. */
    unsigned put;
    unsigned done;
    unsigned held;
    bool reports_begin; /* no message is done before the victim calls scene_report_begin */
    bool first;         /* the victim has not used the queue before */
};

/* Most operations use these functions and their own run. */
#define OPERATION(name, ready, run, asleep)                                                        \
    {                                                                                              \
        name, scene_begin, scene_enter, ready, run, asleep, scene_check                            \
    }

void scene_begin(struct scene *scene);
void scene_enter(struct scene *scene);
const char *scene_check(struct scene *scene, bool finished);

/* Tests all cases. Returns the exit code of main. */
int scene_main(const struct death_case *death_cases, size_t count);

/* ---- building blocks of cases ---- */

/* The contents of a message; the case has its size. */
const void *scene_message(unsigned bit);

int scene_put(struct scene *scene, unsigned bit, int64_t timeout_ns);
int scene_get(struct scene *scene, int64_t timeout_ns);

/* Gets a message in the test process and counts it. 0, 1 if it is none that was put, or the error
 * of get. */
int scene_get_tallied(struct scene *scene, int64_t timeout_ns);

/* Takes a message in the test process, to make room or to hold one. */
void scene_take_one(struct scene *scene);

/* Operations of the victim: put V; get a message. */
void scene_put_one(struct scene *scene);
void scene_get_one(struct scene *scene);

/* The victim reports that the message it took is about to be done. */
void scene_report_begin(struct scene *scene);

/* Starts the case's sleeper and waits until it sleeps. */
void scene_start_sleeper(struct scene *scene);

#endif
