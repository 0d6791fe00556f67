#include "harness/mp/manager/store.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

/* ---- pairs ---- */

static int compare_keys(const void *a, const void *b)
{
    return fb_mp_object_compare(a, b); /* a pair begins with its key */
}

static struct store_pair *find(const struct store_dict *dict, const struct fb_mp_object *key)
{
    struct store_pair **found = tfind(key, &dict->tree, compare_keys);
    return found ? *found : NULL;
}

/* Sets the value of a key and takes ownership of both; an existing key keeps its place in the order.
 * 0, -EINVAL: a list or dict is not a key, or -ENOMEM. */
static int put(struct store_dict *dict, struct fb_mp_object *key, struct fb_mp_object *value)
{
    if (key->type == FB_MP_LIST || key->type == FB_MP_DICT)
        return -EINVAL;
    struct store_pair *pair = find(dict, key);
    if (pair) {
        fb_mp_object_free(&pair->value);
    } else {
        pair = calloc(1, sizeof *pair);
        if (!pair)
            return -ENOMEM;
        pair->key = *key;
        if (!tsearch(pair, &dict->tree, compare_keys)) {
            free(pair);
            return -ENOMEM;
        }
        *key = fb_mp_nil();
        pair->previous = dict->last;
        *(dict->last ? &dict->last->next : &dict->first) = pair;
        dict->last = pair;
        dict->count++;
    }
    pair->value = *value;
    *value = fb_mp_nil();
    return 0;
}

static void drop(struct store_dict *dict, struct store_pair *pair)
{
    tdelete(pair, &dict->tree, compare_keys);
    *(pair->previous ? &pair->previous->next : &dict->first) = pair->next;
    *(pair->next ? &pair->next->previous : &dict->last) = pair->previous;
    dict->count--;
    fb_mp_object_free(&pair->key);
    fb_mp_object_free(&pair->value);
    free(pair);
}

static void keep_pair(void *pair)
{
    (void)pair; /* it is freed by way of the list */
}

void store_dict_clear(struct store_dict *dict)
{
    tdestroy(dict->tree, keep_pair);
    for (struct store_pair *pair = dict->first, *next; pair; pair = next) {
        next = pair->next;
        fb_mp_object_free(&pair->key);
        fb_mp_object_free(&pair->value);
        free(pair);
    }
    *dict = (struct store_dict){ 0 };
}

/* ---- operations ---- */

static int get(struct store_object *object, struct store_call *call)
{
    struct store_pair *pair = find(&object->dict, store_argument(call, 0));
    if (!pair)
        return -ENOENT;
    call->answer = pair->value;
    call->borrowed = true;
    return 0;
}

static int set(struct store_object *object, struct store_call *call)
{
    return put(&object->dict, store_argument(call, 0), store_argument(call, 1));
}

static int pop(struct store_object *object, struct store_call *call)
{
    struct store_pair *pair = find(&object->dict, store_argument(call, 0));
    if (!pair)
        return -ENOENT;
    call->answer = pair->value;
    pair->value = fb_mp_nil();
    drop(&object->dict, pair);
    return 0;
}

static int contains(struct store_object *object, struct store_call *call)
{
    call->answer = fb_mp_bool(find(&object->dict, store_argument(call, 0)));
    return 0;
}

/* Sets all pairs, or none if one of the keys is invalid. If memory runs out, the pairs before that
 * are set. */
static int update(struct store_object *object, struct store_call *call)
{
    struct fb_mp_object *more = store_argument(call, 0);
    if (more->type != FB_MP_DICT)
        return -EINVAL;
    for (size_t i = 0; i < more->count; i++)
        if (more->items[2 * i].type == FB_MP_LIST || more->items[2 * i].type == FB_MP_DICT)
            return -EINVAL;
    for (size_t i = 0; i < more->count; i++) {
        int result = put(&object->dict, &more->items[2 * i], &more->items[2 * i + 1]);
        if (result < 0)
            return result;
    }
    return 0;
}

enum part { KEYS = 1, VALUES, ITEMS };

/* Makes a list of copies: the keys, the values or the pairs. */
static int list_parts(const struct store_dict *dict, enum part part, struct fb_mp_object *ret_list)
{
    struct fb_mp_object list = { .type = FB_MP_LIST, .count = dict->count };
    list.items = calloc(dict->count ? dict->count : 1, sizeof *list.items);
    if (!list.items)
        return -ENOMEM;
    size_t i = 0;
    int result = 0;
    for (const struct store_pair *pair = dict->first; pair && result == 0; pair = pair->next) {
        const struct fb_mp_object both[] = { pair->key, pair->value };
        const struct fb_mp_object wanted = part == ITEMS ? fb_mp_list(both, 2) : both[part - KEYS];
        result = fb_mp_object_copy(&wanted, &list.items[i++]);
    }
    if (result < 0)
        fb_mp_object_free(&list);
    else
        *ret_list = list;
    return result;
}

static int keys(struct store_object *object, struct store_call *call)
{
    return list_parts(&object->dict, KEYS, &call->answer);
}

static int values(struct store_object *object, struct store_call *call)
{
    return list_parts(&object->dict, VALUES, &call->answer);
}

static int items(struct store_object *object, struct store_call *call)
{
    return list_parts(&object->dict, ITEMS, &call->answer);
}

static int clear(struct store_object *object, struct store_call *call)
{
    (void)call;
    store_dict_clear(&object->dict);
    return 0;
}

static int length(struct store_object *object, struct store_call *call)
{
    call->answer = fb_mp_integer((int64_t)object->dict.count);
    return 0;
}

const store_operation store_dict_operations[WIRE_OPS] = {
    [WIRE_DICT_GET] = get,           [WIRE_DICT_SET] = set,       [WIRE_DICT_POP] = pop,
    [WIRE_DICT_CONTAINS] = contains, [WIRE_DICT_UPDATE] = update, [WIRE_DICT_KEYS] = keys,
    [WIRE_DICT_VALUES] = values,     [WIRE_DICT_ITEMS] = items,   [WIRE_DICT_CLEAR] = clear,
    [WIRE_DICT_LENGTH] = length,
};
