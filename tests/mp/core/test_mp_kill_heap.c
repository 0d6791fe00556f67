/* harness/mp/core/heap.c: a process is killed at every instruction of allocating and freeing; no
 * memory is lost, and the heap stays usable. */
#include "tests/support/support.h"
#include "tests/support/stepper.h"

#include "harness/mp/core/heap.h"

#include <string.h>

#define HEAP_WHOLE (1 << 20) /* bytes by which the heap grows */
#define BLOCK 1024           /* bytes of the victims' block */
#define BEFORE 256u          /* bytes of the block before it */
#define SMALL 100

struct scene {
    const struct heap_case *heap_case;
    unsigned victims;             /* so far */
    char *known, *before, *block; /* see prepare */
    size_t used;
    void **pointer[2]; /* in the heap: point to blocks of this victim and the one before */
};

/* An operation during which processes are killed. */
struct heap_case {
    struct operation operation;
    size_t size; /* of the blocks that pointers refer to */
};

static char *allocate(size_t size, int fill)
{
    void *memory;
    assert_int_equal(fb_mp_alloc(size, &memory), 0);
    memset(memory, fill, size);
    return memory;
}

/* Determines which block the victim will get: otherwise it could not be checked whether it has it. */
static void prepare(struct scene *scene)
{
    if (!scene->known)
        scene->known = allocate(200, 'k');
    scene->used = fb_mp_heap_used();
    scene->before = allocate(BEFORE, 1);
    scene->block = allocate(BLOCK, 2);
    assert_int_equal(fb_mp_free(scene->block), 0);
    assert_ptr_equal(scene->block, scene->before + BEFORE);
}

/* Uses the heap, and checks that allocated blocks don't overlap with others in use. */
static const char *use(const struct scene *scene)
{
    static const size_t sizes[] = { 64, 5000, 100, 1000 };
    char *memory[4];
    for (int i = 0; i < 4; i++)
        memory[i] = allocate(sizes[i], i);
    for (int i = 0; i < 4; i++) {
        for (size_t byte = 0; byte < sizes[i]; byte++)
            if (memory[i][byte] != i)
                return "blocks overlap";
        fb_mp_free(memory[i]);
    }
    for (int byte = 0; byte < 200; byte++)
        if (scene->known[byte] != 'k')
            return "a block in use was overwritten";
    return NULL;
}

/* ---- pointers in the victim's own memory ---- */

static void alloc_and_free(struct scene *scene)
{
    (void)scene;
    void *memory;
    if (fb_mp_alloc(SMALL, &memory) == 0)
        fb_mp_free(memory);
}

/* Splits the rest of the heap; frees a block with two free neighbours, which are joined. */
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

/* The heap was left locked by another killed process, so that the victim repairs it. */
static void prepare_damaged(struct scene *scene)
{
    prepare(scene);
    damage(scene);
}

/* Each of two victims may have kept a block; without these, nothing else may be allocated. */
static const char *check(struct scene *scene, bool finished)
{
    const char *wrong = use(scene);
    int first = fb_mp_free(scene->block), second = fb_mp_free(scene->block + BLOCK);
    if (scene->victims == 0 && (second == 0 || (finished && first == 0)))
        return "more is allocated than the victim holds";
    fb_mp_free(scene->before);
    if (fb_mp_heap_used() != scene->used)
        return "something is lost";
    return wrong ? wrong : use(scene);
}

/* ---- pointers in the heap ---- */

static void clear_pointers(struct scene *scene)
{
    if (!scene->known)
        scene->known = allocate(200, 'k');
    for (int i = 0; i < 2; i++) {
        if (!scene->pointer[i])
            scene->pointer[i] = (void **)allocate(sizeof *scene->pointer[i], 0);
        *scene->pointer[i] = NULL;
    }
    scene->used = fb_mp_heap_used();
}

static void alloc_at(struct scene *scene)
{
    fb_mp_alloc_at(scene->heap_case->size, scene->pointer[0]);
}

static void fill_pointer(struct scene *scene)
{
    clear_pointers(scene);
    alloc_at(scene);
    assert_non_null(*scene->pointer[0]);
    memset(*scene->pointer[0], 'v', scene->heap_case->size);
}

static void free_at(struct scene *scene)
{
    fb_mp_free_at(scene->pointer[0]);
}

/* The pointer changes several times; its last value must decide. */
static void change_pointer(struct scene *scene)
{
    alloc_at(scene);
    free_at(scene);
    alloc_at(scene);
}

static void free_twice(struct scene *scene)
{
    free_at(scene);
    alloc_at(scene);
    free_at(scene);
}

