/* A queue on which somebody dies, for tests of what is there afterwards: every message is in the
 * queue, abandoned or done with, exactly once. */
#ifndef TEST_QUEUE_DEATH_FIXTURE_H
#define TEST_QUEUE_DEATH_FIXTURE_H

#include "tests/support/stepper.h"
#include "tests/support/support.h"

#include "harness/mp/core/deadline.h"
#include "harness/mp/channel/queue.h"

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)
#define SOON (STEPPER_LIMIT_MS * FB_MP_MILLISECOND)
#define SMALL 8u  /* bytes of a message that is in its slot */
#define LARGE 80u /* … of one that is in the heap */

/* Messages, as bits: A and B are there before, the victim puts V, a sleeper S, and H is put to help
 * a sleeper that the victim left asleep. W is put last. */
enum { A = 1, B = 2, V = 4, S = 8, H = 16, W = 32, NOTES = 6 };

#define ANY (~0u) /* as what the victim holds: that is not known */

struct told; /* what a victim tells */

struct scene {
    const struct play *play;
    struct fb_mp_queue *queue;
    struct told *told;
    struct sleeper sleeper;
    unsigned victims;      /* of a damage, so far */
    unsigned must;         /* what has to be somewhere */
    unsigned count[NOTES]; /* how often the test process got each */
    bool closed;
    size_t used; /* bytes of the heap, before */
};

/* An operation and what it needs. */
struct play {
    struct operation operation;
    size_t capacity;
    unsigned messages;                   /* of A and B, in the queue before */
    size_t size;                         /* of all messages */
    void (*before)(struct scene *scene); /* in the test process */
    void (*enter)(struct scene *scene);  /* in the victim */
    int (*sleeper)(struct scene *scene);
    const char *(*help)(struct scene *scene, bool finished);
    unsigned put;  /* there when the victim has finished, and perhaps before */
    unsigned done; /* gone when it has finished, and perhaps before */
    unsigned held; /* what the victim holds when it has finished */
    bool tells;    /* nothing is done with before the victim has told so */
    bool first;    /* it has not used the queue before */
};

/* Most are this, with their own run. */
#define OPERATION(name, ready, run, asleep)                                                        \
    {                                                                                              \
        name, scene_begin, scene_enter, ready, run, asleep, scene_check                            \
    }

void scene_begin(struct scene *scene);
void scene_enter(struct scene *scene);
const char *scene_check(struct scene *scene, bool finished);

/* Plays them all, and is what main returns. */
int scene_main(const struct play *plays, size_t count);

/* ---- what plays do ---- */

/* Its bytes, as many as the play says. */
const void *scene_message(unsigned bit);

int scene_put(struct scene *scene, unsigned bit, int64_t timeout_ns);
int scene_get(struct scene *scene, int64_t timeout_ns);

/* Gets one and counts it as what the test process got. 0, 1: it is none that was put, or what get
 * returns. */
int scene_get_tallied(struct scene *scene, int64_t timeout_ns);

/* In the test process, which makes room so, or is not done with it yet. */
void scene_take_one(struct scene *scene);

/* Operations of the victim: put V, get one. */
void scene_put_one(struct scene *scene);
void scene_get_one(struct scene *scene);

/* The victim tells that it is done with what it took, or about to be. */
void scene_tell(struct scene *scene);

/* The play's sleeper, asleep. */
void scene_start_sleeper(struct scene *scene);

#endif
