#include "tests/mp/channel/queue_death_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MOMENT 1000 /* ns: long enough to wait at all */

struct told {
    _Atomic pid_t pid;
    _Atomic bool begun;
};

/* ---- messages ---- */

struct note {
    unsigned bit;
    unsigned char rest[LARGE - sizeof(unsigned)];
};

static struct note notes[NOTES]; /* made before, as a victim's every instruction counts */

static void make_notes(void)
{
    for (unsigned i = 0; i < NOTES; i++) {
        notes[i].bit = 1u << i;
        memset(notes[i].rest, (int)i + 7, sizeof notes[i].rest);
    }
}

const void *scene_message(unsigned bit)
{
    unsigned i = 0;
    while (1u << i != bit)
        i++;
    return &notes[i];
}

int scene_put(struct scene *scene, unsigned bit, int64_t timeout_ns)
{
    return fb_mp_queue_put(scene->queue, scene_message(bit), scene->play->size, timeout_ns);
}

int scene_get(struct scene *scene, int64_t timeout_ns)
{
    struct note note;
    size_t size;
    return fb_mp_queue_get(scene->queue, &note, sizeof note, timeout_ns, &size);
}

/* Counts a message that the test process has got. Its bit, or 0: it is none that was put. */
static unsigned tally(struct scene *scene, const void *message, size_t size)
{
    for (unsigned i = 0; i < NOTES; i++)
        if (size == scene->play->size && memcmp(message, &notes[i], size) == 0) {
            scene->count[i]++;
            return notes[i].bit;
        }
    return 0;
}

int scene_get_tallied(struct scene *scene, int64_t timeout_ns)
{
    struct note note;
    size_t size;
    int result = fb_mp_queue_get(scene->queue, &note, sizeof note, timeout_ns, &size);
    return result == 0 ? tally(scene, &note, size) == 0 : result;
}

/* ---- what plays do ---- */

void scene_take_one(struct scene *scene)
{
    assert_int_equal(scene_get_tallied(scene, 0), 0);
}

void scene_put_one(struct scene *scene)
{
    scene_put(scene, V, LIMIT);
}

void scene_get_one(struct scene *scene)
{
    scene_get(scene, LIMIT);
}

void scene_tell(struct scene *scene)
{
    atomic_store(&scene->told->begun, true);
}

void scene_start_sleeper(struct scene *scene)
{
    sleeper_fork(&scene->sleeper, scene->play->sleeper, scene);
    sleeper_settle(&scene->sleeper);
}

/* ---- before ---- */

void scene_begin(struct scene *scene)
{
    const struct play *play = scene->play;
    scene->used = fb_mp_heap_used();
    scene->must = play->messages == 0 ? 0 : (play->messages == 1 ? A : A | B);
    scene->must &= ~play->done;
    scene->closed = false;
    memset(scene->count, 0, sizeof scene->count);
    assert_int_equal(fb_mp_queue_make(play->capacity, &scene->queue), 0);
    for (unsigned i = 0; i < play->messages; i++)
        assert_int_equal(scene_put(scene, 1u << i, 0), 0);
    if (play->before)
        play->before(scene);
}

/* Every call once, on a queue that nobody else knows. */
static void warm_up(const struct play *play)
{
    struct scene other = { .play = play };
    const void *message;
    void *memory;
    size_t size;
    pid_t pid;
    assert_int_equal(fb_mp_queue_make(3, &other.queue), 0);
    for (int i = 0; i < 3; i++)
        scene_put(&other, A, 0);
    scene_put(&other, A, MOMENT);
    fb_mp_queue_take(other.queue, 0, &message, &size);
    fb_mp_queue_join(other.queue, MOMENT);
    fb_mp_queue_done(other.queue);
    fb_mp_queue_reserve(other.queue, LARGE, &memory);
    fb_mp_queue_commit(other.queue, 0);
    fb_mp_queue_retake(other.queue, &message, &size, &pid);
    for (int i = 0; i < 4; i++)
        scene_get(&other, MOMENT);
    fb_mp_queue_close(other.queue);
    fb_mp_queue_free(other.queue);
}

