/* Analyses texts, one per item, as the tutorials do: converts to lower case, splits at blanks, counts the words,
 * the distinct words and the letters. */
#include "kernels/kernel.h"
#include "kernels/text/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATOR '\f'
#define SAMPLES 64
#define SAMPLE_WORDS 12000
#define VOCABULARY 20000
#define STRIDE 64       /* words between two safepoints: about 2 µs */
#define ROOM_LEAST 1024 /* initial size of the table in words, a power of two */

struct text {
    const char *bytes;
    size_t size;
};

struct fb_input {
    size_t count;
    struct text *text; /* in the arena */
};

struct text_result {
    int32_t status;
    uint32_t reserved;
    uint64_t words, unique, letters;
};

static const struct fb_param params[] = {
    { "texts", FB_PARAM_TEXT, "", 0, 0, NULL,
      "a file of texts separated by form feeds; without it forkbench generates 64 texts" },
    { 0 },
};

/* ---- input ---- */

/* A word of one to three syllables; short ones are frequent. */
static void write_word(FILE *to, struct fb_random *random, bool capital)
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    uint64_t number = fb_random_next(random);
    uint64_t rank =
        (number & 0xffff) * (number >> 16 & 0xffff) % VOCABULARY * (number >> 32 & 0xff) / 255;
    do {
        int first = consonants[rank % 14];
        fputc(capital ? first - 'a' + 'A' : first, to);
        fputc(vowels[rank / 14 % 5], to);
        capital = false;
        rank /= 70;
    } while (rank > 0);
}

static void write_sample(FILE *to)
{
    struct fb_random random = { 7 };
    for (int text = 0; text < SAMPLES; text++) {
        if (text > 0)
            fputc(SEPARATOR, to);
        for (int word = 0; word < SAMPLE_WORDS; word++) {
            write_word(to, &random, word % 12 == 0);
            fputs(word % 12 == 11 ? ".\n" : word % 7 == 5 ? ",  " : " ", to);
        }
    }
}

static int prepare(const struct fb_params *given, int *ret_fd, struct fb_error *error)
{
    *ret_fd = -1;
    return *fb_params_text(given, "texts") ? 0 : fb_source_make(write_sample, ret_fd, error);
}

static void cut(struct fb_input *input, const struct fb_source *source)
{
    const char *at = source->bytes, *end = at + source->size;
    for (size_t i = 0; i < input->count; i++) {
        const char *stop = memchr(at, SEPARATOR, (size_t)(end - at));
        input->text[i] = (struct text){ at, (size_t)((stop ? stop : end) - at) };
        at = stop ? stop + 1 : end;
    }
}

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    struct fb_source source;
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    int result =
        fb_source_read(&source, arena, fb_params_text(given, "texts"), write_sample, error);
    if (result < 0)
        return result;
    input->count = 1;
    for (size_t i = 0; i < source.size; i++)
        input->count += source.bytes[i] == SEPARATOR;
    input->text = fb_arena_alloc(arena, input->count * sizeof *input->text);
    if (!input->text)
        return fb_error_set(error, -ENOMEM, "out of shared memory for %zu texts", input->count);
    cut(input, &source);
    *ret_input = input;
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->count;
}

/* ---- words ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* Finds the word at or after *at and moves *at behind it. False if there is none. */
static bool next_word(const char **at, const char *end, struct text *ret_word)
{
    while (*at < end && is_blank(**at))
        ++*at;
    const char *begin = *at;
    while (*at < end && !is_blank(**at))
        ++*at;
    *ret_word = (struct text){ begin, (size_t)(*at - begin) };
    return ret_word->size > 0;
}

static bool same_word(const struct text *a, const struct text *b)
{
    if (a->size != b->size)
        return false;
    for (size_t i = 0; i < a->size; i++)
        if (lower(a->bytes[i]) != lower(b->bytes[i]))
            return false;
    return true;
}

static uint64_t hash_of(const struct text *word)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < word->size; i++)
        hash = (hash ^ (uint8_t)lower(word->bytes[i])) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

/* ---- work ---- */

/* The distinct words of a text: a hash table with open addressing, at most half full. */
struct scratch {
    struct entry {
        uint64_t hash;
        struct text word; /* bytes NULL: the entry is free */
    } * entry;
    size_t room, used;
};

static int worker_begin(const struct fb_input *input, void **ret_scratch)
{
    (void)input;
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch)
        scratch->entry = calloc(scratch->room = ROOM_LEAST, sizeof *scratch->entry);
    if (!scratch || !scratch->entry) {
        free(scratch);
        return -ENOMEM;
    }
    *ret_scratch = scratch;
    return 0;
}

static void worker_end(void *pointer)
{
    struct scratch *scratch = pointer;
    free(scratch->entry);
    free(scratch);
}

static struct entry *find(const struct scratch *scratch, const struct text *word, uint64_t hash)
{
    size_t at = hash & (scratch->room - 1);
    while (scratch->entry[at].word.bytes &&
           (scratch->entry[at].hash != hash || !same_word(&scratch->entry[at].word, word)))
        at = (at + 1) & (scratch->room - 1);
    return &scratch->entry[at];
}

