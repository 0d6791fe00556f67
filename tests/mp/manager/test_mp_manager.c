/* harness/mp/manager/manager.h: each operation works as in Python and leaks nothing, with forked and with
 * spawned servers. */
#include "tests/mp/manager/manager_fixture.h"

#include "tests/support/fork_child.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- list ---- */

static void list_as_in_python(void **state)
{
    (void)state;
    struct fb_mp_proxy *list;
    size_t length = 77;
    DONE(fb_mp_list_make(manager, &list));
    IS(fb_mp_list_copy(list, &value), "[]");
    FAILS(fb_mp_list_get(list, 0, &value), -ERANGE);
    FAILS(fb_mp_list_get(list, -1, &value), -ERANGE);
    FAILS(fb_mp_list_pop(list, -1, &value), -ERANGE);
    FAILS(fb_mp_list_remove(list, N(1)), -ENOENT);
    DONE(fb_mp_list_append(list, N(1)));
    DONE(fb_mp_list_extend(list, LIST(S("two"), LIST(N(3), fb_mp_nil()))));
    DONE(fb_mp_list_extend(list, fb_mp_list(NULL, 0)));
    FAILS(fb_mp_list_extend(list, N(4)), -EINVAL);
    IS(fb_mp_list_copy(list, &value), "[1, 'two', [3, None]]");
    IS(fb_mp_list_get(list, 0, &value), "1");
    IS(fb_mp_list_get(list, -1, &value), "[3, None]");
    IS(fb_mp_list_get(list, -3, &value), "1");
    FAILS(fb_mp_list_get(list, 3, &value), -ERANGE);
    FAILS(fb_mp_list_get(list, -4, &value), -ERANGE);
    FAILS(fb_mp_list_get(list, INT64_MIN, &value), -ERANGE);
    FAILS(fb_mp_list_get(list, INT64_MAX, &value), -ERANGE);
    DONE(fb_mp_list_set(list, -2, fb_mp_double(2.5)));
    FAILS(fb_mp_list_set(list, 3, N(0)), -ERANGE);
    FAILS(fb_mp_list_set(list, -4, N(0)), -ERANGE);
    DONE(fb_mp_list_insert(list, -1, S("before")));
    DONE(fb_mp_list_insert(list, -100, S("first")));
    DONE(fb_mp_list_insert(list, 100, S("last")));
    DONE(fb_mp_list_insert(list, INT64_MIN, N(-1)));
    DONE(fb_mp_list_insert(list, INT64_MAX, N(9)));
    DONE(fb_mp_list_insert(list, 2, fb_mp_bool(true)));
    IS(fb_mp_list_copy(list, &value),
       "[-1, 'first', True, 1, 2.500, 'before', [3, None], 'last', 9]");
    DONE(fb_mp_list_remove(list, LIST(N(3), fb_mp_nil())));
    FAILS(fb_mp_list_remove(list, LIST(N(3), fb_mp_nil())), -ENOENT);
    DONE(fb_mp_list_append(list, S("first")));
    DONE(fb_mp_list_remove(list, S("first"))); /* only the first one */
    IS(fb_mp_list_pop(list, 0, &value), "-1");
    IS(fb_mp_list_pop(list, 1, &value), "1");
    IS(fb_mp_list_pop(list, -2, &value), "9");
    FAILS(fb_mp_list_pop(list, 6, &value), -ERANGE);
    FAILS(fb_mp_list_pop(list, -6, &value), -ERANGE);
    IS(fb_mp_list_copy(list, &value), "[True, 2.500, 'before', 'last', 'first']");
    DONE(fb_mp_list_pop(list, -1, NULL));
    DONE(fb_mp_list_length(list, &length));
    assert_int_equal(length, 4);
    DONE(fb_mp_list_clear(list));
    IS(fb_mp_list_copy(list, &value), "[]");
    DONE(fb_mp_list_append(list, N(1)));
    IS(fb_mp_list_copy(list, &value), "[1]");
    fb_mp_proxy_close(list);
}

