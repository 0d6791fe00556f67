#include "tests/mp/channel/store_order.h"

static const volatile void *watched;
static const volatile char *data;
static size_t data_size;
static bool stored, pending, loaded, overtaken;

void store_order_watch(const void *word, const void *first, size_t size)
{
    watched = word;
    data = first;
    data_size = size;
    stored = pending = loaded = overtaken = false;
}

bool store_order_stored(void)
{
    return stored;
}

bool store_order_loaded(void)
{
    return loaded;
}

bool store_order_overtaken(void)
{
    return overtaken;
}

static bool is_data(const volatile void *word)
{
    const volatile char *byte = word;
    return word && byte >= data && byte < data + data_size;
}

static void note_store(void)
{
    stored = true;
    loaded = false;
}

void store_order_weak_store(const volatile void *word)
{
    if (!is_data(word))
        return;
    note_store();
    pending = true;
}

void store_order_fence(const volatile void *word)
{
    if (is_data(word))
        note_store();
    pending = false;
}

void store_order_load(const volatile void *word)
{
    if (word != watched)
        return;
    loaded = true;
    overtaken |= pending;
}
