/* Analyses the lines of a log, one block of lines per item: counts the lines of each level and of each class of
 * status, adds up the bytes sent and finds the slowest request. A line is
 *     2026-01-31T12:34:56.789 INFO host07 GET /item/1234 200 5120 17
 * time, level, host, method, path, status, bytes, milliseconds. Other lines are counted as broken. */
#include "kernels/kernel.h"
#include "kernels/text/source.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FIELDS 8
enum { LEVEL = 1, STATUS = 5, BYTES = 6, TIME = 7 };
#define LEVELS 4
#define CLASSES 5 /* 1xx … 5xx */
#define DIGITS_MOST 12
#define STRIDE 32 /* lines between two safepoints: about 3 µs */
#define SAMPLE_LINES 200000

static const char *const levels[LEVELS] = { "DEBUG", "INFO", "WARN", "ERROR" };

struct fb_input {
    struct fb_source source;
    size_t count;  /* blocks */
    size_t *begin; /* [count + 1] offset of each block, in the arena */
};

struct log_result {
    int32_t status;
    uint32_t broken;
    uint32_t level[LEVELS], class[CLASSES];
    uint32_t lines;
    uint64_t bytes, slowest_ms;
};

static const struct fb_param params[] = {
    { "log", FB_PARAM_TEXT, "", 0, 0, NULL,
      "a file of lines; without it forkbench generates 200,000 lines" },
    { "lines", FB_PARAM_NUMBER, "500", 1, 1 << 24, NULL, "lines per block, which is one item" },
    { 0 },
};

/* ---- input ---- */

static void write_sample(FILE *to)
{
    static const char *const methods[] = { "GET", "GET", "GET", "POST" };
    static const unsigned statuses[] = { 200, 200, 200, 204, 301, 404, 404, 500 };
    struct fb_random random = { 8 };
    for (unsigned line = 0; line < SAMPLE_LINES; line++) {
        uint64_t draw = fb_random_next(&random);
        unsigned at = line * 7; /* ms */
        if (draw % 5000 == 0) {
            fputs("a line that somebody else wrote\n", to);
            continue;
        }
        fprintf(to, "2026-01-31T%02u:%02u:%02u.%03u %s host%02u %s /item/%u %u %u %u\n",
                at / 3600000, at / 60000 % 60, at / 1000 % 60, at % 1000, levels[draw >> 8 & 3],
                (unsigned)(draw >> 10 & 31), methods[draw >> 15 & 3],
                (unsigned)(draw >> 17 & 0xfff), statuses[draw >> 29 & 7],
                (unsigned)(draw >> 32 & 0xffff),
                (unsigned)((draw >> 48 & 0xff) * (draw >> 56) / 64));
    }
}

static int prepare(const struct fb_params *given, int *ret_fd, struct fb_error *error)
{
    *ret_fd = -1;
    return *fb_params_text(given, "log") ? 0 : fb_source_make(write_sample, ret_fd, error);
}

/* The offset after `lines` lines from offset `from` on. */
static size_t skip_lines(const struct fb_source *source, size_t from, uint64_t lines)
{
    for (; lines > 0 && from < source->size; lines--) {
        const char *end = memchr(source->bytes + from, '\n', source->size - from);
        from = end ? (size_t)(end - source->bytes) + 1 : source->size;
    }
    return from;
}

static int setup(const struct fb_params *given, struct fb_arena *arena, struct fb_input **ret_input,
                 struct fb_error *error)
{
    uint64_t lines = fb_params_number(given, "lines");
    struct fb_input *input = fb_arena_alloc(arena, sizeof *input);
    if (!input)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    int result =
        fb_source_read(&input->source, arena, fb_params_text(given, "log"), write_sample, error);
    if (result < 0)
        return result;
    for (size_t at = 0; at < input->source.size; input->count++)
        at = skip_lines(&input->source, at, lines);
    input->begin = fb_arena_alloc(arena, (input->count + 1) * sizeof *input->begin);
    if (!input->begin)
        return fb_error_set(error, -ENOMEM, "out of shared memory for %zu blocks", input->count);
    for (size_t i = 0; i < input->count; i++)
        input->begin[i + 1] = skip_lines(&input->source, input->begin[i], lines);
    *ret_input = input;
    return 0;
}

