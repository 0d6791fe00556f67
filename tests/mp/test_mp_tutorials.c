/* harness/mp: the tutorials' examples of queues and names, with their known answers, by fork and
 * spawn. */
#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"
#include "tests/mp/tutorial_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/channel/queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tutorial_page {
    struct fb_mp_queue *queue, *results;
    bool passes_on; /* there is one end mark, which each consumer puts back for the next */
    uint64_t fib[2];
};

static size_t used;

static void make_page(size_t capacity)
{
    void *memory;
    used = fb_mp_heap_used();
    assert_int_equal(fb_mp_alloc(sizeof *tutorial_page, &memory), 0);
    tutorial_page = memory;
    assert_int_equal(fb_mp_queue_make(capacity, &tutorial_page->queue), 0);
    assert_int_equal(fb_mp_queue_make(4096, &tutorial_page->results), 0);
}

static void free_page(void)
{
    fb_mp_queue_free(tutorial_page->queue);
    fb_mp_queue_free(tutorial_page->results);
    fb_mp_free(tutorial_page);
    assert_int_equal(fb_mp_heap_used(), used);
}

/* ---- W4, and the second way of ending of M5 ---- */

#define TASKS 50u
#define STEP 10000u

struct count {
    uint32_t worker, first, primes;
};

static bool is_prime(uint32_t n)
{
    if (n < 2 || n % 2 == 0)
        return n == 2;
    for (uint32_t i = 3; i * i <= n; i += 2)
        if (n % i == 0)
            return false;
    return true;
}

/* given.worker: the number of consumers. */
static int produce(const void *argument, size_t size)
{
    (void)size;
    tutorials_begin(argument);
    for (uint32_t i = 1, first = STEP; i <= TASKS; i++, first += STEP)
        if (fb_mp_queue_put(tutorial_page->queue, &first, sizeof first, LIMIT_NS) != 0)
            return 1;
    for (uint32_t i = 0; i < (tutorial_page->passes_on ? 1 : given.worker); i++)
        if (fb_mp_queue_put_end(tutorial_page->queue, LIMIT_NS) != 0)
            return 2;
    return 0;
}

static int consume(const void *argument, size_t size)
{
    int result;
    tutorials_begin(argument);
    struct count count = { .worker = given.worker };
    while ((result = fb_mp_queue_get(tutorial_page->queue, &count.first, sizeof count.first,
                                     LIMIT_NS, &size)) == 0) {
        count.primes = 0;
        for (uint32_t n = count.first; n < count.first + STEP; n++)
            count.primes += is_prime(n);
        if (fb_mp_queue_put(tutorial_page->results, &count, sizeof count, LIMIT_NS) != 0)
            return 1;
    }
    if (result != -ENODATA ||
        (tutorial_page->passes_on && fb_mp_queue_put_end(tutorial_page->queue, LIMIT_NS) != 0))
        return 2;
    return fb_mp_queue_put_end(tutorial_page->results, LIMIT_NS) == 0 ? 0 : 3;
}

static int compare_counts(const void *a, const void *b)
{
    const struct count *left = a, *right = b;
    return (left->first > right->first) - (left->first < right->first);
}

/* Receives results until every consumer has sent its end mark. */
static void receive_counts(struct count count[TASKS], uint32_t consumers)
{
    struct count next;
    size_t size, taken = 0;
    while (consumers > 0) {
        int result = fb_mp_queue_get(tutorial_page->results, &next, sizeof next, LIMIT_NS, &size);
        if (result == -ENODATA) {
            consumers--;
            continue;
        }
        assert_int_equal(result, 0);
        assert_true(taken < TASKS && size == sizeof next);
        count[taken++] = next;
    }
    assert_int_equal(taken, TASKS);
}

static void run_pipeline(enum fb_mp_method method, uint32_t consumers, bool passes_on)
{
    struct fb_mp_process *consumer[WORKERS_MOST];
    struct count count[TASKS];
    uint32_t primes = 0, first;
    size_t size;
    make_page(20);
    tutorial_page->passes_on = passes_on;
    for (uint32_t i = 0; i < consumers; i++)
        consumer[i] = tutorials_start(consume, method, i);
    struct fb_mp_process *producer = tutorials_start(produce, method, consumers);
    receive_counts(count, consumers);
    qsort(count, TASKS, sizeof *count, compare_counts);
    for (uint32_t i = 0; i < TASKS; i++) {
        assert_int_equal(count[i].first, (i + 1) * STEP);
        assert_true(count[i].worker < consumers);
        primes += count[i].primes;
    }
    assert_int_equal(primes, 41062);
    assert_int_equal(ended(producer), 0);
    for (uint32_t i = 0; i < consumers; i++)
        assert_int_equal(ended(consumer[i]), 0);
    /* A mark that is passed on stays in the queue; if there is one for each consumer, none is left. */
    assert_int_equal(fb_mp_queue_get(tutorial_page->queue, &first, sizeof first, 0, &size),
                     passes_on ? -ENODATA : -ETIMEDOUT);
    free_page();
}

static void a_pipeline_counts_primes(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        for (uint32_t consumers = 1; consumers <= WORKERS_MOST; consumers *= 2) {
            run_pipeline(methods[m], consumers, false);
            run_pipeline(methods[m], consumers, true);
        }
}

/* ---- W5 ---- */