/* Random operations, compared with a plain array, so that room at both ends is used in every way. */
static void a_list_matches_an_array(void **state)
{
    (void)state;
    enum { MOST = 40 };
    unsigned short seed[3] = { 1, 2, 3 };
    int64_t model[MOST + 1], count = 0;
    struct fb_mp_proxy *list;
    DONE(fb_mp_list_make(manager, &list));
    for (int64_t i = 0; i < 3000; i++) {
        int64_t index = nrand48(seed) % (MOST + 10) - MOST / 2,
                at = index < 0 ? index + count : index;
        bool there = at >= 0 && at < count;
        bool front = nrand48(seed) % 3 == 0; /* like a queue */
        if (count < MOST && nrand48(seed) % 2) {
            at = at < 0 ? 0 : at > count ? count : at;
            DONE(fb_mp_list_insert(list, index, N(i)));
            memmove(&model[at + 1], &model[at], (size_t)(count++ - at) * sizeof *model);
            model[at] = i;
        } else if (count > 0 && (front || there)) {
            at = front ? 0 : at;
            DONE(fb_mp_list_pop(list, front ? 0 : index, &value));
            assert_int_equal(value.integer, model[at]);
            memmove(&model[at], &model[at + 1], (size_t)(--count - at) * sizeof *model);
            value = fb_mp_nil();
        } else if (!there)
            FAILS(fb_mp_list_set(list, index, N(i)), -ERANGE);
        DONE(fb_mp_list_copy(list, &value));
        assert_int_equal(value.count, count);
        for (int64_t k = 0; k < count; k++)
            assert_int_equal(value.items[k].integer, model[k]);
        fb_mp_object_free(&value);
    }
    fb_mp_proxy_close(list);
}

/* ---- dict ---- */

static void dict_as_in_python(void **state)
{
    (void)state;
    struct fb_mp_proxy *dict;
    size_t length = 77;
    bool contains = true;
    DONE(fb_mp_dict_make(manager, &dict));
    IS(fb_mp_dict_items(dict, &value), "[]");
    FAILS(fb_mp_dict_get(dict, N(1), &value), -ENOENT);
    FAILS(fb_mp_dict_pop(dict, N(1), &value), -ENOENT);
    DONE(fb_mp_dict_set(dict, S("b"), N(1)));
    DONE(fb_mp_dict_set(dict, S("a"), LIST(N(2))));
    DONE(fb_mp_dict_set(dict, fb_mp_nil(), N(3)));
    DONE(fb_mp_dict_set(dict, fb_mp_bytes("a", 1), N(4))); /* not the same key as the string */
    FAILS(fb_mp_dict_set(dict, LIST(N(1)), N(0)), -EINVAL);
    FAILS(fb_mp_dict_set(dict, DICT(N(1), N(2)), N(0)), -EINVAL);
    DONE(fb_mp_dict_set(dict, S("b"), S("new"))); /* keeps its place */
    IS(fb_mp_dict_keys(dict, &value), "['b', 'a', None, b'a']");
    IS(fb_mp_dict_values(dict, &value), "['new', [2], 3, 4]");
    IS(fb_mp_dict_items(dict, &value), "[['b', 'new'], ['a', [2]], [None, 3], [b'a', 4]]");
    IS(fb_mp_dict_get(dict, S("a"), &value), "[2]");
    IS(fb_mp_dict_pop(dict, S("a"), &value), "[2]");
    FAILS(fb_mp_dict_get(dict, S("a"), &value), -ENOENT);
    DONE(fb_mp_dict_set(dict, S("a"), N(5))); /* comes last now */
    DONE(fb_mp_dict_update(dict, DICT(S("b"), N(6), S("c"), N(7), S("b"), N(8))));
    DONE(fb_mp_dict_update(dict, fb_mp_dict(NULL, 0)));
    FAILS(fb_mp_dict_update(dict, LIST(N(1), N(2))), -EINVAL);
    FAILS(fb_mp_dict_update(dict, DICT(S("x"), N(1), LIST(N(1)), N(2))), -EINVAL); /* all or none */
    IS(fb_mp_dict_items(dict, &value), "[['b', 8], [None, 3], [b'a', 4], ['a', 5], ['c', 7]]");
    DONE(fb_mp_dict_contains(dict, S("x"), &contains));
    assert_false(contains);
    DONE(fb_mp_dict_contains(dict, fb_mp_nil(), &contains));
    assert_true(contains);
    DONE(fb_mp_dict_pop(dict, S("b"), NULL)); /* the first, and the last */
    DONE(fb_mp_dict_pop(dict, S("c"), NULL));
    IS(fb_mp_dict_keys(dict, &value), "[None, b'a', 'a']");
    DONE(fb_mp_dict_length(dict, &length));
    assert_int_equal(length, 3);
    DONE(fb_mp_dict_clear(dict));
    IS(fb_mp_dict_keys(dict, &value), "[]");
    DONE(fb_mp_dict_set(dict, S("a"), N(1)));
    IS(fb_mp_dict_items(dict, &value), "[['a', 1]]");
    fb_mp_proxy_close(dict);
}

