/* harness/mp/pool/map.h, future.h: examples of tutorials, with their known results. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

/* ---- tasks ---- */

struct words {
    uint32_t count, unique;
    double mean; /* letters */
};

static int count_words(struct fb_mp_call *call)
{
    char text[200], *words[100], *rest;
    struct words found = { .count = 0 };
    size_t letters = 0;
    for (size_t i = 0; i < call->size; i++)
        text[i] = (char)tolower(((const unsigned char *)call->argument)[i]);
    text[call->size] = '\0';
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        bool known = false;
        for (size_t i = 0; i < found.count; i++)
            known |= strcmp(words[i], word) == 0;
        found.unique += !known;
        letters += strlen(word);
        words[found.count++] = word;
    }
    found.mean = found.count ? (double)letters / found.count : 0;
    return fb_mp_return(call, &found, sizeof found);
}

static int square(struct fb_mp_call *call)
{
    uint32_t number;
    memcpy(&number, call->argument, sizeof number);
    number *= number;
    return fb_mp_return(call, &number, sizeof number);
}

struct record {
    uint32_t id;
    double value;
};

static int square_record(struct fb_mp_call *call)
{
    struct record record;
    memcpy(&record, call->argument, sizeof record);
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL); /* the work of the example */
    record.value *= record.value;
    return fb_mp_return(call, &record, sizeof record);
}

static int add(struct fb_mp_call *call)
{
    double pair[2];
    if (call->size != sizeof pair)
        return -EDOM;
    memcpy(pair, call->argument, sizeof pair);
    pair[0] += pair[1];
    return fb_mp_return(call, pair, sizeof pair[0]);
}

static const struct fb_mp_task tasks[] = {
    FB_MP_FUNCTION(count_words),
    FB_MP_FUNCTION(square),
    FB_MP_FUNCTION(square_record),
    FB_MP_FUNCTION(add),
    { 0 },
};

static struct fb_mp_pool *pool_of(enum fb_mp_method method, unsigned workers)
{
    return pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
}

/* ---- */

static void analyse_texts(enum fb_mp_method method, unsigned workers)
{
    static const char *const texts[] = {
        "The quick brown fox jumps over the lazy dog",
        "to be or not to be",
        "",
        "One  one ONE two",
        "Processes share nothing and threads share everything",
    };
    static const struct words known[] = {
        { 9, 8, 35.0 / 9 }, { 6, 4, 13.0 / 6 }, { 0, 0, 0 }, { 4, 2, 3 }, { 7, 6, 46.0 / 7 },
    };
    struct fb_mp_future *future[5];
    struct fb_mp_completion *completion;
    size_t index = 0;
    unsigned seen = 0;
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (size_t i = 0; i < 5; i++)
        future[i] = submitted(pool, count_words, texts[i], strlen(texts[i]));
    assert_int_equal(fb_mp_as_completed(future, 5, LIMIT_NS, &completion), 0);
    while (fb_mp_completion_next(completion, &index, NULL) == 0) {
        const void *bytes = NULL;
        struct words found;
        assert_int_equal(fb_mp_future_result(future[index], 0, &bytes, NULL, NULL), 0);
        memcpy(&found, bytes, sizeof found);
        assert_int_equal(found.count, known[index].count);
        assert_int_equal(found.unique, known[index].unique);
        assert_true(found.mean == known[index].mean);
        seen |= 1u << index;
    }
    assert_int_equal(seen, 31);
    fb_mp_completion_free(completion);
    fb_mp_pool_close(pool);
    for (size_t i = 0; i < 5; i++)
        fb_mp_future_free(future[i]);
}

static void texts_are_analysed(void **state)
{
    (void)state;
    under_all(analyse_texts, MANY_WORKERS);
}

static void numbers_are_squared(void **state)
{
    (void)state;
    static const uint32_t items[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    static const uint32_t known[10] = { 0, 1, 4, 9, 16, 25, 36, 49, 64, 81 };
    for (size_t m = 0; m < METHODS; m++) {
        uint32_t results[10] = { 0 };
        struct fb_mp_pool *pool = pool_of(methods[m], 4);
        assert_int_equal(fb_mp_map(pool, square, items, 10, 4, results, 4, NULL, NULL), 0);
        assert_memory_equal(results, known, sizeof known);
        fb_mp_pool_close(pool);
    }
}

struct source {
    const struct record *record;
    size_t given;
};

static int next_record(void *context, void *item)
{
    struct source *source = context;
    if (source->given == 100)
        return 0;
    memcpy(item, &source->record[source->given++], sizeof *source->record);
    return 1;
}

static void records_are_mapped(void **state)
{
    (void)state;
    struct record record[100], result[100];
    double first[100], second[100], sum[100];
    for (uint32_t i = 0; i < 100; i++) {
        memset(&record[i], 0, sizeof record[i]);
        record[i].id = i;
        record[i].value = first[i] = i * 0.5;
        second[i] = 1000 - i;
    }
    const struct fb_mp_column columns[] = { { first, sizeof *first }, { second, sizeof *second } };
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_pool *pool = pool_of(methods[m], 4);
        assert_int_equal(fb_mp_map(pool, square_record, record, 100, sizeof *record, result,
                                   sizeof *result, NULL, NULL),
                         0);
        for (uint32_t i = 0; i < 100; i++)
            assert_true(result[i].id == i && result[i].value == i * 0.25 * i);
        struct source source = { record, 0 };
        struct fb_mp_imap *imap;
        const void *bytes = NULL;
        const struct fb_mp_imap_options by_ten = { .map.chunk = 10 };
        assert_int_equal(fb_mp_imap(pool, square_record, next_record, &source, sizeof *record,
                                    sizeof *result, &by_ten, &imap),
                         0);
        for (uint32_t i = 0; i < 100; i++) {
            assert_int_equal(fb_mp_imap_next(imap, LIMIT_NS, &bytes, NULL, NULL), 0);
            memcpy(&result[i], bytes, sizeof *result);
            assert_true(result[i].id == i && result[i].value == i * 0.25 * i);
        }
        assert_int_equal(fb_mp_imap_next(imap, LIMIT_NS, &bytes, NULL, NULL), -ENODATA);
        fb_mp_imap_free(imap);
        assert_int_equal(fb_mp_starmap(pool, add, columns, 2, 100, sum, sizeof *sum, NULL, NULL),
                         0);
        for (uint32_t i = 0; i < 100; i++)
            assert_true(sum[i] == 1000 - i * 0.5);
        assert_int_equal(fb_mp_starmap(pool, add, columns, 2, 0, sum, sizeof *sum, NULL, NULL), 0);
        fb_mp_pool_close(pool);
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = { WITH_POOL_PAGE(texts_are_analysed),
                                        WITH_POOL_PAGE(numbers_are_squared),
                                        WITH_POOL_PAGE(records_are_mapped) };
    return RUN_TESTS(tests);
}
