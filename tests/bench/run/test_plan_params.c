/* bench/run/plan.c, workloads.c, pairs.c: parameters of a run, pairs of cells,
 * bad_requests_are_refused. */
#include "tests/support/support.h"

#include "bench/run/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Plans for kernels under single: one cell for each workload, without a limit. */
static struct fb_plan make(const struct fb_plan_request *request)
{
    struct fb_plan_request alone = *request;
    struct fb_error error = { 0 };
    struct fb_plan plan = { 0 };
    alone.harness[0] = "single";
    alone.harnesses = 1;
    alone.workers[0] = 1;
    alone.worker_counts = 1;
    alone.effective = 2;
    if (fb_plan_make(&alone, &plan, &error) != 0)
        fail_msg("%s", error.text);
    return plan;
}

static bool has_workload(const struct fb_plan *plan, const char *kernel, const char *params)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->cell[i].kernel->name, kernel) == 0 &&
            strcmp(plan->cell[i].params, params) == 0)
            return true;
    return false;
}

/* One cell has a second label. */
static size_t count_workloads(const struct fb_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += !plan->cell[i].again;
    assert_int_equal(count, plan->count - 1);
    return count;
}

/* ---- lists of values ---- */

static void lists_of_values_multiply(void **state)
{
    (void)state;
    struct fb_plan plan =
        make(&(struct fb_plan_request){ .kernel = { "primes" },
                                        .kernels = 1,
                                        .param = { "ranges=8,64", "lo=1", "hi=10,20,30" },
                                        .params = 3 });
    assert_int_equal(count_workloads(&plan), 6);
    static const char *const params[] = { "ranges=8 lo=1 hi=10",  "ranges=8 lo=1 hi=20",
                                          "ranges=8 lo=1 hi=30",  "ranges=64 lo=1 hi=10",
                                          "ranges=64 lo=1 hi=20", "ranges=64 lo=1 hi=30" };
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        assert_true(has_workload(&plan, "primes", params[i]));
    fb_plan_clear(&plan);
}

static void parameters_go_to_the_kernels_that_have_them(void **state)
{
    (void)state;
    struct fb_plan plan =
        make(&(struct fb_plan_request){ .kernel = { "null", "divisors", "primes" },
                                        .kernels = 3,
                                        .param = { "count=2,3", "hi=100" },
                                        .params = 2 });
    assert_int_equal(count_workloads(&plan), 4);
    assert_true(has_workload(&plan, "null", ""));
    assert_true(has_workload(&plan, "divisors", "count=2"));
    assert_true(has_workload(&plan, "divisors", "count=3"));
    assert_true(has_workload(&plan, "primes", "hi=100"));
    fb_plan_clear(&plan);
}

static void the_same_value_twice_is_one_workload(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){ .kernel = { "primes", "primes" },
                                                          .kernels = 2,
                                                          .param = { "ranges=8,64,8" },
                                                          .params = 1 });
    assert_int_equal(count_workloads(&plan), 2);
    fb_plan_clear(&plan);
}

/* Under several harnesses a cell has the base and the ceiling of its own values. */
static void each_workload_has_its_base(void **state)
{
    (void)state;
    struct fb_plan_request request = { .kernel = { "primes" },
                                       .kernels = 1,
                                       .harness = { "pthread", "forkpool" },
                                       .harnesses = 2,
                                       .param = { "ranges=8,64" },
                                       .params = 1,
                                       .workers = { 2 },
                                       .worker_counts = 1,
                                       .effective = 2 };
    struct fb_error error = { 0 };
    struct fb_plan plan = { 0 };
    assert_int_equal(fb_plan_make(&request, &plan, &error), 0);
    assert_int_equal(plan.count, 2 * (2 + 1 + 1) + 1);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_cell *cell = &plan.cell[i];
        if (cell->base != FB_NO_CELL)
            assert_string_equal(plan.cell[cell->base].params, cell->params);
        if (cell->ceiling != FB_NO_CELL)
            assert_string_equal(plan.cell[cell->ceiling].params, cell->params);
    }
    fb_plan_clear(&plan);
}

