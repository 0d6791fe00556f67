#include "harness/mp/manager/object_table.h"

#include <errno.h>
#include <stdlib.h>

/* An object's place in the table. Its id: the index in the low 32 bits, the generation above. */
struct slot {
    struct store_object *object;
    uint32_t generation; /* the number of objects that this slot has held so far */
    unsigned references;
};

static struct {
    struct client *clients;
    struct slot *slot;
    size_t slots, lowest_free; /* no slot below lowest_free is free */
} table;

/* ---- objects ---- */

static struct slot *find_slot(uint64_t id)
{
    uint32_t index = (uint32_t)id;
    if (index >= table.slots || !table.slot[index].object ||
        table.slot[index].generation != (uint32_t)(id >> 32))
        return NULL;
    return &table.slot[index];
}

static int add_object(struct store_object *object, uint64_t *ret_id)
{
    size_t index = table.lowest_free;
    while (index < table.slots && table.slot[index].object)
        index++;
    if (index == table.slots) {
        size_t more = table.slots ? 2 * table.slots : 16;
        struct slot *slot = reallocarray(table.slot, more, sizeof *slot);
        if (!slot)
            return -ENOMEM;
        memset(slot + table.slots, 0, (more - table.slots) * sizeof *slot);
        table.slot = slot;
        table.slots = more;
    }
    struct slot *slot = &table.slot[index];
    table.lowest_free = index + 1;
    slot->object = object;
    slot->references = 0;
    slot->generation = (slot->generation + 1) & INT32_MAX; /* ids are not negative */
    *ret_id = (uint64_t)slot->generation << 32 | index;
    return 0;
}

static void drop_references(struct slot *slot, unsigned count)
{
    slot->references -= count;
    if (slot->references > 0)
        return;
    size_t index = (size_t)(slot - table.slot);
    store_free(slot->object);
    slot->object = NULL;
    table.lowest_free = index < table.lowest_free ? index : table.lowest_free;
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
    struct slot *slot = find_slot(id);
    struct reference *reference = find_reference(client, id);
    if (!slot)
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
    slot->references++;
    return 0;
}

int object_table_unrefer(struct client *client, uint64_t id)
{
    struct slot *slot = find_slot(id);
    struct reference *reference = find_reference(client, id);
    if (!slot || !reference)
        return -ENOENT;
    if (--reference->count == 0)
        *reference = client->reference[--client->references];
    drop_references(slot, 1);
    return 0;
}

int object_table_make(struct store_call *call, struct client *client)
{
    struct store_object *object;
    uint64_t id;
    int result = store_make(call, &object);
    if (result < 0)
        return result;
    if ((result = add_object(object, &id)) < 0) {
        store_free(object);
        return result;
    }
    if ((result = object_table_refer(client, id)) < 0)
        drop_references(find_slot(id), 0);
    call->answer = fb_mp_integer((int64_t)id);
    return result;
}

struct store_object *object_table_find(uint64_t id)
{
    struct slot *slot = find_slot(id);
    return slot ? slot->object : NULL;
}

/* ---- clients ---- */

struct client *object_table_client(const struct fb_mp_identity *process)
{
    for (struct client *client = table.clients; client; client = client->next)
        if (client->process.pid == process->pid && client->process.start == process->start)
            return client;
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->process = *process;
    client->next = table.clients;
    table.clients = client;
    return client;
}

static void unlink_client(struct client *client)
{
    struct client **link = &table.clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
}

void object_table_drop_client(struct client *client)
{
    for (size_t i = 0; i < table.slots; i++)
        if (table.slot[i].object)
            store_drop_client(table.slot[i].object, client);
    for (size_t i = 0; i < client->references; i++) {
        struct slot *slot = find_slot(client->reference[i].id);
        if (slot)
            drop_references(slot, client->reference[i].count);
    }
    unlink_client(client);
    free(client->reference);
    free(client);
}
