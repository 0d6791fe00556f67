/* harness/native/spawnpool.c: a fresh image that can't map the arena where the caller has it. */
#include "tests/support/support.h"

#include "harness/mp/process/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* An address that the first spawned worker uses for something else. */
#define TAKEN "FORKBENCH_TEST_TAKEN"

__attribute__((constructor)) static void take_place(int count, char **arguments)
{
    const char *place = getenv(TAKEN);
    if (place && count == 3 && strcmp(arguments[2], "spawnpool-1") == 0)
        mmap((void *)strtoul(place, NULL, 16), 4096, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

/* Refused with the reason, even if the worker has ended before the others have joined. */
static void a_worker_that_can_not_map_the_arena(void **state)
{
    (void)state;
    const struct fb_harness *harness = harness_named("spawnpool");
    struct fb_pool *pool;
    struct fb_error error = { 0 };
    char place[40];
    snprintf(place, sizeof place, "%lx", (unsigned long)fb_arena_alloc(arena, 1) & ~4095ul);
    setenv(TAKEN, place, 1);
    for (int round = 0; round < 10; round++) {
        struct fb_setting setting = { .arena = arena, .workers = 33 };
        assert_int_equal(harness->open(&setting, &pool, &error), -EEXIST);
        assert_non_null(strstr(error.text, "worker 1 can't map the shared memory"));
    }
    unsetenv(TAKEN);
}

int main(int argc, char **argv)
{
    static const struct fb_mp_task none[] = { { 0 } };
    fb_mp_main(argc, argv, none);
    const struct CMUnitTest tests[] = {
        WITH_ARENA(a_worker_that_can_not_map_the_arena),
    };
    return RUN_TESTS(tests);
}
