#include "tests/mp/channel/queue_death_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SHORT_NS 1000 /* long enough to reach the code that waits */

struct progress {
    _Atomic pid_t pid;
    _Atomic bool begun; /* to do the message it took */
};

/* ---- messages ---- */

struct note {
    unsigned bit;
    unsigned char rest[LARGE - sizeof(unsigned)];
};

static struct note notes[NOTES]; /* made beforehand, to keep the operations short */

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
    return fb_mp_queue_put(scene->queue, scene_message(bit), scene->death_case->size, timeout_ns);
}

int scene_get(struct scene *scene, int64_t timeout_ns)
{
    struct note note;
    size_t size;
    return fb_mp_queue_get(scene->queue, &note, sizeof note, timeout_ns, &size);
}

/* Counts a message that the test process got. Returns its bit, or 0 if it is none that was put. */
static unsigned tally(struct scene *scene, const void *message, size_t size)
{
    for (unsigned i = 0; i < NOTES; i++)
        if (size == scene->death_case->size && memcmp(message, &notes[i], size) == 0) {
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

/* ---- building blocks ---- */

void scene_take_one(struct scene *scene)
{
    assert_int_equal(scene_get_tallied(scene, 0), 0);
}

void scene_put_one(struct scene *scene)
{
    scene_put(scene, V, LIMIT_NS);
}

void scene_get_one(struct scene *scene)
{
    scene_get(scene, LIMIT_NS);
}

void scene_report_begin(struct scene *scene)
{
    atomic_store(&scene->progress->begun, true);
}

void scene_start_sleeper(struct scene *scene)
{
    sleeper_fork(&scene->sleeper, scene->death_case->sleeper, scene);
    sleeper_settle(&scene->sleeper);
}

/* ---- before ---- */

void scene_begin(struct scene *scene)
{
    const struct death_case *death_case = scene->death_case;
    scene->used = fb_mp_heap_used();
    scene->must = death_case->messages == 0 ? 0 : (death_case->messages == 1 ? A : A | B);
    scene->must &= ~death_case->done;
    scene->closed = false;
    memset(scene->count, 0, sizeof scene->count);
    assert_int_equal(fb_mp_queue_make(death_case->capacity, &scene->queue), 0);
    for (unsigned i = 0; i < death_case->messages; i++)
        assert_int_equal(scene_put(scene, 1u << i, 0), 0);
    if (death_case->before)
        death_case->before(scene);
}

/* Makes every call once, on another queue. */
static void warm_up(const struct death_case *death_case)
{
    struct scene other = { .death_case = death_case };
    const void *message;
    void *memory;
    size_t size;
    pid_t pid;
    assert_int_equal(fb_mp_queue_make(3, &other.queue), 0);
    for (int i = 0; i < 3; i++)
        scene_put(&other, A, 0);
    scene_put(&other, A, SHORT_NS);
    fb_mp_queue_take(other.queue, 0, &message, &size);
    fb_mp_queue_join(other.queue, SHORT_NS);
    fb_mp_queue_done(other.queue);
    fb_mp_queue_reserve(other.queue, LARGE, &memory);
    fb_mp_queue_commit(other.queue, 0);
    fb_mp_queue_retake(other.queue, &message, &size, &pid);
    for (int i = 0; i < 4; i++)
        scene_get(&other, SHORT_NS);
    fb_mp_queue_close(other.queue);
    fb_mp_queue_free(other.queue);
}

void scene_enter(struct scene *scene)
{
    atomic_store(&scene->progress->pid, getpid());
    atomic_store(&scene->progress->begun, false);
    warm_up(scene->death_case);
    if (!scene->death_case->first)
        fb_mp_queue_done(scene->queue); /* only makes it a user of the queue */
    if (scene->death_case->enter)
        scene->death_case->enter(scene);
}

/* ---- afterwards ---- */

/* Takes all messages in the queue; then puts and gets another one. */
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

/* Retakes all messages that dead users held. */
static const char *retake_all(struct scene *scene, bool finished)
{
    const void *message;
    size_t size, left = fb_mp_queue_abandoned(scene->queue);
    unsigned held = 0, expected = scene->death_case->held, bit;
    pid_t taker;
    int result;
    while ((result = fb_mp_queue_retake(scene->queue, &message, &size, &taker)) == 0) {
        if ((bit = tally(scene, message, size)) == 0)
            return "an abandoned message is none that was put";
        if (taker == atomic_load(&scene->progress->pid))
            held |= bit;
        if (fb_mp_queue_abandoned(scene->queue) != --left)
            return "the number of abandoned messages is wrong";
    }
    if (result != -ENOENT || left != 0)
        return "not all abandoned messages can be taken again";
    return finished && expected != ANY && held != expected ? "the victim holds something else"
                                                           : NULL;
}

/* Each message was found once, or not at all if that is allowed. */
static const char *audit(struct scene *scene, bool finished)
{
    const struct death_case *death_case = scene->death_case;
    bool is_kept = death_case->reports_begin && !atomic_load(&scene->progress->begun);
    unsigned must =
        scene->must | (finished ? death_case->put : 0) | (is_kept ? death_case->done : 0);
    unsigned may = must | death_case->put | (finished ? 0 : death_case->done);
    for (unsigned i = 0; i < NOTES; i++) {
        if (scene->count[i] > 1)
            return "a message is there twice";
        if (scene->count[i] && !(may >> i & 1))
            return "there is a message that must not be there";
        if (!scene->count[i] && (must >> i & 1))
            return "a message is lost";
    }
    return NULL;
}

/* Recovers the victim and overwrites the memory that this has freed, which must not be a message's.
 */
static void *recover_first(struct scene *scene)
{
    void *memory;
    fb_mp_queue_abandoned(scene->queue);
    assert_int_equal(fb_mp_alloc(scene->death_case->size, &memory), 0);
    memset(memory, 0xff, scene->death_case->size);
    return memory;
}

/* The messages are taken before or after the victim is recovered, in turn. */
const char *scene_check(struct scene *scene, bool finished)
{
    const char *wrong = scene->death_case->help ? scene->death_case->help(scene, finished) : NULL;
    void *overwritten = scene->checks++ % 2 ? recover_first(scene) : NULL;
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
    fb_mp_free(overwritten);
    return !wrong && fb_mp_heap_used() != scene->used ? "memory is lost" : wrong;
}

/* ---- */

static void perform(void **state)
{
    struct scene scene = { .death_case = *state };
    void *memory;
    size_t used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc(sizeof(struct progress), &memory), 0);
    scene.progress = memory;
    stepper_kill_everywhere(&scene.death_case->operation, &scene);
    fb_mp_free(memory);
    assert_int_equal(fb_mp_heap_used(), used);
}

int scene_main(const struct death_case *death_cases, size_t count)
{
    struct CMUnitTest tests[count];
    if (!stepper_set_up()) /* on its one CPU a queue does not spin, most of a victim's way otherwise
                            */
        return EXIT_SKIP;
    make_notes();
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){ .name = death_cases[i].operation.name,
                                        .test_func = perform,
                                        .initial_state = (void *)&death_cases[i] };
    return RUN_TESTS(tests);
}