static int grow(struct scratch *scratch)
{
    struct scratch larger = { .room = 2 * scratch->room };
    larger.entry = calloc(larger.room, sizeof *larger.entry);
    if (!larger.entry)
        return -ENOMEM;
    for (size_t i = 0; i < scratch->room; i++)
        if (scratch->entry[i].word.bytes)
            *find(&larger, &scratch->entry[i].word, scratch->entry[i].hash) = scratch->entry[i];
    free(scratch->entry);
    scratch->entry = larger.entry;
    scratch->room = larger.room;
    return 0;
}

static int note_word(struct scratch *scratch, const struct text *word)
{
    uint64_t hash = hash_of(word);
    struct entry *entry = find(scratch, word, hash);
    if (entry->word.bytes)
        return 0;
    *entry = (struct entry){ hash, *word };
    return 2 * ++scratch->used > scratch->room ? grow(scratch) : 0;
}

/* True when the job was given up. */
static bool analyse(const struct text *text, struct scratch *scratch, struct text_result *result,
                    struct fb_yield *yield)
{
    const char *at = text->bytes, *end = at + text->size;
    struct text word;
    memset(scratch->entry, 0, scratch->room * sizeof *scratch->entry);
    scratch->used = 0;
    while (result->status == 0 && next_word(&at, end, &word)) {
        result->status = note_word(scratch, &word);
        result->letters += word.size;
        if (++result->words % STRIDE == 0 && fb_safepoint(yield))
            return true;
    }
    result->unique = scratch->used;
    if (result->status < 0)
        *result = (struct text_result){ .status = result->status };
    return false;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    struct text_result *slot = results;
    for (size_t item = begin; item < end; item++) {
        struct text_result result = { 0 };
        if (analyse(&input->text[item], scratch, &result, yield))
            return;
        slot[item] = result;
    }
}

/* ---- results ---- */

static int compare_words(const void *a, const void *b)
{
    const struct text *one = a, *other = b;
    if (one->size != other->size)
        return one->size < other->size ? -1 : 1;
    for (size_t i = 0; i < one->size; i++) {
        int difference = lower(one->bytes[i]) - lower(other->bytes[i]);
        if (difference)
            return difference;
    }
    return 0;
}

/* The same by sorting. 0 or -ENOMEM. */
static int analyse_again(const struct text *text, struct text_result *ret_result)
{
    const char *at = text->bytes, *end = at + text->size;
    struct text *word = malloc((text->size / 2 + 1) * sizeof *word);
    *ret_result = (struct text_result){ 0 };
    if (!word)
        return -ENOMEM;
    while (next_word(&at, end, &word[ret_result->words]))
        ret_result->letters += word[ret_result->words++].size;
    qsort(word, ret_result->words, sizeof *word, compare_words);
    for (size_t i = 0; i < ret_result->words; i++)
        ret_result->unique += i == 0 || compare_words(&word[i - 1], &word[i]) != 0;
    free(word);
    return 0;
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct text_result *slot = results;
    for (size_t item = 0; item < input->count; item++) {
        struct text_result expected;
        if (slot[item].status != 0)
            continue;
        if (analyse_again(&input->text[item], &expected) < 0)
            return fb_error_set(error, -ENOMEM, "out of memory");
        if (memcmp(&slot[item], &expected, sizeof expected) != 0)
            return fb_error_set(error, -EBADMSG,
                                "wrong result: text %zu has %" PRIu64 " words, %" PRIu64
                                " of them different, and %" PRIu64 " letters",
                                item, expected.words, expected.unique, expected.letters);
    }
    return 0;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    const struct text_result *slot = results;
    uint64_t digest = input->count;
    for (size_t item = 0; item < input->count; item++) {
        digest = fb_digest(digest, (uint64_t)(int64_t)slot[item].status);
        digest = fb_digest(digest, slot[item].words);
        digest = fb_digest(digest, slot[item].unique);
        digest = fb_digest(digest, slot[item].letters);
    }
    return digest;
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    const struct text_result *slot = results;
    uint64_t words = 0, letters = 0, most = 0;
    for (size_t item = 0; item < input->count; item++) {
        words += slot[item].words;
        letters += slot[item].letters;
        most = slot[item].unique > most ? slot[item].unique : most;
    }
    snprintf(text, size,
             "%zu texts, %" PRIu64 " words of %.2f letters, up to %" PRIu64 " different in one",
             input->count, words, words ? (double)letters / (double)words : 0, most);
}

static void describe(const struct fb_input *input, const void *results, size_t item, char *text,
                     size_t size)
{
    (void)input;
    snprintf(text, size, "text %zu: %s", item,
             strerror(-((const struct text_result *)results)[item].status));
}

const struct fb_kernel fb_kernel_text = {
    .name = "text",
    .summary = "counts the words of texts, the different ones, and their letters",
    .bound = FB_BOUND_CPU,
    .params = params,
    .result_size = sizeof(struct text_result),
    .prepared_param = "texts",
    .prepare = prepare,
    .setup = setup,
    .items = items,
    .worker_begin = worker_begin,
    .run = run,
    .worker_end = worker_end,
    .check = check,
    .digest = digest,
    .answer = answer,
    .describe = describe,
};