/* ---- values ---- */

static void a_value_is_replaced(void **state)
{
    (void)state;
    struct fb_mp_proxy *proxy;
    DONE(fb_mp_managed_value_make(manager, S("first"), &proxy));
    IS(fb_mp_managed_value_get(proxy, &value), "'first'");
    DONE(fb_mp_managed_value_set(proxy, DICT(N(1), LIST(N(2)))));
    IS(fb_mp_managed_value_get(proxy, &value), "{1: [2]}");
    IS(fb_mp_managed_value_get(proxy, &value), "{1: [2]}");
    fb_mp_proxy_close(proxy);
    fb_mp_proxy_close(NULL);
}

/* ---- operations of other kinds ---- */

static void refuse_list(struct fb_mp_proxy *proxy)
{
    size_t length;
    FAILS(fb_mp_list_append(proxy, N(1)), -ENOTSUP);
    FAILS(fb_mp_list_extend(proxy, LIST(N(1))), -ENOTSUP);
    FAILS(fb_mp_list_get(proxy, 0, &value), -ENOTSUP);
    FAILS(fb_mp_list_set(proxy, 0, N(1)), -ENOTSUP);
    FAILS(fb_mp_list_insert(proxy, 0, N(1)), -ENOTSUP);
    FAILS(fb_mp_list_pop(proxy, 0, &value), -ENOTSUP);
    FAILS(fb_mp_list_remove(proxy, N(1)), -ENOTSUP);
    FAILS(fb_mp_list_clear(proxy), -ENOTSUP);
    FAILS(fb_mp_list_length(proxy, &length), -ENOTSUP);
    FAILS(fb_mp_list_copy(proxy, &value), -ENOTSUP);
}

static void refuse_dict(struct fb_mp_proxy *proxy)
{
    size_t length;
    bool contains;
    FAILS(fb_mp_dict_get(proxy, N(1), &value), -ENOTSUP);
    FAILS(fb_mp_dict_set(proxy, N(1), N(1)), -ENOTSUP);
    FAILS(fb_mp_dict_pop(proxy, N(1), &value), -ENOTSUP);
    FAILS(fb_mp_dict_contains(proxy, N(1), &contains), -ENOTSUP);
    FAILS(fb_mp_dict_update(proxy, DICT(N(1), N(1))), -ENOTSUP);
    FAILS(fb_mp_dict_keys(proxy, &value), -ENOTSUP);
    FAILS(fb_mp_dict_values(proxy, &value), -ENOTSUP);
    FAILS(fb_mp_dict_items(proxy, &value), -ENOTSUP);
    FAILS(fb_mp_dict_clear(proxy), -ENOTSUP);
    FAILS(fb_mp_dict_length(proxy, &length), -ENOTSUP);
}