/* The list is longer than the parameters of a cell may be; each value is short. */
static void long_lists_are_complete(void **state)
{
    (void)state;
    char list[60 * 11 + 8] = "hi=";
    for (int i = 0; i < 60; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%d", i ? "," : "",
                 1000000000 + i);
    struct fb_plan plan = make(&(struct fb_plan_request){
        .kernel = { "primes" }, .kernels = 1, .param = { list }, .params = 1 });
    assert_int_equal(count_workloads(&plan), 60);
    for (int i = 0; i < 60; i++) {
        char params[32];
        snprintf(params, sizeof params, "hi=%d", 1000000000 + i);
        assert_true(has_workload(&plan, "primes", params));
    }
    fb_plan_clear(&plan);
}

/* The name of a folder may have a comma. */
static void a_text_is_one_value(void **state)
{
    (void)state;
    if (!fb_kernel_find("resize"))
        skip();
    struct fb_plan plan = make(&(struct fb_plan_request){
        .kernel = { "resize" }, .kernels = 1, .param = { "images=/tmp/a,b" }, .params = 1 });
    assert_int_equal(count_workloads(&plan), 1);
    assert_string_equal(plan.cell[0].params, "images=/tmp/a,b");
    fb_plan_clear(&plan);
}

/* ---- which cells are compared ---- */

/* "primes ranges=8 pthread (again) 2". */
static void describe(const struct fb_cell *cell, char *text, size_t size)
{
    char label[FB_TEXT];
    fb_cell_label(cell, label, sizeof label);
    snprintf(text, size, "%s%s%s %s %u", cell->kernel->name, cell->params[0] ? " " : "",
             cell->params, label, cell->workers);
}

struct expected {
    enum fb_factor factor;
    const char *reference, *cell;
};

/* Checks that exactly these pairs exist, and `again` pairs of a cell and its second label. */
static void check_pairs(const struct fb_plan_request *request, size_t again,
                        const struct expected *expected)
{
    struct fb_error error = { 0 };
    struct fb_plan plan = { 0 };
    size_t wanted = 0, found = 0, same = 0;
    if (fb_plan_make(request, &plan, &error) != 0)
        fail_msg("%s", error.text);
    for (; expected[wanted].cell; wanted++)
        ;
    for (size_t i = 0; i < plan.pairs; i++) {
        const struct fb_pair *pair = &plan.pair[i];
        const struct fb_cell *cell = &plan.cell[pair->cell];
        const struct fb_cell *reference = &plan.cell[pair->reference];
        char left[3 * FB_TEXT], right[3 * FB_TEXT];
        describe(reference, left, sizeof left);
        describe(cell, right, sizeof right);
        assert_false(cell->copies || reference->copies);
        assert_int_equal(cell->family, reference->family);
        same += pair->factor == FB_FACTOR_NONE && cell->again && !reference->again &&
                strncmp(left, right, strcspn(right, "(")) == 0;
        bool known = cell->again;
        for (size_t k = 0; k < wanted && !known; k++)
            known = pair->factor == expected[k].factor &&
                    strcmp(left, expected[k].reference) == 0 &&
                    strcmp(right, expected[k].cell) == 0;
        if (!known)
            fail_msg("%s: %s and %s", fb_factor_names[pair->factor], left, right);
        found += !cell->again;
    }
    assert_int_equal(same, again);
    assert_int_equal(found, wanted);
    assert_int_equal(plan.pairs, wanted + again);
    fb_plan_clear(&plan);
}

#define CHECK_PAIRS(request, again, ...)                                                           \
    check_pairs(&(request), again, (const struct expected[]){ __VA_ARGS__{ 0 } })

#define PRIMES .kernel = { "primes" }, .kernels = 1, .effective = 2
#define TWO_WORKERS .workers = { 2 }, .worker_counts = 1

static void second_labels_and_builds_are_paired(void **state)
{
    (void)state;
    struct fb_plan_request request = { PRIMES, TWO_WORKERS, .harness = { "pthread" },
                                       .harnesses = 1 };
    CHECK_PAIRS(request, 1, );
    request.against = true;
    CHECK_PAIRS(request, 1, { FB_FACTOR_BUILD, "primes pthread (against) 2", "primes pthread 2" },
                { FB_FACTOR_BUILD, "primes single (against) 1", "primes single 1" }, );
}

