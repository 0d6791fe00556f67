#include "tests/mp/channel/queue_fixture.h"

#include "harness/mp/core/heap.h"

#include <string.h>

struct queue_page *queue_page;
static size_t used; /* bytes of the heap before a test */

void queue_page_make(size_t capacity)
{
    void *memory;
    used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc(sizeof *queue_page, &memory), 0);
    queue_page = memory;
    assert_int_equal(fb_mp_queue_make(capacity, &queue_page->queue), 0);
}

void queue_page_free(void)
{
    fb_mp_queue_free(queue_page->queue);
    fb_mp_free(queue_page);
    assert_int_equal(fb_mp_heap_used(), used);
}

struct fb_mp_process *start_on_page(fb_mp_run run, enum fb_mp_method method)
{
    return started((struct fb_mp_process_options){
        .run = run, .argument = &queue_page, .size = sizeof queue_page, .method = method });
}

void queue_page_find(const void *argument)
{
    memcpy(&queue_page, argument, sizeof queue_page);
}

void fill(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(size * 31 + i * 7 + i / 251);
}

bool is_filled(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != (unsigned char)(size * 31 + i * 7 + i / 251))
            return false;
    return true;
}

int put_number(uint64_t number, int64_t timeout_ns)
{
    return fb_mp_queue_put(queue_page->queue, &number, sizeof number, timeout_ns);
}

void expect_number(uint64_t number)
{
    uint64_t found = ~0ull;
    size_t size;
    assert_int_equal(fb_mp_queue_get(queue_page->queue, &found, sizeof found, LIMIT_NS, &size), 0);
    assert_int_equal(size, sizeof found);
    assert_int_equal(found, number);
}

int try_get(void)
{
    uint64_t number;
    size_t size;
    return fb_mp_queue_get(queue_page->queue, &number, sizeof number, 0, &size);
}