static uint64_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static int find_fib(const void *argument, size_t size)
{
    (void)size;
    tutorials_begin(argument);
    tutorial_page->fib[given.worker] = fib(given.worker ? 27 : 25);
    return 0;
}

static void fibonacci_numbers_are_exact(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        make_page(1);
        tutorials_run(find_fib, methods[m], 2);
        assert_int_equal(tutorial_page->fib[0], 75025);
        assert_int_equal(tutorial_page->fib[1], 196418);
        free_page();
    }
}

/* ---- W6 ---- */

struct sum {
    char name[FB_MP_NAME];
    uint64_t sum;
};

static int sum_up(const void *argument, size_t size)
{
    (void)size;
    struct sum sum = { .sum = 0 };
    tutorials_begin(argument);
    snprintf(sum.name, sizeof sum.name, "%s", fb_mp_self_name());
    for (uint64_t i = 0; i < 1000000; i++)
        sum.sum += i;
    return fb_mp_queue_put(tutorial_page->results, &sum, sizeof sum, LIMIT_NS) == 0 ? 0 : 1;
}

static void named_workers_sum(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct sum sum;
        size_t size;
        unsigned seen = 0;
        make_page(1);
        tutorials_run(sum_up, methods[m], 4);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(
                fb_mp_queue_get(tutorial_page->results, &sum, sizeof sum, LIMIT_NS, &size), 0);
            assert_int_equal(sum.sum, 499999500000);
            assert_true(sum.name[0] >= 'A' && sum.name[0] <= 'D' && strlen(sum.name) == 4);
            seen |= 1u << (sum.name[0] - 'A');
        }
        assert_int_equal(seen, 15);
        free_page();
    }
}

/* ---- W8 ---- */

#define LINES 2000u
#define LINE_MOST 200

static const char *const levels[] = { "INFO", "WARNING", "ERROR" };

struct finding {
    uint32_t number, level, words;
};

/* Lines have up to 12 more words; the long ones don't fit into a queue's slot. */
static size_t write_line(uint32_t number, char line[LINE_MOST])
{
    int length = snprintf(line, LINE_MOST, "%u %s a request", number, levels[number % 3]);
    for (uint32_t i = 0; i < number % 7 * 2; i++)
        length += snprintf(line + length, LINE_MOST - (size_t)length, " word-%u", i);
    return (size_t)length + 1;
}

static int analyse(const void *argument, size_t size)
{
    char line[LINE_MOST], level[16];
    int result;
    tutorials_begin(argument);
    while ((result = fb_mp_queue_get(tutorial_page->queue, line, sizeof line, LIMIT_NS, &size)) ==
           0) {
        struct finding finding = { .level = 0, .words = 1 };
        if (size != strlen(line) + 1 || sscanf(line, "%u %15s", &finding.number, level) != 2)
            return 1;
        while (finding.level < 2 && strcmp(levels[finding.level], level) != 0)
            finding.level++;
        for (const char *blank = line; (blank = strchr(blank, ' ')); blank++)
            finding.words++;
        if (fb_mp_queue_put(tutorial_page->results, &finding, sizeof finding, LIMIT_NS) != 0)
            return 2;
    }
    return result == -ENODATA ? 0 : 3;
}

static void receive_finding(bool seen[LINES])
{
    struct finding finding;
    size_t size;
    assert_int_equal(
        fb_mp_queue_get(tutorial_page->results, &finding, sizeof finding, LIMIT_NS, &size), 0);
    assert_true(finding.number < LINES && !seen[finding.number]);
    assert_int_equal(finding.level, finding.number % 3);
    assert_int_equal(finding.words, 4 + finding.number % 7 * 2);
    seen[finding.number] = true;
}

static void lines_are_analysed_while_others_are_sent(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process *worker[4];
        static bool seen[LINES];
        char line[LINE_MOST];
        make_page(16);
        memset(seen, 0, sizeof seen);
        for (uint32_t i = 0; i < 4; i++)
            worker[i] = tutorials_start(analyse, methods[m], i);
        for (uint32_t i = 0; i < LINES; i++) {
            assert_int_equal(
                fb_mp_queue_put(tutorial_page->queue, line, write_line(i, line), LIMIT_NS), 0);
            /* The first lines are analysed before the next one is sent. */
            if (i < 20)
                receive_finding(seen);
        }
        for (int i = 0; i < 4; i++)
            assert_int_equal(fb_mp_queue_put_end(tutorial_page->queue, LIMIT_NS), 0);
        for (uint32_t i = 20; i < LINES; i++)
            receive_finding(seen);
        for (int i = 0; i < 4; i++)
            assert_int_equal(ended(worker[i]), 0);
        assert_int_equal(fb_mp_queue_size(tutorial_page->results), 0);
        assert_int_equal(fb_mp_queue_size(tutorial_page->queue), 0);
        free_page();
    }
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(produce), FB_MP_RUN(consume), FB_MP_RUN(find_fib),
    FB_MP_RUN(sum_up),  FB_MP_RUN(analyse), { 0 },
};

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipeline_counts_primes),
        cmocka_unit_test(fibonacci_numbers_are_exact),
        cmocka_unit_test(named_workers_sum),
        cmocka_unit_test(lines_are_analysed_while_others_are_sent),
    };
    return RUN_TESTS(tests);
}