static void refuse_value(struct fb_mp_proxy *proxy)
{
    FAILS(fb_mp_managed_value_get(proxy, &value), -ENOTSUP);
    FAILS(fb_mp_managed_value_set(proxy, N(1)), -ENOTSUP);
}

static void refuse_queue(struct fb_mp_proxy *proxy)
{
    size_t size;
    FAILS(fb_mp_managed_queue_put(proxy, N(1), FB_MP_FOREVER), -ENOTSUP);
    FAILS(fb_mp_managed_queue_get(proxy, FB_MP_FOREVER, &value), -ENOTSUP);
    FAILS(fb_mp_managed_queue_size(proxy, &size), -ENOTSUP);
}

static void refuse_lock(struct fb_mp_proxy *proxy)
{
    FAILS(fb_mp_managed_lock_acquire(proxy, FB_MP_FOREVER), -ENOTSUP);
    FAILS(fb_mp_managed_lock_release(proxy), -ENOTSUP);
}

static void operations_of_other_kinds_are_refused(void **state)
{
    (void)state;
    enum { KINDS = 5 };
    static void (*const refuse[KINDS])(struct fb_mp_proxy *) = { refuse_list, refuse_dict,
                                                                 refuse_value, refuse_queue,
                                                                 refuse_lock };
    struct fb_mp_proxy *proxy[KINDS];
    DONE(fb_mp_list_make(manager, &proxy[0]));
    DONE(fb_mp_dict_make(manager, &proxy[1]));
    DONE(fb_mp_managed_value_make(manager, N(1), &proxy[2]));
    DONE(fb_mp_managed_queue_make(manager, 1, &proxy[3]));
    DONE(fb_mp_managed_lock_make(manager, &proxy[4]));
    for (int is = 0; is < KINDS; is++)
        for (int other = 0; other < KINDS; other++)
            if (other != is)
                refuse[other](proxy[is]);
    for (int i = 0; i < KINDS; i++)
        fb_mp_proxy_close(proxy[i]);
}

/* ---- size and depth ---- */

static void large_and_deep_values_are_preserved(void **state)
{
    (void)state;
    enum { BIG = 1 << 20, MANY = 10000 };
    static char bytes[BIG];
    static struct fb_mp_object many[MANY];
    struct fb_mp_object deep = N(1), level[FB_MP_DEPTH + 1];
    struct fb_mp_proxy *list, *dict;
    for (int i = 0; i < BIG; i++)
        bytes[i] = (char)(i % 251);
    for (int i = 0; i < MANY; i++)
        many[i] = N(i);
    DONE(fb_mp_list_make(manager, &list));
    DONE(fb_mp_dict_make(manager, &dict));
    DONE(fb_mp_dict_set(dict, S("bytes"), fb_mp_bytes(bytes, BIG)));
    DONE(fb_mp_dict_get(dict, S("bytes"), &value));
    assert_int_equal(value.size, BIG);
    assert_memory_equal(value.bytes, bytes, BIG);
    fb_mp_object_free(&value);
    DONE(fb_mp_list_extend(list, fb_mp_list(many, MANY)));
    DONE(fb_mp_list_append(list, fb_mp_list(many, MANY)));
    DONE(fb_mp_list_get(list, -1, &value));
    const struct fb_mp_object expected = fb_mp_list(many, MANY);
    assert_int_equal(fb_mp_object_compare(&value, &expected), 0);
    fb_mp_object_free(&value);
    DONE(fb_mp_list_pop(list, -1, NULL));
    DONE(fb_mp_list_copy(list, &value));
    assert_int_equal(fb_mp_object_compare(&value, &expected), 0);
    fb_mp_object_free(&value);
    for (int i = 0; i < FB_MP_DEPTH; i++) {
        level[i] = deep;
        deep = fb_mp_list(&level[i], 1);
    }
    DONE(fb_mp_dict_set(dict, S("deep"), deep));
    DONE(fb_mp_dict_items(dict, &value)); /* two lists deeper */
    assert_int_equal(fb_mp_object_compare(&value.items[1].items[1], &deep), 0);
    fb_mp_object_free(&value);
    FAILS(fb_mp_dict_set(dict, S("deep"), fb_mp_list(&deep, 1)), -ELOOP);
    DONE(fb_mp_dict_get(dict, S("deep"), &value));
    assert_int_equal(fb_mp_object_compare(&value, &deep), 0);
    fb_mp_object_free(&value);
    fb_mp_proxy_close(list);
    fb_mp_proxy_close(dict);
}

