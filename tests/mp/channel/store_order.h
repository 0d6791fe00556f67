/* Records the order of the atomic stores and loads of a source file that is included after this
 * header, and judges it by the rule of x86, which weaker memory models have too: a load may
 * overtake an earlier store, unless the store is sequentially consistent or an atomic
 * read-modify-write operation comes between them. For a single thread. */
#ifndef TEST_STORE_ORDER_H
#define TEST_STORE_ORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Watches the stores to size bytes at data, and the loads of word. */
void store_order_watch(const void *word, const void *data, size_t size);

/* Since the last watch: whether data was stored, whether word was loaded after the last such store,
 * and whether any load of word could overtake a store to data. */
bool store_order_stored(void);
bool store_order_loaded(void);
bool store_order_overtaken(void);

/* ---- what the macros below record ---- */

/* A store that later loads may overtake. */
void store_order_weak_store(const volatile void *word);
/* An operation that makes all earlier stores visible first, with its word, or NULL. */
void store_order_fence(const volatile void *word);
void store_order_load(const volatile void *word);

#undef atomic_store_explicit
#define atomic_store_explicit(word, value, order)                                                  \
    (store_order_weak_store(word), (void)(*(word) = (value)))

#undef atomic_store
#define atomic_store(word, value) ((void)(*(word) = (value)), store_order_fence(word))

#undef atomic_load
#define atomic_load(word) (store_order_load(word), atomic_load_explicit(word, memory_order_seq_cst))

#undef atomic_exchange
#define atomic_exchange(word, value)                                                               \
    (store_order_fence(word), atomic_exchange_explicit(word, value, memory_order_seq_cst))

#undef atomic_fetch_add
#define atomic_fetch_add(word, value)                                                              \
    (store_order_fence(word), atomic_fetch_add_explicit(word, value, memory_order_seq_cst))

#undef atomic_compare_exchange_strong
#define atomic_compare_exchange_strong(word, expected, value)                                      \
    (store_order_fence(word),                                                                      \
     atomic_compare_exchange_strong_explicit(word, expected, value, memory_order_seq_cst,          \
                                             memory_order_seq_cst))

#undef atomic_compare_exchange_weak
#define atomic_compare_exchange_weak(word, expected, value)                                        \
    (store_order_fence(word),                                                                      \
     atomic_compare_exchange_weak_explicit(word, expected, value, memory_order_seq_cst,            \
                                           memory_order_seq_cst))

#endif
