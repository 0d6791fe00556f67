/* bench/run/sample_reader.c: a sample and an outcome from the JSON of `exec`. */
#include "tests/support/support.h"

#include "bench/run/sample_reader.h"

#include <stdio.h>
#include <string.h>

static struct fb_sample sample;
static struct fb_outcome outcome;

static int begin(void **state)
{
    (void)state;
    sample = (struct fb_sample){ 0 };
    outcome = (struct fb_outcome){ 0 };
    return 0;
}

static int end(void **state)
{
    (void)state;
    json_decref(sample.raw);
    return 0;
}

static void read_sample(json_t *raw, unsigned copies)
{
    struct fb_cell cell = { .label = "cpython-single", .copies = copies };
    assert_non_null(raw);
    fb_sample_read(raw, &cell, &sample, &outcome);
    assert_ptr_equal(sample.raw, raw);
}

static json_t *in_sample(const char *key)
{
    return json_object_get(sample.raw, key);
}

static void every_figure_is_read(void **state)
{
    (void)state;
    read_sample(json_pack("{ss si si si si si si si si si si si si si ss ss}", "digest",
                          "00000000000000ff", "repeat", 1, "prepare_ns", 2, "setup_ns", 3,
                          "open_ns", 4, "run_ns", 5, "close_ns", 6, "wall_ns", 7, "user_ns", 8,
                          "system_ns", 9, "voluntary_switches", 10, "involuntary_switches", 11,
                          "minor_faults", 12, "max_rss_bytes", 13, "answer", "4 primes",
                          "description", "3.13"),
                0);
    const uint64_t figures[] = {
        sample.repeat,
        sample.prepare_ns,
        sample.setup_ns,
        sample.open_ns,
        sample.run_ns,
        sample.close_ns,
        sample.wall_ns,
        sample.user_ns,
        sample.system_ns,
        sample.voluntary_switches,
        sample.involuntary_switches,
        sample.minor_faults,
        sample.max_rss_bytes,
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        assert_int_equal(figures[i], i + 1);
    assert_int_equal(sample.digest, 0xff);
    assert_true(outcome.checked);
    assert_int_equal(outcome.digest, 0xff);
    assert_string_equal(outcome.answer, "4 primes");
    assert_string_equal(outcome.description, "3.13");
}

/* The path of the interpreter is private; copies run under single. */
static void the_harness_is_the_one_that_was_given(void **state)
{
    (void)state;
    for (unsigned copies = 0; copies < 3; copies += 2) {
        read_sample(json_pack("{ss}", "harness", "cpython-single=/home/me/python3"), copies);
        assert_string_equal(json_string_value(in_sample("harness")),
                            copies ? "single" : "cpython-single");
        end(NULL);
    }
    sample.raw = NULL;
}

static void disturbances_are_joined(void **state)
{
    (void)state;
    read_sample(json_pack("{s[sss]}", "disturbed", "heat", "steal 2.0 %", "quota"), 0);
    assert_string_equal(sample.disturbed, "heat; steal 2.0 %; quota");
    end(NULL);
    read_sample(json_pack("{s[]}", "disturbed"), 0);
    assert_string_equal(sample.disturbed, "");
}

/* Times of which the i-th smallest is 10 i, in another order. */
static json_t *make_runs(size_t count)
{
    json_t *runs = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(runs, json_integer((json_int_t)(10 * (i * 17 % count))));
    return json_pack("{so}", "runs_ns", runs);
}

static void few_times_are_kept(void **state)
{
    (void)state;
    read_sample(make_runs(100), 0);
    assert_int_equal(json_array_size(in_sample("runs_ns")), 100);
    assert_int_equal(json_integer_value(json_array_get(in_sample("runs_ns"), 1)), 170);
    assert_null(in_sample("runs_ns_percentiles"));
}

static void many_times_become_percentiles(void **state)
{
    (void)state;
    read_sample(make_runs(1001), 0);
    const json_t *percentiles = in_sample("runs_ns_percentiles");
    assert_null(in_sample("runs_ns"));
    assert_int_equal(json_array_size(percentiles), 101);
    for (size_t i = 0; i <= 100; i++)
        assert_int_equal(json_integer_value(json_array_get(percentiles, i)), 100 * i);
    end(NULL);
    read_sample(make_runs(101), 0);
    percentiles = in_sample("runs_ns_percentiles");
    for (size_t i = 0; i <= 100; i++)
        assert_int_equal(json_integer_value(json_array_get(percentiles, i)), 10 * i);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_figure_is_read),          TEST(the_harness_is_the_one_that_was_given),
        TEST(disturbances_are_joined),       TEST(few_times_are_kept),
        TEST(many_times_become_percentiles),
    };
    return RUN_TESTS(tests);
}
