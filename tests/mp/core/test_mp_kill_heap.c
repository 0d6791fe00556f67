/* harness/mp/core/heap.c: a process is killed at every instruction of taking memory and of giving it
 * back; nothing is lost, and the heap is whole. */
#include "tests/support/support.h"
#include "tests/support/stepper.h"

#include "harness/mp/core/heap.h"

#include <string.h>

#define HEAP_WHOLE (1 << 20) /* bytes that it grows by */
#define BLOCK 1024           /* bytes of the victims' block */
#define BEFORE 256u          /* of the one before it */
#define SMALL 100

struct scene {
    const struct play *play;
    unsigned victims;             /* so far */
    char *known, *before, *block; /* see prepare */
    size_t used;
    void **place[2]; /* in the heap: what name blocks of the victim and of one before it */
};

/* An operation and what it needs. */
struct play {
    struct operation operation;
    size_t size; /* of the blocks that places name */
};

static char *take(size_t size, int fill)
{
    void *memory;
    assert_int_equal(fb_mp_alloc(size, &memory), 0);
    memset(memory, fill, size);
    return memory;
}

/* Foresees what the victim will get, as only then can be told whether it had taken it. */
static void prepare(struct scene *scene)
{
    if (!scene->known)
        scene->known = take(200, 'k');
    scene->used = fb_mp_heap_used();
    scene->before = take(BEFORE, 1);
    scene->block = take(BLOCK, 2);
    assert_int_equal(fb_mp_free(scene->block), 0);
    assert_ptr_equal(scene->block, scene->before + BEFORE);
}

/* Uses the heap, and looks whether what it gives out is nobody else's. */
static const char *use(const struct scene *scene)
{
    static const size_t sizes[] = { 64, 5000, 100, 1000 };
    char *memory[4];
    for (int i = 0; i < 4; i++)
        memory[i] = take(sizes[i], i);
    for (int i = 0; i < 4; i++) {
        for (size_t byte = 0; byte < sizes[i]; byte++)
            if (memory[i][byte] != i)
                return "blocks overlap";
        fb_mp_free(memory[i]);
    }
    for (int byte = 0; byte < 200; byte++)
        if (scene->known[byte] != 'k')
            return "somebody wrote into a block that is in use";
    return NULL;
}

/* ---- addresses that only the victim knows ---- */

static void alloc_and_free(struct scene *scene)
{
    (void)scene;
    void *memory;
    if (fb_mp_alloc(SMALL, &memory) == 0)
        fb_mp_free(memory);
}

/* Splits the rest of the heap; what is given back is joined with both its neighbours. */
static void split_and_join(struct scene *scene)
{
    void *memory;
    if (fb_mp_alloc(BLOCK, &memory) == 0) {
        fb_mp_free(scene->before);
        fb_mp_free(memory);
    }
}

static void damage(struct scene *scene)
{
    static const struct operation operation = { .name = "damage", .run = split_and_join };
    stepper_kill_after(&operation, scene, scene->victims++ * 37 % 500);
}

/* As above in a heap in which somebody has died: the victim repairs it. */
static void prepare_damaged(struct scene *scene)
{
    prepare(scene);
    damage(scene);
}

/* Two victims, each with a block or not; when those are given back nothing else may be missing. */
static const char *check(struct scene *scene, bool finished)
{
    const char *wrong = use(scene);
    int first = fb_mp_free(scene->block), second = fb_mp_free(scene->block + BLOCK);
    if (scene->victims == 0 && (second == 0 || (finished && first == 0)))
        return "more is taken than the victim holds";
    fb_mp_free(scene->before);
    if (fb_mp_heap_used() != scene->used)
        return "something is lost";
    return wrong ? wrong : use(scene);
}

/* ---- addresses at a place in the heap ---- */

static void clear_places(struct scene *scene)
{
    if (!scene->known)
        scene->known = take(200, 'k');
    for (int i = 0; i < 2; i++) {
        if (!scene->place[i])
            scene->place[i] = (void **)take(sizeof *scene->place[i], 0);
        *scene->place[i] = NULL;
    }
    scene->used = fb_mp_heap_used();
}

static void alloc_at(struct scene *scene)
{
    fb_mp_alloc_at(scene->play->size, scene->place[0]);
}

static void fill_place(struct scene *scene)
{
    clear_places(scene);
    alloc_at(scene);
    assert_non_null(*scene->place[0]);
    memset(*scene->place[0], 'v', scene->play->size);
}

static void free_at(struct scene *scene)
{
    fb_mp_free_at(scene->place[0]);
}

