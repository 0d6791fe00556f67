/* What the runtime's pool costs: being opened, taking tasks and items, losing a worker. */
#include "overhead.h"
#include "partner.h"

#include "harness/mp/heap.h"
#include "harness/mp/map.h"
#include "harness/mp/memory.h"
#include "harness/mp/sleep.h"
#include "harness/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS 5000
#define ITEMS 50000
#define SINGLES 200
#define DEATHS 5
#define WORKERS 2 /* as many processes as the plain way makes */
#define PARENT_MIB 1024
#define PATIENCE_NS (30 * FB_MP_SECOND)

enum { HELPER, OPEN, SUBMIT, MAP, LATENCY, DEATH, REPLACE, REPLACE_LARGE, FIGURES };

enum { OURS, PLAIN, KINDS };
static const struct {
    const char *name, *state, *plain; /* plain: what it is compared with; NULL: nothing */
} figures[FIGURES] = {
    [HELPER] = { "pool.helper", "", NULL },
    [OPEN] = { "pool.open", "and closed", "fork" },
    [SUBMIT] = { "pool.task", "8 B", NULL },
    [MAP] = { "pool.item", "8 B; chunk 1", NULL },
    [LATENCY] = { "pool.latency", "8 B", "futex" },
    [DEATH] = { "pool.death", "killed", NULL },
    [REPLACE] = { "pool.replace", "parent 1 MiB", NULL },
    [REPLACE_LARGE] = { "pool.replace", "parent 1024 MiB", NULL },
};

struct field {
    const struct fb_overhead *overhead;
    struct fb_mp_pool *pool; /* of WORKERS */
    struct fb_mp_future *future[TASKS];
    uint64_t *items, *results;      /* [ITEMS] */
    bool has_large;                 /* there was memory enough for a large owner */
    _Atomic uint32_t *word;         /* in the runtime's heap */
    double *sample[FIGURES][KINDS]; /* [rounds] */
};

/* ---- what workers do ---- */

static int add_one(struct fb_mp_call *call)
{
    uint64_t number;
    memcpy(&number, call->argument, sizeof number);
    number++;
    return fb_mp_return(call, &number, sizeof number);
}

static int leave(struct fb_mp_call *call)
{
    (void)call;
    _exit(1);
}

/* Says who it is in the word that its argument points to, and stays. */
static int stay(struct fb_mp_call *call)
{
    _Atomic uint32_t *word;
    memcpy(&word, call->argument, sizeof word);
    atomic_store(word, (uint32_t)getpid());
    while (pause() < 0)
        ;
    return 0;
}

/* ---- opening ---- */

static int open_pool(unsigned workers, struct fb_mp_pool **ret_pool)
{
    struct fb_error error;
    return fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = workers }, ret_pool, &error);
}

static int close_pool(struct fb_mp_pool *pool)
{
    fb_mp_pool_shutdown(pool, false);
    int result = fb_mp_pool_join(pool, PATIENCE_NS);
    fb_mp_pool_close(pool);
    return result;
}

static int open_and_close(void)
{
    struct fb_mp_pool *pool;
    int result = open_pool(WORKERS, &pool);
    return result == 0 ? close_pool(pool) : result;
}

static int measure_helper(struct field *field, double *ret_ns)
{
    struct fb_error error;
    (void)field;
    fb_mp_helper_end();
    uint64_t start_ns = fb_now_ns();
    int result = fb_mp_helper_begin(&error);
    *ret_ns = (double)(fb_now_ns() - start_ns);
    return result == 0 ? open_and_close() : result; /* so that it is warm for what comes next */
}

static int measure_open(struct field *field, double *ret_ns)
{
    (void)field;
    uint64_t start_ns = fb_now_ns();
    int result = open_and_close();
    *ret_ns = (double)(fb_now_ns() - start_ns);
    return result;
}

static int do_nothing(void *context)
{
    (void)context;
    return 0;
}

