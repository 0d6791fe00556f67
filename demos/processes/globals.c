/* A child writes to a global variable, and its parent does not see it. */
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
    lesson_say("It has set both to 2. Here the global is %d, the shared one %d.", number,
               *(int *)shared->items);
    lesson_fact(number == 1, "what a child writes to a global is not seen in its parent");
    lesson_fact(*(int *)shared->items == 2, "what it writes to shared memory is seen");
    fb_mp_array_free(shared);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "globals",
        .title = "Each has its own globals",
        .rows = "M13 M7",
        .question =
            "A global variable is 1. A child process sets it to 2 and ends. What is it in the "
            "parent?",
        .choices = { "1", "2", "either, it depends on who was faster" },
        .answer = 'a',
        .explains =
            "After a fork parent and child see the same memory only until one of them writes: then "
            "the kernel gives the writer a copy of that page. Threads share all their memory, "
            "processes only what they ask for, such as a value in shared memory. Most bugs "
            "between threads can't happen between processes, and results don't come back by "
            "themselves either.",
        .next = "Change the global before the child is started: which does the child see?",
        .breaks = "the child is a thread, which shares all its memory.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