/* The place changes its mind, so that the last of its intentions has to win. */
static void change_place(struct scene *scene)
{
    alloc_at(scene);
    free_at(scene);
    alloc_at(scene);
}

static void give_twice(struct scene *scene)
{
    free_at(scene);
    alloc_at(scene);
    free_at(scene);
}

static void use_other(struct scene *scene)
{
    fb_mp_alloc_at(scene->play->size, scene->place[1]);
    fb_mp_free_at(scene->place[1]);
}

/* The victim may find a heap in which another one has died, and repairs it. What it does is longer
 * than the repair, as the first victim that comes to its end is the last one, and may be one that
 * had nothing to repair. */
static void damage_places(struct scene *scene)
{
    static const struct operation operation = { .name = "damage", .run = use_other };
    clear_places(scene);
    stepper_kill_after(&operation, scene, scene->victims++ * 37 % 500);
}

static void damage_filled(struct scene *scene)
{
    static const struct operation operation = { .name = "damage", .run = use_other };
    fill_place(scene);
    stepper_kill_after(&operation, scene, scene->victims++ * 37 % 500);
}

/* What a place names is in use, and nothing else is. */
static const char *check_places(struct scene *scene)
{
    size_t size = (scene->play->size + FB_MP_CELL - 1) / FB_MP_CELL * FB_MP_CELL;
    size_t named = (*scene->place[0] != NULL) + (*scene->place[1] != NULL);
    if (fb_mp_heap_used() < scene->used + named * size)
        return "a place names what is not in use";
    if (fb_mp_heap_used() > scene->used + named * size)
        return "a block is in use that no place names";
    const char *wrong = use(scene);
    for (int i = 0; i < 2; i++) {
        if (*scene->place[i])
            memset(*scene->place[i], 'w', scene->play->size);
        if (fb_mp_free_at(scene->place[i]) != 0 || *scene->place[i])
            return "what a place names can't be given back";
    }
    if (fb_mp_heap_used() != scene->used)
        return "something is lost";
    return wrong ? wrong : use(scene);
}

static const char *check_taken(struct scene *scene, bool finished)
{
    if (finished && !*scene->place[0])
        return "the place does not name what was taken";
    return check_places(scene);
}

static const char *check_given(struct scene *scene, bool finished)
{
    if (finished && *scene->place[0])
        return "the place names what was given back";
    return check_places(scene);
}

static const struct play plays[] = {
    /* .operation: name, begin, prepare, ready, run, asleep, check */
    { .operation = { "heap", prepare, 0, 0, alloc_and_free, 0, check } },
    { .operation = { "heap, joining", prepare, 0, 0, split_and_join, 0, check } },
    { .operation = { "heap's repair", prepare_damaged, 0, 0, split_and_join, 0, check } },
    { .operation = { "take small", clear_places, use_other, 0, alloc_at, 0, check_taken },
      .size = 1 },
    { .operation = { "take", clear_places, use_other, 0, alloc_at, 0, check_taken },
      .size = BLOCK },
    { .operation = { "give small", fill_place, use_other, 0, free_at, 0, check_given }, .size = 1 },
    { .operation = { "give", fill_place, use_other, 0, free_at, 0, check_given }, .size = BLOCK },
    { .operation = { "take twice", clear_places, use_other, 0, change_place, 0, check_taken },
      .size = SMALL },
    { .operation = { "take, repairing", damage_places, 0, 0, change_place, 0, check_taken },
      .size = BLOCK },
    { .operation = { "give, repairing", damage_filled, 0, 0, give_twice, 0, check_given },
      .size = BLOCK },
};

/* What is left behind by all the dead: nothing, and the heap is in one piece. */
static void perform(void **state)
{
    struct scene scene = { .play = *state };
    char *whole = take(HEAP_WHOLE, 0);
    assert_int_equal(fb_mp_free(whole), 0);
    stepper_kill_everywhere(&scene.play->operation, &scene);
    for (int i = 0; i < 2; i++)
        fb_mp_free(scene.place[i]);
    fb_mp_free(scene.known);
    assert_int_equal(fb_mp_heap_used(), 0);
    assert_ptr_equal(take(HEAP_WHOLE, 0), whole);
    assert_int_equal(fb_mp_free(whole), 0);
}

int main(void)
{
    struct CMUnitTest tests[sizeof plays / sizeof *plays];
    if (!stepper_set_up())
        return EXIT_SKIP;
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        tests[i] = (struct CMUnitTest){ .name = plays[i].operation.name,
                                        .test_func = perform,
                                        .initial_state = (void *)&plays[i] };
    return RUN_TESTS(tests);
}