static int measure_forks(struct field *field, double *ret_ns)
{
    int result = 0;
    (void)field;
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < WORKERS && result == 0; i++)
        result = fb_partner_end(fb_partner_make(do_nothing, NULL));
    *ret_ns = (double)(fb_now_ns() - start_ns);
    return result;
}

/* ---- tasks ---- */

static int take_result(struct fb_mp_future *future, uint64_t expected)
{
    const void *bytes;
    uint64_t number = 0;
    size_t size;
    int result = fb_mp_future_result(future, PATIENCE_NS, &bytes, &size, NULL);
    if (result == 0)
        memcpy(&number, bytes, size < sizeof number ? size : sizeof number);
    fb_mp_future_free(future);
    return result < 0 ? result : number == expected ? 0 : -EBADMSG;
}

static int measure_tasks(struct field *field, double *ret_ns)
{
    int result = 0, taken;
    size_t count = 0;
    uint64_t start_ns = fb_now_ns();
    for (uint64_t i = 0; i < TASKS && result == 0; i++) {
        result = fb_mp_submit(field->pool, add_one, &i, sizeof i, NULL, &field->future[i]);
        count += result == 0;
    }
    for (size_t i = 0; i < count; i++)
        if ((taken = take_result(field->future[i], i + 1)) < 0)
            result = taken;
    *ret_ns = (double)(fb_now_ns() - start_ns) / TASKS;
    return result;
}

static int measure_map(struct field *field, double *ret_ns)
{
    const struct fb_mp_map_options options = { .chunk = 1 };
    uint64_t start_ns = fb_now_ns();
    int result = fb_mp_map(field->pool, add_one, field->items, ITEMS, sizeof *field->items,
                           field->results, sizeof *field->results, &options, NULL);
    *ret_ns = (double)(fb_now_ns() - start_ns) / ITEMS;
    for (size_t i = 0; i < ITEMS && result == 0; i++)
        if (field->results[i] != field->items[i] + 1)
            result = -EBADMSG;
    return result;
}