static void cells_with_one_different_parameter_are_paired(void **state)
{
    (void)state;
    struct fb_plan_request request = { PRIMES,
                                       TWO_WORKERS,
                                       .harness = { "single" },
                                       .harnesses = 1,
                                       .param = { "ranges=8,16,81" },
                                       .params = 1 };
    CHECK_PAIRS(request, 1,
                { FB_FACTOR_PARAMETER, "primes ranges=8 single 1", "primes ranges=16 single 1" },
                { FB_FACTOR_PARAMETER, "primes ranges=8 single 1", "primes ranges=81 single 1" }, );
    request.param[0] = "ranges=8,16";
    request.param[1] = "hi=30,300";
    request.params = 2;
    CHECK_PAIRS(request, 1,
                { FB_FACTOR_PARAMETER, "primes ranges=8 hi=30 single 1",
                  "primes ranges=8 hi=300 single 1" },
                { FB_FACTOR_PARAMETER, "primes ranges=8 hi=30 single 1",
                  "primes ranges=16 hi=30 single 1" },
                { FB_FACTOR_PARAMETER, "primes ranges=8 hi=300 single 1",
                  "primes ranges=16 hi=300 single 1" }, );
}

/* The reference is the first harness given; single is no parallel harness, even on as many workers. */
static void cells_with_different_harnesses_are_paired(void **state)
{
    (void)state;
    struct fb_plan_request request = { PRIMES, .workers = { 1, 2 }, .worker_counts = 2,
                                       .harness = { "single", "forkpool", "gil", "pthread" },
                                       .harnesses = 4 };
    CHECK_PAIRS(request, 1, { FB_FACTOR_HARNESS, "primes forkpool 1", "primes gil 1" },
                { FB_FACTOR_HARNESS, "primes forkpool 1", "primes pthread 1" },
                { FB_FACTOR_HARNESS, "primes forkpool 2", "primes gil 2" },
                { FB_FACTOR_HARNESS, "primes forkpool 2", "primes pthread 2" }, );
}

/* No pair differs in two factors, and the cells of the other build are not paired with each other. */
static void cells_with_several_differences_are_not_paired(void **state)
{
    (void)state;
    struct fb_plan_request request = { PRIMES,
                                       TWO_WORKERS,
                                       .harness = { "pthread", "gil" },
                                       .harnesses = 2,
                                       .param = { "hi=9,99" },
                                       .params = 1,
                                       .against = true };
    CHECK_PAIRS(request, 1,
                { FB_FACTOR_PARAMETER, "primes hi=9 pthread 2", "primes hi=99 pthread 2" },
                { FB_FACTOR_PARAMETER, "primes hi=9 gil 2", "primes hi=99 gil 2" },
                { FB_FACTOR_PARAMETER, "primes hi=9 single 1", "primes hi=99 single 1" },
                { FB_FACTOR_HARNESS, "primes hi=9 pthread 2", "primes hi=9 gil 2" },
                { FB_FACTOR_HARNESS, "primes hi=99 pthread 2", "primes hi=99 gil 2" },
                { FB_FACTOR_BUILD, "primes hi=9 pthread (against) 2", "primes hi=9 pthread 2" },
                { FB_FACTOR_BUILD, "primes hi=99 pthread (against) 2", "primes hi=99 pthread 2" },
                { FB_FACTOR_BUILD, "primes hi=9 gil (against) 2", "primes hi=9 gil 2" },
                { FB_FACTOR_BUILD, "primes hi=99 gil (against) 2", "primes hi=99 gil 2" },
                { FB_FACTOR_BUILD, "primes hi=9 single (against) 1", "primes hi=9 single 1" },
                { FB_FACTOR_BUILD, "primes hi=99 single (against) 1", "primes hi=99 single 1" }, );
}

static void kernels_and_families_are_not_paired(void **state)
{
    (void)state;
    struct fb_plan_request request = { .kernel = { "null", "primes" },
                                       .kernels = 2,
                                       .effective = 2,
                                       TWO_WORKERS,
                                       .harness = { "pthread", "cpython-thread=/bin/sh",
                                                    "cpython-process=/bin/sh" },
                                       .harnesses = 3 };
    CHECK_PAIRS(request, 2,
                { FB_FACTOR_HARNESS, "primes cpython-thread=/bin/sh 2",
                  "primes cpython-process=/bin/sh 2" }, );
}

/* ---- bad_requests_are_refused ---- */

static char too_many[1000], too_long[600];

