/* base/arena.c, base/error.c. */
#include "tests/support/support.h"

#include "base/address_map.h"
#include "harness/mp/core/heap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void memory_is_zeroed_aligned_and_disjoint(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 63, 64, 65, 4096, 100000, 1 << 20 };
    unsigned char *end = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *bytes = fb_arena_alloc(arena, sizes[i]);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % FB_CACHE_LINE, 0);
        assert_true(!end || bytes >= end);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(bytes[j], 0);
        memset(bytes, 0xff, sizes[i]);
        end = bytes + sizes[i];
    }
    assert_non_null(fb_arena_alloc(arena, 0));
}

static void too_large_an_allocation_is_refused(void **state)
{
    (void)state;
    assert_non_null(fb_arena_alloc(arena, 1)); /* so that adding the size could overflow */
    assert_null(fb_arena_alloc(arena, SIZE_MAX));
    assert_null(fb_arena_alloc(arena, SIZE_MAX - 63));
    assert_null(fb_arena_alloc(arena, (size_t)1 << 60));
    char *bytes = fb_arena_alloc(arena, 10);
    assert_non_null(bytes);
    bytes[9] = 1;
}

static void a_child_writes_to_its_parents_memory(void **state)
{
    (void)state;
    int *early = fb_arena_alloc(arena, sizeof *early), status;
    pid_t pid = fork();
    if (pid == 0) {
        *early = 42;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(*early, 42);
}

static void a_file_is_mapped_read_only(void **state)
{
    (void)state;
    const void *bytes = NULL, *again = NULL;
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, "hello", 5), 5);
    char *first = fb_arena_alloc(arena, 1);
    assert_int_equal(fb_arena_map(arena, fd, 5, &bytes), 0);
    assert_int_equal(fb_arena_map(arena, fd, 5, &again), 0);
    close(fd);
    assert_ptr_not_equal(bytes, again);
    assert_memory_equal(bytes, "hello", 5);
    assert_memory_equal(again, "hello", 5);
    char *next = fb_arena_alloc(arena, 1);
    *first = *next = 'x';
    assert_memory_equal(again, "hello", 5);
}

static void a_file_that_can_not_be_mapped_is_refused(void **state)
{
    (void)state;
    const void *bytes = &bytes;
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fb_arena_map(arena, -1, 4096, &bytes) < 0);
    assert_true(fb_arena_map(arena, fd, 0, &bytes) < 0);
    assert_true(fb_arena_map(arena, fd, SIZE_MAX, &bytes) < 0);
    assert_int_equal(fb_arena_map(arena, fd, (size_t)1 << 60, &bytes), -ENOMEM);
    close(fd);
    assert_ptr_equal(bytes, &bytes);
    char *after = fb_arena_alloc(arena, 5000);
    assert_non_null(after);
    memset(after, 1, 5000);
}

static void long_errors_are_cut_and_null_is_accepted(void **state)
{
    (void)state;
    struct {
        struct fb_error error;
        char guard[8];
    } box;
    char text[1000];
    memset(&box, '#', sizeof box);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(fb_error_set(&box.error, -EIO, "%s", text), -EIO);
    assert_int_equal(box.error.code, -EIO);
    assert_int_equal(strlen(box.error.text), FB_ERROR_TEXT - 1);
    assert_memory_equal(box.guard, "########", 8);
    assert_int_equal(fb_error_set(NULL, -EPERM, "%s", text), -EPERM);
    assert_int_equal(fb_error_set(&box.error, -1, "%d %s", 5, "apples"), -1);
    assert_string_equal(box.error.text, "5 apples");
}

static void check_tidy(const char *given, const char *expected)
{
    char text[64];
    snprintf(text, sizeof text, "%s", given);
    fb_text_tidy(text);
    assert_string_equal(text, expected);
}

static void text_from_outside_is_made_printable(void **state)
{
    (void)state;
    check_tidy("", "");
    check_tidy("plain", "plain");
    check_tidy("a\nb\tc\r\x1b[31m\x7f", "a?b?c??[31m?");
    check_tidy("ü€𝄞", "ü€𝄞");
    /* A character that was cut is removed, and nothing else. */
    check_tidy("aü\xc3", "aü");
    check_tidy("a\xe2\x82", "a");
    check_tidy("a\xe2", "a");
    check_tidy("a\xf0\x9d\x84", "a");
    check_tidy("\xe2\x82", "");
}

static void an_error_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    for (int lead = 0; lead < 4; lead++) {
        struct fb_error error;
        char text[400] = "";
        for (size_t i = 0; i < 120; i++)
            strcat(text, "€");
        fb_error_set(&error, -1, "%.*s%s", lead, "xxxx", text);
        size_t length = strlen(error.text);
        assert_true(length >= FB_ERROR_TEXT - 4);
        assert_int_equal((length - (size_t)lead) % 3, 0);
    }
}

/* Arenas have addresses of their own, so that in a spawned process those and the heap's are free. */
static void arenas_leave_the_heap_its_address(void **state)
{
    (void)state;
    struct fb_arena *more[3];
    void *memory;
    for (int i = 0; i < 3; i++)
        assert_int_equal(fb_arena_open(&more[i]), 0);
    assert_int_equal(fb_mp_alloc(64, &memory), 0);
    uintptr_t address = (uintptr_t)memory;
    fb_mp_free(memory);
    for (int i = 0; i < 3; i++)
        fb_arena_close(more[i]);
    assert_in_range(address, FB_HEAP_ADDRESS, FB_HEAP_ADDRESS + FB_HEAP_SPAN - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(arenas_leave_the_heap_its_address),
        WITH_ARENA(memory_is_zeroed_aligned_and_disjoint),
        WITH_ARENA(too_large_an_allocation_is_refused),
        WITH_ARENA(a_child_writes_to_its_parents_memory),
        WITH_ARENA(a_file_is_mapped_read_only),
        WITH_ARENA(a_file_that_can_not_be_mapped_is_refused),
        cmocka_unit_test(long_errors_are_cut_and_null_is_accepted),
        cmocka_unit_test(text_from_outside_is_made_printable),
        cmocka_unit_test(an_error_is_not_cut_inside_a_character),
    };
    return RUN_TESTS(tests);
}