/* One after the other, each waited for. */
static int measure_latency(struct field *field, double *ret_ns)
{
    struct fb_mp_future *future;
    int result = 0;
    uint64_t start_ns = fb_now_ns();
    for (uint64_t i = 0; i < SINGLES && result == 0; i++) {
        result = fb_mp_submit(field->pool, add_one, &i, sizeof i, NULL, &future);
        if (result == 0)
            result = take_result(future, i + 1);
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / SINGLES;
    return result;
}

/* ---- two processes that wake each other ---- */

static void wait_for(_Atomic uint32_t *word, uint32_t value)
{
    uint32_t now;
    while ((now = atomic_load(word)) != value)
        fb_mp_sleep(word, now, fb_mp_deadline(FB_MP_SECOND));
}

static int return_word(void *context)
{
    _Atomic uint32_t *word = context;
    for (uint32_t i = 0; i <= SINGLES; i++) {
        wait_for(word, 2 * i + 1);
        atomic_store(word, 2 * i + 2);
        fb_mp_wake(word, 1);
    }
    return 0;
}

static int measure_futex(struct field *field, double *ret_ns)
{
    atomic_store(field->word, 0);
    pid_t pid = fb_partner_make(return_word, (void *)field->word);
    uint64_t start_ns = 0;
    for (uint32_t i = 0; i <= SINGLES && pid > 0; i++) {
        if (i == 1) /* the first one finds it awake */
            start_ns = fb_now_ns();
        atomic_store(field->word, 2 * i + 1);
        fb_mp_wake(field->word, 1);
        wait_for(field->word, 2 * i + 2);
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / SINGLES;
    return fb_partner_end(pid);
}

/* ---- deaths ---- */

/* From its death until who waits for its task knows. */
static int measure_death(struct field *field, double *ret_ns)
{
    struct fb_mp_future *future;
    uint64_t sum_ns = 0;
    for (int i = 0; i < DEATHS; i++) {
        atomic_store(field->word, 0);
        int result =
            fb_mp_submit(field->pool, stay, &field->word, sizeof field->word, NULL, &future);
        if (result < 0)
            return result;
        while (atomic_load(field->word) == 0)
            fb_mp_sleep(field->word, 0, fb_mp_deadline(FB_MP_MILLISECOND));
        uint64_t start_ns = fb_now_ns();
        kill((pid_t)atomic_load(field->word), SIGKILL);
        result = fb_mp_future_result(future, PATIENCE_NS, NULL, NULL, NULL);
        sum_ns += fb_now_ns() - start_ns;
        fb_mp_future_free(future);
        if (result != -EOWNERDEAD)
            return result < 0 ? result : -EBADMSG;
    }
    *ret_ns = (double)sum_ns / DEATHS;
    return 0;
}

/* From a task that ends its worker until a new worker, the only one, has done another. */
static int measure_replacing(double *ret_ns)
{
    struct fb_mp_pool *pool;
    struct fb_mp_future *last, *next;
    const uint64_t number = 1;
    int result = open_pool(1, &pool);
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < DEATHS && result == 0; i++) {
        result = fb_mp_submit(pool, leave, NULL, 0, NULL, &last);
        if (result < 0)
            break;
        result = fb_mp_submit(pool, add_one, &number, sizeof number, NULL, &next);
        if (result == 0)
            result = take_result(next, number + 1);
        fb_mp_future_free(last);
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / DEATHS;
    fb_mp_pool_close(pool);
    return result;
}

static int measure_replace(struct field *field, double *ret_ns)
{
    (void)field;
    return measure_replacing(ret_ns);
}

/* ---- */

static int (*const measures[FIGURES][KINDS])(struct field *field, double *ret_ns) = {
    [HELPER] = { measure_helper },
    [OPEN] = { measure_open, measure_forks },
    [SUBMIT] = { measure_tasks },
    [MAP] = { measure_map },
    [LATENCY] = { measure_latency, measure_futex },
    [DEATH] = { measure_death },
    [REPLACE] = { measure_replace },
    [REPLACE_LARGE] = { measure_replace },
};

static int measure(struct field *field, int figure, size_t round, struct fb_error *error)
{
    int result = 0;
    for (int i = 0; i < KINDS && result == 0; i++) {
        int kind = (int)((round + (size_t)i) % KINDS);
        if (measures[figure][kind])
            result = measures[figure][kind](field, &field->sample[figure][kind][round]);
    }
    return result < 0 ? fb_error_set(error, result, "can't measure %s: %s", figures[figure].name,
                                     strerror(-result))
                      : 0;
}

/* The helper first, while there are no workers; those figures that need a pool have one of two. */
static int run_round(struct field *field, size_t round, struct fb_error *error)
{
    int result = 0;
    for (int figure = 0; figure < REPLACE && result == 0; figure++) {
        if (figure == SUBMIT && (result = open_pool(WORKERS, &field->pool)) < 0)
            return fb_error_set(error, result, "can't open a pool: %s", strerror(-result));
        result = measure(field, figure, round, error);
        if (figure != DEATH)
            continue;
        fb_mp_pool_close(field->pool);
        field->pool = NULL;
    }
    fb_mp_pool_close(field->pool);
    return result;
}

static int run_replacing(struct field *field, int figure, struct fb_error *error)
{
    int result = 0;
    for (size_t round = 0; round < field->overhead->rounds && result == 0; round++)
        result = measure(field, figure, round, error);
    return result;
}

/* Replacing again, with a process that has become large since the helper was forked. */
static int run_large(struct field *field, struct fb_error *error)
{
    size_t size = (size_t)PARENT_MIB << 20;
    if (!fb_mp_has_memory(size + size / 2)) {
        fb_metrics_leave_out(field->overhead->metrics, "a pool's owner of %d MiB: no memory for it",
                             PARENT_MIB);
        return 0;
    }
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return fb_error_set(error, -errno, "can't map %d MiB: %s", PARENT_MIB, strerror(errno));
    madvise(memory, size, MADV_NOHUGEPAGE);
    memset(memory, 1, size);
    int result = run_replacing(field, REPLACE_LARGE, error);
    munmap(memory, size);
    field->has_large = result == 0;
    return result;
}

/* How much longer replacing takes for a large owner. */
static int add_growth(const struct field *field)
{
    double *ratio = field->sample[REPLACE_LARGE][PLAIN]; /* nothing is measured in its place */
    for (size_t i = 0; i < field->overhead->rounds; i++)
        ratio[i] = field->sample[REPLACE_LARGE][OURS][i] / field->sample[REPLACE][OURS][i];
    const struct fb_metric_samples samples = { .name = "pool.growth",
                                               .harness = "pool",
                                               .state = "parent 1024 MiB",
                                               .binding = "unbound",
                                               .workers = 1,
                                               .ns = ratio,
                                               .unit = "ratio to 1 MiB" };
    return fb_metrics_put(field->overhead->metrics, &samples, field->overhead->rounds);
}

static int add_figures(const struct field *field)
{
    for (int i = 0; i < FIGURES * KINDS; i++) {
        int figure = i / KINDS, kind = i % KINDS;
        bool compared = kind == OURS && figures[figure].plain;
        const struct fb_metric_samples samples = {
            .name = figures[figure].name,
            .harness = kind == OURS ? "pool" : figures[figure].plain,
            .state = figures[figure].state,
            .binding = "unbound",
            .workers = figure >= REPLACE ? 1 : WORKERS,
            .ns = field->sample[figure][kind],
            .peer_ns = compared ? field->sample[figure][PLAIN] : NULL,
            .peer = figures[figure].plain
        };
        if (measures[figure][kind] && (figure != REPLACE_LARGE || field->has_large) &&
            fb_metrics_put(field->overhead->metrics, &samples, field->overhead->rounds) < 0)
            return -ENOMEM;
    }
    return field->has_large ? add_growth(field) : 0;
}

static int prepare(struct field *field, double **ret_samples)
{
    size_t rounds = field->overhead->rounds;
    double *samples = *ret_samples = calloc(FIGURES * KINDS * rounds, sizeof *samples);
    field->items = calloc(ITEMS, sizeof *field->items);
    field->results = calloc(ITEMS, sizeof *field->results);
    void *word;
    int result = fb_mp_alloc(sizeof *field->word, &word);
    if (result < 0 || !samples || !field->items || !field->results)
        return -ENOMEM;
    field->word = word;
    for (uint64_t i = 0; i < ITEMS; i++)
        field->items[i] = i;
    for (size_t i = 0; i < FIGURES * KINDS; i++)
        field->sample[i / KINDS][i % KINDS] = samples + i * rounds;
    return 0;
}

int fb_pool_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct field *field = calloc(1, sizeof *field);
    double *samples = NULL;
    if (!field)
        return fb_error_set(error, -ENOMEM, "out of memory");
    field->overhead = overhead;
    int result = prepare(field, &samples);
    if (result < 0)
        fb_error_set(error, result, "out of memory");
    for (size_t round = 0; round < overhead->rounds && result == 0; round++) {
        fb_overhead_progress(overhead, (double)round / (double)overhead->rounds, "the pool");
        result = run_round(field, round, error);
    }
    if (result == 0)
        result = run_replacing(field, REPLACE, error);
    if (result == 0)
        result = run_large(field, error);
    if (result == 0 && add_figures(field) < 0)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    fb_mp_free((void *)field->word);
    free(field->items);
    free(field->results);
    free(samples);
    free(field);
    return result;
}
