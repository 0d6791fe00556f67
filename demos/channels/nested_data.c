/* The same amount of data, sent as bytes and as a list of dicts. */
#include "demos/lesson/lesson.h"

#include "base/error.h"
#include "harness/mp/manager/manager.h"
#include "harness/mp/manager/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 2000
#define ROUNDS 9

/* {"id": i, "name": "record", "value": i / 2} */
static struct fb_mp_object make_record(int i)
{
    struct fb_mp_object *part = calloc(6, sizeof *part);
    lesson_need(part ? 0 : -ENOMEM, "take memory");
    part[0] = fb_mp_string("id");
    part[1] = fb_mp_integer(i);
    part[2] = fb_mp_string("name");
    part[3] = fb_mp_string("record");
    part[4] = fb_mp_string("value");
    part[5] = fb_mp_double(i / 2.0);
    return fb_mp_dict(part, 3);
}

/* The µs to send a value to the manager and to get it back. */
static double cost(struct fb_mp_proxy *value, struct fb_mp_object object)
{
    struct fb_mp_object back;
    int64_t start = fb_mp_now();
    lesson_need(fb_mp_managed_value_set(value, object), "set a value");
    lesson_need(fb_mp_managed_value_get(value, &back), "get a value");
    double us = (double)(fb_mp_now() - start) / 1e3;
    lesson_need(fb_mp_object_compare(&object, &back) == 0 ? 0 : -EIO, "get the same back");
    fb_mp_object_free(&back);
    return us;
}

static void run(void)
{
    struct fb_mp_manager *manager;
    struct fb_mp_proxy *value;
    struct fb_error error;
    struct fb_mp_object *record = calloc(RECORDS, sizeof *record);
    size_t bytes = RECORDS * 40; /* about the size of the packed records */
    char *flat = calloc(bytes, 1);
    double nested_us[ROUNDS], flat_us[ROUNDS];
    lesson_need(record && flat ? 0 : -ENOMEM, "take memory");
    for (int i = 0; i < RECORDS; i++)
        record[i] = make_record(i);
    lesson_need(fb_mp_manager_start(FB_MP_FORK, &manager, &error), "start a manager");
    lesson_need(fb_mp_managed_value_make(manager, fb_mp_nil(), &value), "make a value");
    const struct fb_mp_object whole = fb_mp_bytes(flat, bytes), parts = fb_mp_list(record, RECORDS);
    for (int i = 0; i < ROUNDS; i++) {
        nested_us[i] = cost(value, lesson_is_broken() ? whole : parts);
        flat_us[i] = cost(value, whole);
    }
    lesson_bars("us", 2, (const char *const[]){ "80,000 bytes in one piece", "as 2,000 dicts" },
                (const double[]){ fb_median(flat_us, ROUNDS), fb_median(nested_us, ROUNDS) });
    struct fb_interval ratio = fb_ratio_interval(nested_us, flat_us, ROUNDS);
    lesson_measured(ratio.low > 1.5,
                    "packing and unpacking structures costs more than copying their bytes");
    lesson_claim("C22", "serialising large structures is what costs, not only the bytes", ratio,
                 "times the time of flat bytes", lesson_is_above(ratio, 1), NULL);
    fb_mp_proxy_close(value);
    fb_mp_manager_close(manager);
    for (int i = 0; i < RECORDS; i++)
        free(record[i].items);
    free(record);
    free(flat);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "nested_data",
        .title = "Nested data",
        .rows = "M10 C22",
        .question =
            "2,000 small dicts, about 80,000 bytes when they are packed, are sent to another "
            "process and back; then 80,000 bytes in one piece are. Which takes longer?",
        .choices = { "both take the same time: only the bytes count", "the dicts" },
        .answer = 'b',
        .explains =
            "Bytes in one piece are only copied. For a structure, the sender writes each part with "
            "its type, and the receiver allocates memory for each part and rebuilds the structure; "
            "on the way back, all this is done again. Python's pickle works the same way.",
        .next = "Send the same numbers as one array of doubles. When is it better to leave a "
                "structure in one process and send requests to it?",
        .breaks = "the \"dicts\" are also one piece of bytes.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