static void use_other(struct scene *scene)
{
    fb_mp_alloc_at(scene->heap_case->size, scene->pointer[1]);
    fb_mp_free_at(scene->pointer[1]);
}

/* The victim may find a heap left locked by another killed process, and repair it. Its operation
 * takes longer than the repair: the test ends with the first victim that finishes, which may have
 * had nothing to repair. */
static void damage_pointers(struct scene *scene)
{
    static const struct operation operation = { .name = "damage", .run = use_other };
    clear_pointers(scene);
    stepper_kill_after(&operation, scene, scene->victims++ * 37 % 500);
}

static void damage_filled(struct scene *scene)
{
    static const struct operation operation = { .name = "damage", .run = use_other };
    fill_pointer(scene);
    stepper_kill_after(&operation, scene, scene->victims++ * 37 % 500);
}

/* Exactly the blocks to which a pointer refers are allocated. */
static const char *check_pointers(struct scene *scene)
{
    size_t size = (scene->heap_case->size + FB_MP_CELL - 1) / FB_MP_CELL * FB_MP_CELL;
    size_t named = (*scene->pointer[0] != NULL) + (*scene->pointer[1] != NULL);
    if (fb_mp_heap_used() < scene->used + named * size)
        return "a pointer refers to a free block";
    if (fb_mp_heap_used() > scene->used + named * size)
        return "a block is allocated to which no pointer refers";
    const char *wrong = use(scene);
    for (int i = 0; i < 2; i++) {
        if (*scene->pointer[i])
            memset(*scene->pointer[i], 'w', scene->heap_case->size);
        if (fb_mp_free_at(scene->pointer[i]) != 0 || *scene->pointer[i])
            return "the block of a pointer can't be freed";
    }
    if (fb_mp_heap_used() != scene->used)
        return "something is lost";
    return wrong ? wrong : use(scene);
}

static const char *check_allocated(struct scene *scene, bool finished)
{
    if (finished && !*scene->pointer[0])
        return "the pointer does not refer to the allocated block";
    return check_pointers(scene);
}

static const char *check_freed(struct scene *scene, bool finished)
{
    if (finished && *scene->pointer[0])
        return "the pointer refers to the freed block";
    return check_pointers(scene);
}

static const struct heap_case cases[] = {
    /* .operation: name, begin, prepare, ready, run, asleep, check */
    { .operation = { "heap", prepare, 0, 0, alloc_and_free, 0, check } },
    { .operation = { "heap, joining", prepare, 0, 0, split_and_join, 0, check } },
    { .operation = { "heap's repair", prepare_damaged, 0, 0, split_and_join, 0, check } },
    { .operation = { "allocate small", clear_pointers, use_other, 0, alloc_at, 0, check_allocated },
      .size = 1 },
    { .operation = { "allocate", clear_pointers, use_other, 0, alloc_at, 0, check_allocated },
      .size = BLOCK },
    { .operation = { "free small", fill_pointer, use_other, 0, free_at, 0, check_freed },
      .size = 1 },
    { .operation = { "free", fill_pointer, use_other, 0, free_at, 0, check_freed }, .size = BLOCK },
    { .operation = { "allocate twice", clear_pointers, use_other, 0, change_pointer, 0,
                     check_allocated },
      .size = SMALL },
    { .operation = { "allocate, repairing", damage_pointers, 0, 0, change_pointer, 0,
                     check_allocated },
      .size = BLOCK },
    { .operation = { "free, repairing", damage_filled, 0, 0, free_twice, 0, check_freed },
      .size = BLOCK },
};

/* After all victims nothing is allocated, and the free memory is one block. */
static void run_case(void **state)
{
    struct scene scene = { .heap_case = *state };
    char *whole = allocate(HEAP_WHOLE, 0);
    assert_int_equal(fb_mp_free(whole), 0);
    stepper_kill_everywhere(&scene.heap_case->operation, &scene);
    for (int i = 0; i < 2; i++)
        fb_mp_free(scene.pointer[i]);
    fb_mp_free(scene.known);
    assert_int_equal(fb_mp_heap_used(), 0);
    assert_ptr_equal(allocate(HEAP_WHOLE, 0), whole);
    assert_int_equal(fb_mp_free(whole), 0);
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases];
    if (!stepper_set_up())
        return EXIT_SKIP;
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i] = (struct CMUnitTest){ .name = cases[i].operation.name,
                                        .test_func = run_case,
                                        .initial_state = (void *)&cases[i] };
    return RUN_TESTS(tests);
}