static size_t items(const struct fb_input *input)
{
    return input->count;
}

/* ---- work ---- */

struct field {
    const char *bytes;
    size_t size;
};

/* Splits a line at single blanks. False unless it has FIELDS fields, none of them empty. */
static bool split(const char *line, const char *end, struct field *ret_field)
{
    size_t count = 0;
    for (const char *at = line; count < FIELDS; count++) {
        const char *stop = memchr(at, ' ', (size_t)(end - at));
        bool last = count == FIELDS - 1;
        if ((stop == NULL) != last)
            return false;
        ret_field[count] = (struct field){ at, (size_t)((stop ? stop : end) - at) };
        if (ret_field[count].size == 0)
            return false;
        at = stop ? stop + 1 : end;
    }
    return true;
}

static bool number_of(const struct field *field, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (field->size > DIGITS_MOST)
        return false;
    for (size_t i = 0; i < field->size; i++) {
        if (field->bytes[i] < '0' || field->bytes[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(field->bytes[i] - '0');
    }
    *ret_number = number;
    return true;
}

static int level_of(const struct field *field)
{
    for (int i = 0; i < LEVELS; i++)
        if (strlen(levels[i]) == field->size && memcmp(levels[i], field->bytes, field->size) == 0)
            return i;
    return -1;
}

static void analyse_line(const char *line, const char *end, struct log_result *result)
{
    struct field field[FIELDS];
    uint64_t status, bytes, ms;
    int level;
    result->lines++;
    if (!split(line, end, field) || (level = level_of(&field[LEVEL])) < 0 ||
        !number_of(&field[STATUS], &status) || status < 100 || status > 599 ||
        !number_of(&field[BYTES], &bytes) || !number_of(&field[TIME], &ms)) {
        result->broken++;
        return;
    }
    result->level[level]++;
    result->class[status / 100 - 1]++;
    result->bytes += bytes;
    result->slowest_ms = ms > result->slowest_ms ? ms : result->slowest_ms;
}

/* True when the job was given up. */
static bool analyse(const char *at, const char *end, struct log_result *result,
                    struct fb_yield *yield)
{
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        analyse_line(at, stop ? stop : end, result);
        at = stop ? stop + 1 : end;
        if (result->lines % STRIDE == 0 && fb_safepoint(yield))
            return true;
    }
    return false;
}

static void run(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield)
{
    (void)scratch;
    const char *bytes = input->source.bytes;
    struct log_result *slot = results;
    for (size_t item = begin; item < end; item++) {
        struct log_result result = { 0 };
        if (analyse(bytes + input->begin[item], bytes + input->begin[item + 1], &result, yield))
            return;
        slot[item] = result;
    }
}

/* ---- results ---- */

/* Reads the number that ends at *end and has a blank before it; moves *end to that blank. */
static bool number_before(const char *line, const char **end, uint64_t *ret_number)
{
    uint64_t number = 0, unit = 1;
    const char *at = *end;
    while (at > line && at[-1] >= '0' && at[-1] <= '9' && *end - at < DIGITS_MOST) {
        number += unit * (uint64_t)(*--at - '0');
        unit *= 10;
    }
    if (at == *end || at == line || at[-1] != ' ')
        return false;
    *end = at - 1;
    *ret_number = number;
    return true;
}

/* The level of a line whose first five fields end at `end`; -1 if they are not five or the level is unknown. */
static int level_before(const char *line, const char *end)
{
    size_t blanks = 0;
    const char *first = memchr(line, ' ', (size_t)(end - line));
    for (const char *at = line; at < end; at++) {
        bool empty = *at == ' ' && (at == line || at[-1] == ' ' || at + 1 == end);
        if (empty)
            return -1;
        blanks += *at == ' ';
    }
    if (blanks != 4 || !first)
        return -1;
    for (int i = 0; i < LEVELS; i++) {
        size_t size = strlen(levels[i]);
        if ((size_t)(end - first) > size + 1 && memcmp(first + 1, levels[i], size) == 0 &&
            first[size + 1] == ' ')
            return i;
    }
    return -1;
}

/* The same, but reads each line from the right. */
static void analyse_again(const char *at, const char *end, struct log_result *result)
{
    for (const char *stop; at < end; at = stop < end ? stop + 1 : end) {
        stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *rest = stop;
        uint64_t status = 0, bytes = 0, ms = 0;
        bool good = number_before(at, &rest, &ms) && number_before(at, &rest, &bytes) &&
                    number_before(at, &rest, &status) && status / 100 - 1 < CLASSES;
        int level = good ? level_before(at, rest) : -1;
        result->lines++;
        result->broken += level < 0;
        if (level < 0)
            continue;
        result->level[level]++;
        result->class[status / 100 - 1]++;
        result->bytes += bytes;
        if (result->slowest_ms < ms)
            result->slowest_ms = ms;
    }
}

static int check(const struct fb_input *input, const void *results, struct fb_error *error)
{
    const struct log_result *slot = results;
    const char *bytes = input->source.bytes;
    for (size_t item = 0; item < input->count; item++) {
        struct log_result expected = { 0 };
        analyse_again(bytes + input->begin[item], bytes + input->begin[item + 1], &expected);
        if (memcmp(&slot[item], &expected, sizeof expected) != 0)
            return fb_error_set(error, -EBADMSG,
                                "wrong result: block %zu has %" PRIu32 " lines, %" PRIu32
                                " of them broken, %" PRIu64 " bytes, %" PRIu64 " ms at most",
                                item, expected.lines, expected.broken, expected.bytes,
                                expected.slowest_ms);
    }
    return 0;
}

static void add(struct log_result *sum, const struct log_result *one)
{
    sum->lines += one->lines;
    sum->broken += one->broken;
    for (int i = 0; i < LEVELS; i++)
        sum->level[i] += one->level[i];
    for (int i = 0; i < CLASSES; i++)
        sum->class[i] += one->class[i];
    sum->bytes += one->bytes;
    sum->slowest_ms = one->slowest_ms > sum->slowest_ms ? one->slowest_ms : sum->slowest_ms;
}

static uint64_t digest(const struct fb_input *input, const void *results)
{
    const struct log_result *slot = results;
    uint64_t digest = input->count;
    for (size_t item = 0; item < input->count; item++) {
        digest = fb_digest(digest, slot[item].lines);
        digest = fb_digest(digest, slot[item].broken);
        for (int i = 0; i < LEVELS; i++)
            digest = fb_digest(digest, slot[item].level[i]);
        for (int i = 0; i < CLASSES; i++)
            digest = fb_digest(digest, slot[item].class[i]);
        digest = fb_digest(digest, slot[item].bytes);
        digest = fb_digest(digest, slot[item].slowest_ms);
    }
    return digest;
}

static void answer(const struct fb_input *input, const void *results, char *text, size_t size)
{
    struct log_result sum = { 0 };
    for (size_t item = 0; item < input->count; item++)
        add(&sum, &((const struct log_result *)results)[item]);
    snprintf(text, size,
             "%" PRIu32 " lines, %" PRIu32 " errors, %" PRIu32 " broken, %" PRIu64
             " bytes, %" PRIu64 " ms at most",
             sum.lines, sum.level[LEVELS - 1], sum.broken, sum.bytes, sum.slowest_ms);
}

const struct fb_kernel fb_kernel_logs = {
    .name = "logs",
    .summary = "analyses the lines of a log: levels, statuses, bytes, the slowest",
    .bound = FB_BOUND_CPU,
    .params = params,
    .result_size = sizeof(struct log_result),
    .prepared_param = "log",
    .prepare = prepare,
    .setup = setup,
    .items = items,
    .run = run,
    .check = check,
    .digest = digest,
    .answer = answer,
};
