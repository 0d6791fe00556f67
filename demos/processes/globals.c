/* A child process changes a global variable, and its parent does not see the change. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/value.h"

#include <pthread.h>

static int number = 1;

static int change(const void *argument, size_t size)
{
    struct fb_mp_array *shared = *(struct fb_mp_array *const *)argument;
    (void)size;
    number = 2;
    *(int *)shared->items = 2;
    return 0;
}

static void *thread(void *shared)
{
    change(shared, sizeof(struct fb_mp_array *));
    return NULL;
}

static void run(void)
{
    struct fb_mp_array *shared;
    lesson_need(FB_MP_VALUE(int, false, &shared), "make a shared number");
    *(int *)shared->items = 1;
    if (lesson_is_broken()) {
        pthread_t id;
        lesson_need(-pthread_create(&id, NULL, thread, &shared), "start a thread");
        pthread_join(id, NULL);
    } else {
        lesson_start(change, &shared, sizeof shared);
        lesson_join_all();
    }
    lesson_say(
        "The child set both to 2. In the parent, the global is %d and the shared number is %d.",
        number, *(int *)shared->items);
    lesson_fact(number == 1, "the parent does not see what its child writes to a global variable");
    lesson_fact(*(int *)shared->items == 2,
                "the parent sees what its child writes to shared memory");
    fb_mp_array_free(shared);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "globals",
        .title = "Each process has its own globals",
        .rows = "M13 M7",
        .question = "A global variable is 1. A child process sets it to 2 and ends. What is its "
                    "value in the parent?",
        .choices = { "1", "2", "1 or 2: it depends on which process was faster" },
        .answer = 'a',
        .explains = "After a fork, parent and child see the same memory only until one of them "
                    "writes: then the kernel gives the writer its own copy of that page. Threads "
                    "share all their memory; processes share only what they ask for, such as a "
                    "value in shared memory. So most bugs between threads can't happen between "
                    "processes. But results don't come back by themselves either.",
        .next = "Change the global before the child is started: which value does the child see?",
        .breaks = "the child is a thread, which shares all memory with its parent.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
