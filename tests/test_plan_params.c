/* bench/plan.c: parameters of a run, and what it refuses. */
#include "support.h"

#include "bench/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Plans for kernels under single: one cell a work, and no limit to them. */
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

static bool has_work(const struct fb_plan *plan, const char *kernel, const char *params)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->cell[i].kernel->name, kernel) == 0 &&
            strcmp(plan->cell[i].params, params) == 0)
            return true;
    return false;
}

/* ---- lists of values ---- */

static void lists_multiply(void **state)
{
    (void)state;
    struct fb_plan plan =
        make(&(struct fb_plan_request){ .kernel = { "primes" },
                                        .kernels = 1,
                                        .param = { "ranges=8,64", "lo=1", "hi=10,20,30" },
                                        .params = 3 });
    assert_int_equal(plan.count, 6);
    static const char *const params[] = { "ranges=8 lo=1 hi=10",  "ranges=8 lo=1 hi=20",
                                          "ranges=8 lo=1 hi=30",  "ranges=64 lo=1 hi=10",
                                          "ranges=64 lo=1 hi=20", "ranges=64 lo=1 hi=30" };
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        assert_true(has_work(&plan, "primes", params[i]));
    fb_plan_clear(&plan);
}

static void only_to_kernels_that_have_them(void **state)
{
    (void)state;
    struct fb_plan plan =
        make(&(struct fb_plan_request){ .kernel = { "null", "divisors", "primes" },
                                        .kernels = 3,
                                        .param = { "count=2,3", "hi=100" },
                                        .params = 2 });
    assert_int_equal(plan.count, 4);
    assert_true(has_work(&plan, "null", ""));
    assert_true(has_work(&plan, "divisors", "count=2"));
    assert_true(has_work(&plan, "divisors", "count=3"));
    assert_true(has_work(&plan, "primes", "hi=100"));
    fb_plan_clear(&plan);
}

static void same_value_twice_is_one_work(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){ .kernel = { "primes", "primes" },
                                                          .kernels = 2,
                                                          .param = { "ranges=8,64,8" },
                                                          .params = 1 });
    assert_int_equal(plan.count, 2);
    fb_plan_clear(&plan);
}

/* Under several harnesses a base and a ceiling belong to the same values. */
static void each_work_has_its_base(void **state)
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
    assert_int_equal(plan.count, 2 * (2 + 1 + 1));
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_cell *cell = &plan.cell[i];
        if (cell->base != FB_NO_CELL)
            assert_string_equal(plan.cell[cell->base].params, cell->params);
        if (cell->ceiling != FB_NO_CELL)
            assert_string_equal(plan.cell[cell->ceiling].params, cell->params);
    }
    fb_plan_clear(&plan);
}

/* Far more text than one cell's parameters have room for, but each value by itself is short. */
static void long_lists_are_whole(void **state)
{
    (void)state;
    char list[60 * 11 + 8] = "hi=";
    for (int i = 0; i < 60; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%d", i ? "," : "",
                 1000000000 + i);
    struct fb_plan plan = make(&(struct fb_plan_request){
        .kernel = { "primes" }, .kernels = 1, .param = { list }, .params = 1 });
    assert_int_equal(plan.count, 60);
    for (int i = 0; i < 60; i++) {
        char params[32];
        snprintf(params, sizeof params, "hi=%d", 1000000000 + i);
        assert_true(has_work(&plan, "primes", params));
    }
    fb_plan_clear(&plan);
}

/* A folder's name may have a comma. */
static void text_is_one_value(void **state)
{
    (void)state;
    if (!fb_kernel_find("resize"))
        skip();
    struct fb_plan plan = make(&(struct fb_plan_request){
        .kernel = { "resize" }, .kernels = 1, .param = { "images=/tmp/a,b" }, .params = 1 });
    assert_int_equal(plan.count, 1);
    assert_string_equal(plan.cell[0].params, "images=/tmp/a,b");
    fb_plan_clear(&plan);
}

/* ---- refusals ---- */

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
    { "primes", "single", "count=1", "count", -EINVAL }, /* another kernel's */
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

static void refusals(void **state)
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

/* One bad name among good ones is refused as well. */
static void refused_among_good_ones(void **state)
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
        cmocka_unit_test(lists_multiply),
        cmocka_unit_test(only_to_kernels_that_have_them),
        cmocka_unit_test(same_value_twice_is_one_work),
        cmocka_unit_test(each_work_has_its_base),
        cmocka_unit_test(long_lists_are_whole),
        cmocka_unit_test(text_is_one_value),
        cmocka_unit_test(refusals),
        cmocka_unit_test(refused_among_good_ones),
    };
    return RUN_TESTS(tests);
}
