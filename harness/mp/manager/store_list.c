#include "harness/mp/manager/store.h"

#include <errno.h>
#include <stdlib.h>

/* ---- the array ---- */

/* Makes room for one more item at the end. If enough room was freed in front, as in a queue, the
 * items move there. */
static int make_room(struct store_list *list)
{
    if (list->first + list->count < list->room)
        return 0;
    if (list->first - list->lent > list->room / 2) {
        memmove(list->items + list->lent, list->items + list->first,
                list->count * sizeof *list->items);
        list->first = list->lent;
        return 0;
    }
    size_t room = list->room ? 2 * list->room : 8;
    struct fb_mp_object *items = reallocarray(list->items, room, sizeof *items);
    if (!items)
        return -ENOMEM;
    list->items = items;
    list->room = room;
    return 0;
}

int store_list_add(struct store_list *list, size_t at, struct fb_mp_object *object)
{
    if (make_room(list) < 0)
        return -ENOMEM;
    struct fb_mp_object *place = list->items + list->first + at;
    memmove(place + 1, place, (list->count - at) * sizeof *place);
    *place = *object;
    *object = fb_mp_nil();
    list->count++;
    return 0;
}

void store_list_take(struct store_list *list, size_t at, struct fb_mp_object *ret_object)
{
    struct fb_mp_object *place = list->items + list->first + at;
    *ret_object = *place;
    list->count--;
    if (at == 0)
        list->first++;
    else
        memmove(place, place + 1, (list->count - at) * sizeof *place);
}

void store_list_lend(struct store_list *list, struct fb_mp_object *ret_object)
{
    store_list_take(list, 0, ret_object);
    list->lent++;
}

void store_list_return(struct store_list *list, struct fb_mp_object *object)
{
    list->items[--list->first] = *object;
    *object = fb_mp_nil();
    list->count++;
    list->lent--;
}

void store_list_settle(struct store_list *list)
{
    list->lent--;
}

void store_list_clear(struct store_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        fb_mp_object_free(&list->items[list->first + i]);
    free(list->items);
    *list = (struct store_list){ 0 };
}

/* ---- operations ---- */

/* Finds the item whose index is the first argument; a negative index counts from the end. *ret_at:
 * its position in items. 0; -EINVAL: the argument is not an integer; -ERANGE. */
static int find(const struct store_list *list, const struct store_call *call, size_t *ret_at)
{
    const struct fb_mp_object *index = store_argument(call, 0);
    if (index->type != FB_MP_INTEGER)
        return -EINVAL;
    int64_t at = index->integer < 0 ? index->integer + (int64_t)list->count : index->integer;
    if (at < 0 || at >= (int64_t)list->count)
        return -ERANGE;
    *ret_at = list->first + (size_t)at;
    return 0;
}

static int append(struct store_object *object, struct store_call *call)
{
    return store_list_add(&object->list, object->list.count, store_argument(call, 0));
}

static int extend(struct store_object *object, struct store_call *call)
{
    struct fb_mp_object *more = store_argument(call, 0);
    size_t before = object->list.count;
    if (more->type != FB_MP_LIST)
        return -EINVAL;
    for (size_t i = 0; i < more->count; i++)
        if (store_list_add(&object->list, object->list.count, &more->items[i]) < 0) {
            struct fb_mp_object dropped;
            while (object->list.count > before) {
                store_list_take(&object->list, object->list.count - 1, &dropped);
                fb_mp_object_free(&dropped);
            }
            return -ENOMEM;
        }
    return 0;
}

static int get(struct store_object *object, struct store_call *call)
{
    size_t at;
    int result = find(&object->list, call, &at);
    if (result < 0)
        return result;
    call->answer = object->list.items[at];
    call->borrowed = true;
    return 0;
}

static int set(struct store_object *object, struct store_call *call)
{
    size_t at;
    int result = find(&object->list, call, &at);
    if (result < 0)
        return result;
    fb_mp_object_free(&object->list.items[at]);
    object->list.items[at] = *store_argument(call, 1);
    *store_argument(call, 1) = fb_mp_nil();
    return 0;
}

/* As in Python, an index beyond either end inserts at that end. */
static int insert(struct store_object *object, struct store_call *call)
{
    int64_t count = (int64_t)object->list.count, at = store_argument(call, 0)->integer;
    if (store_argument(call, 0)->type != FB_MP_INTEGER)
        return -EINVAL;
    if (at < 0)
        at = at + count < 0 ? 0 : at + count;
    return store_list_add(&object->list, (size_t)(at > count ? count : at),
                          store_argument(call, 1));
}

static int pop(struct store_object *object, struct store_call *call)
{
    size_t at;
    int result = find(&object->list, call, &at);
    if (result == 0)
        store_list_take(&object->list, at - object->list.first, &call->answer);
    return result;
}

static int remove_value(struct store_object *object, struct store_call *call)
{
    struct fb_mp_object dropped;
    const struct fb_mp_object *items = object->list.items + object->list.first;
    for (size_t i = 0; i < object->list.count; i++)
        if (fb_mp_object_compare(&items[i], store_argument(call, 0)) == 0) {
            store_list_take(&object->list, i, &dropped);
            fb_mp_object_free(&dropped);
            return 0;
        }
    return -ENOENT;
}

static int clear(struct store_object *object, struct store_call *call)
{
    (void)call;
    store_list_clear(&object->list);
    return 0;
}

static int length(struct store_object *object, struct store_call *call)
{
    call->answer = fb_mp_integer((int64_t)object->list.count);
    return 0;
}

static int copy(struct store_object *object, struct store_call *call)
{
    call->answer = fb_mp_list(object->list.items + object->list.first, object->list.count);
    call->borrowed = true;
    return 0;
}

const store_operation store_list_operations[WIRE_OPS] = {
    [WIRE_LIST_APPEND] = append,
    [WIRE_LIST_EXTEND] = extend,
    [WIRE_LIST_GET] = get,
    [WIRE_LIST_SET] = set,
    [WIRE_LIST_INSERT] = insert,
    [WIRE_LIST_POP] = pop,
    [WIRE_LIST_REMOVE] = remove_value,
    [WIRE_LIST_CLEAR] = clear,
    [WIRE_LIST_LENGTH] = length,
    [WIRE_LIST_COPY] = copy,
};