/* ---- leaks ---- */

static unsigned descriptors_of(pid_t pid)
{
    char path[40];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static size_t pages_of(pid_t pid)
{
    char path[40];
    size_t all, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &all, &resident), 2);
    fclose(file);
    return resident;
}

/* Makes an object with contents, uses it and closes it: another kind in each round. */
static void make_and_close(int round)
{
    static char bytes[1000];
    struct fb_mp_object large = fb_mp_bytes(bytes, sizeof bytes);
    struct fb_mp_proxy *proxy;
    if (round % 4 == 0) {
        DONE(fb_mp_list_make(manager, &proxy));
        DONE(fb_mp_list_extend(proxy, LIST(large, large)));
        DONE(fb_mp_list_set(proxy, 0, large));
        DONE(fb_mp_list_pop(proxy, 0, NULL));
    } else if (round % 4 == 1) {
        DONE(fb_mp_dict_make(manager, &proxy));
        DONE(fb_mp_dict_set(proxy, large, large));
        DONE(fb_mp_dict_set(proxy, large, large));
        FAILS(fb_mp_dict_set(proxy, LIST(large), large), -EINVAL);
    } else if (round % 4 == 2) {
        DONE(fb_mp_managed_value_make(manager, large, &proxy));
        DONE(fb_mp_managed_value_set(proxy, large));
    } else {
        DONE(fb_mp_managed_queue_make(manager, 1, &proxy));
        DONE(fb_mp_managed_queue_put(proxy, large, 0));
        FAILS(fb_mp_managed_queue_put(proxy, large, 0), -ETIMEDOUT);
    }
    fb_mp_proxy_close(proxy);
}

static int use_without_closing(void *context)
{
    make_and_close(*(int *)context);
    return 0;
}

static void nothing_is_leaked(void **state)
{
    (void)state;
    pid_t server = managed_server();
    for (int i = 0; i < 1000; i++)
        make_and_close(i);
    unsigned own = descriptors_open(), there = descriptors_of(server);
    size_t pages = pages_of(server);
    for (int i = 0; i < 10000; i++)
        make_and_close(i);
    for (int i = 0; i < 100; i++)
        assert_int_equal(forked_end(forked_run(use_without_closing, &i)), 0);
    for (uint64_t limit = clock_ms() + LIMIT_MS; descriptors_of(server) > there; sched_yield())
        assert_true(clock_ms() < limit);
    assert_int_equal(descriptors_open(), own);
#if !defined __SANITIZE_ADDRESS__ &&                                                               \
    !defined __SANITIZE_THREAD__            /* they don't return freed memory */
    size_t more = pages_of(server) - pages; /* a leaked value of each object would be 2500 pages */
    assert_true(pages_of(server) <= pages || more < 1000);
#else
    (void)pages;
#endif
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, (const struct fb_mp_task[]){ { 0 } });
    const struct CMUnitTest tests[] = {
        UNDER_BOTH(list_as_in_python),
        UNDER_BOTH(a_list_matches_an_array),
        UNDER_BOTH(dict_as_in_python),
        UNDER_BOTH(a_value_is_replaced),
        UNDER_BOTH(operations_of_other_kinds_are_refused),
        UNDER_BOTH(large_and_deep_values_are_preserved),
        UNDER_BOTH(nothing_is_leaked),
    };
    return RUN_TESTS(tests);
}