static const struct {
    const char *kernel, *harness, *param, *says;
    int code;
} refused[] = {
    { "nothing", "single", NULL, "nothing", -EINVAL },
    { "", "single", NULL, "kernel", -EINVAL },
    { "Primes", "single", NULL, "Primes", -EINVAL },
    { "primes", "nothing", NULL, "nothing", -EINVAL },
    { "primes", "", NULL, "harness", -EINVAL },
    { "primes", "single=3", NULL, "single=3", -EINVAL },
    { "primes", "single", "nothing=1", "nothing", -EINVAL },
    { "primes", "single", "count=1", "count", -EINVAL }, /* of another kernel */
    { "primes", "single", "ranges", "ranges", -EINVAL },
    { "primes", "single", "", "parameter", -EINVAL },
    { "primes", "single", "=1", "parameter", -EINVAL },
    { "primes", "single", "range=1", "range", -EINVAL },
    { "primes", "single", "rangess=1", "rangess", -EINVAL },
    { "primes", "single", "ranges=", "ranges", -EINVAL },
    { "primes", "single", "ranges=0", "ranges", -EINVAL },
    { "primes", "single", "ranges=x", "ranges", -EINVAL },
    { "primes", "single", "ranges=-1", "ranges", -EINVAL },
    { "primes", "single", "ranges=8,", "ranges", -EINVAL },
    { "primes", "single", "ranges=8,x,9", "ranges", -EINVAL },
    { "primes", "single", "ranges=8 hi=9", "blank", -EINVAL },
    { "primes", "single", "ranges=99999999999999999999", "ranges", -EINVAL },
    { "primes", "single", too_many, "ranges", -E2BIG },
    { "primes", "single", too_long, "ranges", -E2BIG },
    { "null", "cpython-single=/bin/sh", NULL, "nothing to measure", -EINVAL },
};

static void bad_requests_are_refused(void **state)
{
    (void)state;
    strcpy(too_many, "ranges=1");
    for (int i = 0; i < FB_LIST_MOST; i++)
        strcat(too_many, ",2");
    strcpy(too_long, "ranges=");
    memset(too_long + strlen(too_long), '7', sizeof too_long - strlen(too_long) - 1);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct fb_plan_request request = { .kernel = { refused[i].kernel },
                                           .kernels = 1,
                                           .harness = { refused[i].harness },
                                           .harnesses = 1,
                                           .param = { refused[i].param },
                                           .params = refused[i].param != NULL,
                                           .effective = 2 };
        struct fb_error error = { 0 };
        struct fb_plan plan = { 0 };
        int result = fb_plan_make(&request, &plan, &error);
        if (result != refused[i].code || error.code != result || plan.cell ||
            !strstr(error.text, refused[i].says))
            fail_msg("%s %s %s: %d, '%s'", refused[i].kernel, refused[i].harness,
                     refused[i].param ? refused[i].param : "", result, error.text);
        assert_null(strchr(error.text, '\n'));
    }
}

static void one_bad_name_among_good_ones_is_refused(void **state)
{
    (void)state;
    struct fb_plan_request request = { .kernel = { "null", "nothing", "primes" },
                                       .kernels = 3,
                                       .harness = { "single" },
                                       .harnesses = 1,
                                       .effective = 2 };
    struct fb_error error = { 0 };
    struct fb_plan plan = { 0 };
    assert_int_equal(fb_plan_make(&request, &plan, &error), -EINVAL);
    request.kernel[1] = "divisors";
    request.harness[1] = "nothing";
    request.harnesses = 2;
    assert_int_equal(fb_plan_make(&request, &plan, &error), -EINVAL);
    request.harness[1] = "pthread";
    assert_int_equal(fb_plan_make(&request, &plan, &error), 0);
    fb_plan_clear(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_values_multiply),
        cmocka_unit_test(parameters_go_to_the_kernels_that_have_them),
        cmocka_unit_test(the_same_value_twice_is_one_workload),
        cmocka_unit_test(each_workload_has_its_base),
        cmocka_unit_test(long_lists_are_complete),
        cmocka_unit_test(a_text_is_one_value),
        cmocka_unit_test(second_labels_and_builds_are_paired),
        cmocka_unit_test(cells_with_one_different_parameter_are_paired),
        cmocka_unit_test(cells_with_different_harnesses_are_paired),
        cmocka_unit_test(cells_with_several_differences_are_not_paired),
        cmocka_unit_test(kernels_and_families_are_not_paired),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(one_bad_name_among_good_ones_is_refused),
    };
    return RUN_TESTS(tests);
}
