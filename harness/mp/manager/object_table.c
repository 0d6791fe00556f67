#include "harness/mp/manager/object_table.h"

#include <errno.h>
#include <stdlib.h>

/* Where an object is; its id is the index and, above, how many were there before it. */
struct place {
    struct store_thing *thing;
    uint32_t generation;
    unsigned references;
};

static struct {
    struct client *clients;
    struct place *place;
    size_t places, lowest; /* none below is free */
} keeper;

/* ---- objects ---- */

static struct place *find_place(uint64_t id)
{
    uint32_t index = (uint32_t)id;
    if (index >= keeper.places || !keeper.place[index].thing ||
        keeper.place[index].generation != (uint32_t)(id >> 32))
        return NULL;
    return &keeper.place[index];
}

static int add_thing(struct store_thing *thing, uint64_t *ret_id)
{
    size_t index = keeper.lowest;
    while (index < keeper.places && keeper.place[index].thing)
        index++;
    if (index == keeper.places) {
        size_t more = keeper.places ? 2 * keeper.places : 16;
        struct place *place = reallocarray(keeper.place, more, sizeof *place);
        if (!place)
            return -ENOMEM;
        memset(place + keeper.places, 0, (more - keeper.places) * sizeof *place);
        keeper.place = place;
        keeper.places = more;
    }
    struct place *place = &keeper.place[index];
    keeper.lowest = index + 1;
    place->thing = thing;
    place->references = 0;
    place->generation = (place->generation + 1) & INT32_MAX; /* ids are not negative */
    *ret_id = (uint64_t)place->generation << 32 | index;
    return 0;
}

static void drop_references(struct place *place, unsigned count)
{
    place->references -= count;
    if (place->references > 0)
        return;
    size_t index = (size_t)(place - keeper.place);
    store_free(place->thing);
    place->thing = NULL;
    keeper.lowest = index < keeper.lowest ? index : keeper.lowest;
}

static struct reference *find_reference(const struct client *client, uint64_t id)
{
    for (size_t i = 0; i < client->references; i++)
        if (client->reference[i].id == id)
            return &client->reference[i];
    return NULL;
}

int object_table_refer(struct client *client, uint64_t id)
{
    struct place *place = find_place(id);
    struct reference *reference = find_reference(client, id);
    if (!place)
        return -ENOENT;
    if (!reference) {
        reference = reallocarray(client->reference, client->references + 1, sizeof *reference);
        if (!reference)
            return -ENOMEM;
        client->reference = reference;
        reference += client->references++;
        *reference = (struct reference){ .id = id };
    }
    reference->count++;
    place->references++;
    return 0;
}

int object_table_unrefer(struct client *client, uint64_t id)
{
    struct place *place = find_place(id);
    struct reference *reference = find_reference(client, id);
    if (!place || !reference)
        return -ENOENT;
    if (--reference->count == 0)
        *reference = client->reference[--client->references];
    drop_references(place, 1);
    return 0;
}

int object_table_make(struct store_call *call, struct client *client)
{
    struct store_thing *thing;
    uint64_t id;
    int result = store_make(call, &thing);
    if (result < 0)
        return result;
    if ((result = add_thing(thing, &id)) < 0) {
        store_free(thing);
        return result;
    }
    if ((result = object_table_refer(client, id)) < 0)
        drop_references(find_place(id), 0);
    call->answer = fb_mp_integer((int64_t)id);
    return result;
}

struct store_thing *object_table_find(uint64_t id)
{
    struct place *place = find_place(id);
    return place ? place->thing : NULL;
}

/* ---- clients ---- */

struct client *object_table_client(const struct fb_mp_identity *process)
{
    for (struct client *client = keeper.clients; client; client = client->next)
        if (client->process.pid == process->pid && client->process.start == process->start)
            return client;
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->process = *process;
    client->next = keeper.clients;
    keeper.clients = client;
    return client;
}

static void unlink_client(struct client *client)
{
    struct client **link = &keeper.clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
}

void object_table_drop_client(struct client *client)
{
    for (size_t i = 0; i < keeper.places; i++)
        if (keeper.place[i].thing)
            store_leave(keeper.place[i].thing, client);
    for (size_t i = 0; i < client->references; i++) {
        struct place *place = find_place(client->reference[i].id);
        if (place)
            drop_references(place, client->reference[i].count);
    }
    unlink_client(client);
    free(client->reference);
    free(client);
}