void scene_enter(struct scene *scene)
{
    atomic_store(&scene->told->pid, getpid());
    atomic_store(&scene->told->begun, false);
    warm_up(scene->play);
    if (!scene->play->first)
        fb_mp_queue_done(scene->queue); /* it is a user from now on, and nothing else happens */
    if (scene->play->enter)
        scene->play->enter(scene);
}

/* ---- afterwards ---- */

/* All that is in the queue, and one message more, which comes after them. */
static const char *empty(struct scene *scene)
{
    int result, end = scene->closed ? -EPIPE : -ETIMEDOUT;
    while ((result = scene_get_tallied(scene, 0)) == 0)
        ;
    if (result != end)
        return "the queue can't be emptied";
    if (scene_put(scene, W, SOON) != (scene->closed ? -EPIPE : 0))
        return "nothing can be put";
    if (scene_get_tallied(scene, SOON) != (scene->closed ? -EPIPE : 0))
        return "nothing can be got";
    scene->must |= scene->closed ? 0 : W;
    return NULL;
}

/* All that the dead held. */
static const char *retake_all(struct scene *scene, bool finished)
{
    const void *message;
    size_t size, left = fb_mp_queue_abandoned(scene->queue);
    unsigned held = 0, expected = scene->play->held, bit;
    pid_t taker;
    int result;
    while ((result = fb_mp_queue_retake(scene->queue, &message, &size, &taker)) == 0) {
        if ((bit = tally(scene, message, size)) == 0)
            return "what was abandoned is not what was put";
        if (taker == atomic_load(&scene->told->pid))
            held |= bit;
        if (fb_mp_queue_abandoned(scene->queue) != --left)
            return "the abandoned are not counted right";
    }
    if (result != -ENOENT || left != 0)
        return "not all can be taken again";
    return finished && expected != ANY && held != expected ? "the victim holds something else"
                                                           : NULL;
}

/* Each message once, or not at all if that may be. */
static const char *audit(struct scene *scene, bool finished)
{
    const struct play *play = scene->play;
    bool is_kept = play->tells && !atomic_load(&scene->told->begun);
    unsigned must = scene->must | (finished ? play->put : 0) | (is_kept ? play->done : 0);
    unsigned may = must | play->put | (finished ? 0 : play->done);
    for (unsigned i = 0; i < NOTES; i++) {
        if (scene->count[i] > 1)
            return "a message is there twice";
        if (scene->count[i] && !(may >> i & 1))
            return "a message is there that should not be";
        if (!scene->count[i] && (must >> i & 1))
            return "a message is lost";
    }
    return NULL;
}

const char *scene_check(struct scene *scene, bool finished)
{
    const char *wrong = scene->play->help ? scene->play->help(scene, finished) : NULL;
    if (!wrong)
        wrong = empty(scene);
    if (!wrong)
        wrong = retake_all(scene, finished);
    if (!wrong)
        wrong = audit(scene, finished);
    fb_mp_queue_done(scene->queue);
    if (!wrong && (fb_mp_queue_size(scene->queue) || fb_mp_queue_join(scene->queue, SOON) != 0))
        wrong = "something is left";
    fb_mp_queue_free(scene->queue);
    return !wrong && fb_mp_heap_used() != scene->used ? "memory is lost" : wrong;
}

/* ---- */

static void perform(void **state)
{
    struct scene scene = { .play = *state };
    void *memory;
    size_t used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc(sizeof(struct told), &memory), 0);
    scene.told = memory;
    stepper_kill_everywhere(&scene.play->operation, &scene);
    fb_mp_free(memory);
    assert_int_equal(fb_mp_heap_used(), used);
}

int scene_main(const struct play *plays, size_t count)
{
    struct CMUnitTest tests[count];
    if (!stepper_set_up()) /* on its one CPU a queue does not spin, most of a victim's way otherwise
                            */
        return EXIT_SKIP;
    make_notes();
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){ .name = plays[i].operation.name,
                                        .test_func = perform,
                                        .initial_state = (void *)&plays[i] };
    return RUN_TESTS(tests);
}
