/* bench/run/plan.c: the cells of a run, with their bases and ceilings. */
#include "tests/support/support.h"

#include "tests/support/folder.h"

#include "bench/run/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KERNELS .kernel = { "null", "divisors", "primes" }, .kernels = 3
#define NULL_PRIMES .kernel = { "null", "primes" }, .kernels = 2
#define PRIMES .kernel = { "primes" }, .kernels = 1
#define PRIMES_TWICE .kernel = { "primes", "primes" }, .kernels = 2

/* ---- checks for every plan ---- */

static bool same_work(const struct fb_cell *left, const struct fb_cell *right)
{
    return left->kernel == right->kernel && strcmp(left->params, right->params) == 0 &&
           left->family == right->family && strcmp(left->variant, right->variant) == 0;
}

static void check_base(const struct fb_plan *plan, const struct fb_cell *cell)
{
    const char *wanted = cell->copies ? "single" : cell->harness->base;
    if (!wanted) {
        assert_int_equal(cell->base, FB_NO_CELL);
        assert_int_equal(cell->workers, 1);
        return;
    }
    assert_true(cell->base < plan->count);
    const struct fb_cell *base = &plan->cell[cell->base];
    assert_string_equal(base->harness->name, wanted);
    assert_true(same_work(base, cell));
    assert_int_equal(base->workers, 1);
    assert_int_equal(base->copies, 0);
    assert_false(base->again);
    assert_int_equal(base->against, cell->against);
}

static void check_ceiling(const struct fb_plan *plan, const struct fb_cell *cell, double effective)
{
    bool wanted = cell->family == FB_FAMILY_C && !cell->copies && !cell->again && !cell->against &&
                  cell->workers >= 2 && cell->workers < effective + 1;
    assert_int_equal(cell->ceiling != FB_NO_CELL, wanted);
    if (!wanted)
        return;
    assert_true(cell->ceiling < plan->count);
    const struct fb_cell *ceiling = &plan->cell[cell->ceiling];
    assert_string_equal(ceiling->label, "ceiling");
    assert_string_equal(ceiling->harness->name, "single");
    assert_true(same_work(ceiling, cell));
    assert_int_equal(ceiling->copies, cell->workers);
    assert_int_equal(ceiling->workers, cell->workers);
    assert_false(ceiling->again || ceiling->against);
}

static bool is_extra(const struct fb_cell *cell)
{
    return cell->copies || cell->again || cell->against;
}

/* Checks the second label of a family: of the first cell with the most workers that have a CPU
 * each. */
static void check_again(const struct fb_plan *plan, enum fb_family family, double effective)
{
    const struct fb_cell *wanted = NULL, *found = NULL;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_cell *cell = &plan->cell[i];
        if (cell->family != family)
            continue;
        assert_false(cell->again && (found || cell->copies || cell->against));
        if (cell->again)
            found = cell;
        if (!is_extra(cell) && (cell->workers == 1 || cell->workers <= effective) &&
            (!wanted || cell->workers > wanted->workers))
            wanted = cell;
    }
    assert_int_equal(found != NULL, wanted != NULL);
    if (found)
        assert_true(same_work(found, wanted) && found->harness == wanted->harness &&
                    found->workers == wanted->workers && found->base == wanted->base);
}

static void check_plan(const struct fb_plan *plan, double effective)
{
    check_again(plan, FB_FAMILY_C, effective);
    check_again(plan, FB_FAMILY_CPYTHON, effective);
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_cell *cell = &plan->cell[i];
        check_base(plan, cell);
        check_ceiling(plan, cell, effective);
        for (size_t k = 0; k < i; k++) {
            const struct fb_cell *other = &plan->cell[k];
            assert_false(same_work(cell, other) && cell->harness == other->harness &&
                         cell->workers == other->workers && cell->copies == other->copies &&
                         cell->again == other->again && cell->against == other->against);
        }
    }
}

static struct fb_plan make(const struct fb_plan_request *request)
{
    struct fb_error error = { 0 };
    struct fb_plan plan = { 0 };
    if (fb_plan_make(request, &plan, &error) != 0)
        fail_msg("%s", error.text);
    check_plan(&plan, request->effective);
    return plan;
}

/* Counts the given cells and their bases. Workers 0 means any number; kernel or label NULL means
 * any. */
static size_t count_cells(const struct fb_plan *plan, const char *kernel, const char *label,
                          unsigned workers)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_cell *cell = &plan->cell[i];
        count += !is_extra(cell) && (!kernel || strcmp(cell->kernel->name, kernel) == 0) &&
                 (!label || strcmp(cell->label, label) == 0) &&
                 (!workers || cell->workers == workers);
    }
    return count;
}

/* ---- without worker counts ---- */

static void a_plan_has_default_cells(void **state)
{
    (void)state;
    size_t kernels = fb_kernel_find("resize") ? 3 : 2;
    struct fb_plan plan = make(&(struct fb_plan_request){ .effective = 2 });
    assert_int_equal(count_cells(&plan, "divisors", NULL, 0), 7);
    assert_int_equal(count_cells(&plan, "primes", NULL, 0), 7);
    assert_int_equal(count_cells(&plan, NULL, "single", 1), kernels);
    static const char *const labels[] = { "pthread", "forkpool" };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        assert_int_equal(count_cells(&plan, NULL, labels[i], 2), kernels);
        assert_int_equal(count_cells(&plan, NULL, labels[i], 4), kernels);
    }
    assert_int_equal(count_cells(&plan, NULL, "gil", 2), kernels);
    /* Three kernels under three harnesses with two counts and three bases would be 21. */
    assert_int_equal(plan.left_out, kernels == 3);
    assert_int_equal(plan.count - count_cells(&plan, NULL, NULL, 0), kernels + 1);
    fb_plan_clear(&plan);
    assert_true(!plan.cell && plan.count == 0);
}

/* The effective CPUs, then twice as many, then halves. */
static void the_most_informative_counts_come_first(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){ KERNELS, .effective = 4 });
    assert_int_equal(count_cells(&plan, NULL, NULL, 0), FB_CELLS_DEFAULT);
    assert_int_equal(count_cells(&plan, NULL, NULL, 1), 3);
    assert_int_equal(count_cells(&plan, NULL, NULL, 4), 9);
    assert_int_equal(count_cells(&plan, NULL, NULL, 8), 8);
    assert_int_equal(plan.left_out, 1 + 9);
    fb_plan_clear(&plan);
    plan = make(&(struct fb_plan_request){ .kernel = { "null" }, .kernels = 1, .effective = 6 });
    assert_int_equal(count_cells(&plan, NULL, NULL, 6), 3);
    assert_int_equal(count_cells(&plan, NULL, NULL, 12), 3);
    assert_int_equal(count_cells(&plan, NULL, NULL, 3), 3);
    assert_int_equal(count_cells(&plan, NULL, NULL, 0), 10);
    assert_int_equal(plan.left_out, 0);
    fb_plan_clear(&plan);
}

static void one_cpu_has_no_ceilings(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){ KERNELS, .effective = 1 });
    assert_int_equal(count_cells(&plan, NULL, NULL, 1), 12);
    assert_int_equal(count_cells(&plan, NULL, NULL, 2), 8);
    assert_int_equal(plan.left_out, 1);
    assert_int_equal(plan.count, FB_CELLS_DEFAULT + 1); /* no ceilings */
    fb_plan_clear(&plan);
}

static void many_cpus_have_counts_by_halves(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){ KERNELS, .effective = 64 });
    assert_int_equal(count_cells(&plan, NULL, NULL, 64), 9);
    assert_int_equal(count_cells(&plan, NULL, NULL, 128), 8);
    assert_int_equal(plan.left_out, 1 + 5 * 9); /* 32, 16, 8, 4, 2 */
    assert_int_equal(plan.count, FB_CELLS_DEFAULT + 3 + 1);
    fb_plan_clear(&plan);
    plan = make(&(struct fb_plan_request){ PRIMES, .harness = { "forkpool" }, .harnesses = 1,
                                           .effective = 64 });
    for (unsigned workers = 2; workers <= 128; workers *= 2)
        assert_int_equal(count_cells(&plan, NULL, "forkpool", workers), 1);
    assert_int_equal(count_cells(&plan, NULL, NULL, 0), 8); /* and the base */
    assert_int_equal(plan.left_out, 0);
    fb_plan_clear(&plan);
}

/* A merged duplicate does not count for the limit of cells. */
static void duplicates_do_not_count_for_the_limit(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){
        PRIMES_TWICE, .harness = { "pthread", "forkpool" }, .harnesses = 2, .effective = 64 });
    assert_int_equal(count_cells(&plan, NULL, NULL, 2), 2);
    assert_int_equal(count_cells(&plan, NULL, NULL, 0), 1 + 2 * 7);
    assert_int_equal(plan.left_out, 0);
    fb_plan_clear(&plan);
}

/* ---- with worker counts ---- */

static void given_lists_are_measured_completely(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){
        NULL_PRIMES, .harness = { "forkpool", "pthread", "single", "gil" }, .harnesses = 4,
        .workers = { 1, 2, 3, 5, 8, 13, 21, 1024 }, .worker_counts = 8, .effective = 8 });
    assert_int_equal(plan.left_out, 0);
    assert_int_equal(count_cells(&plan, NULL, NULL, 0), 2 * (1 + 3 * 8));
    assert_int_equal(count_cells(&plan, "null", "gil", 1024), 1);
    assert_int_equal(plan.count, 2 * (1 + 3 * 8) + 2 * 4 + 1); /* ceilings for 2, 3, 5, 8 */
    fb_plan_clear(&plan);
}

static void bases_and_ceilings_are_added_once(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){
        PRIMES_TWICE, .harness = { "gil", "pthread", "gil" }, .harnesses = 3,
        .workers = { 2, 4, 2, 8 }, .worker_counts = 4, .effective = 4 });
    /* Two harnesses on three counts, single, ceilings for 2 and 4, a second label. */
    assert_int_equal(plan.count, 2 * 3 + 1 + 2 + 1);
    assert_int_equal(count_cells(&plan, NULL, "single", 0), 1);
    fb_plan_clear(&plan);
    plan = make(&(struct fb_plan_request){ PRIMES, .harness = { "single" }, .harnesses = 1,
                                           .workers = { 7 }, .worker_counts = 1, .effective = 8 });
    assert_int_equal(plan.count, 2); /* with a second label */
    fb_plan_clear(&plan);
}

/* ---- parts of a CPU, second labels, another build ---- */

static void parts_of_a_cpu_are_rounded(void **state)
{
    (void)state;
    static const struct {
        double effective;
        unsigned count, ceilings; /* the first default count; ceilings for 2, 3 and 4 workers */
    } cases[] = { { 0.5, 1, 0 }, { 1, 1, 0 }, { 1.5, 1, 1 }, { 2.5, 2, 2 }, { 3.0, 3, 2 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_plan_request request = { PRIMES, .harness = { "pthread" }, .harnesses = 1,
                                           .effective = cases[i].effective };
        struct fb_plan plan = make(&request);
        assert_int_equal(count_cells(&plan, NULL, "pthread", cases[i].count), 1);
        assert_int_equal(count_cells(&plan, NULL, "pthread", 2 * cases[i].count), 1);
        assert_int_equal(count_cells(&plan, NULL, "pthread", 0), 2);
        fb_plan_clear(&plan);
        request.worker_counts = 4;
        memcpy(request.workers, (const unsigned[]){ 1, 2, 3, 4 }, 4 * sizeof(unsigned));
        plan = make(&request);
        assert_int_equal(plan.count, 4 + 1 + 1 + cases[i].ceilings);
        fb_plan_clear(&plan);
    }
}

/* check_plan tests the rule; this is one example. */
static void one_cell_has_a_second_label(void **state)
{
    (void)state;
    struct fb_plan plan = make(&(struct fb_plan_request){
        NULL_PRIMES, .harness = { "forkpool", "pthread" }, .harnesses = 2,
        .workers = { 8, 2, 4, 3 }, .worker_counts = 4, .effective = 4.5 });
    const struct fb_cell *again = &plan.cell[plan.count - 1];
    assert_true(again->again);
    assert_string_equal(again->label, "forkpool");
    assert_string_equal(again->kernel->name, "null");
    assert_int_equal(again->workers, 4);
    fb_plan_clear(&plan);
}

static void all_cells_are_measured_with_another_build(void **state)
{
    (void)state;
    struct fb_plan_request request = { KERNELS, .effective = 4 };
    struct fb_plan plan = make(&request);
    request.against = true;
    struct fb_plan both = make(&request);
    size_t asked = count_cells(&plan, NULL, NULL, 0), others = 0;
    assert_int_equal(both.left_out, plan.left_out); /* they do not count for the limit of cells */
    for (size_t i = plan.count; i < both.count; i++) {
        const struct fb_cell *other = &both.cell[i];
        assert_true(other->against && !other->again && !other->copies);
        others += count_cells(&plan, other->kernel->name, other->label, other->workers);
    }
    assert_int_equal(others, asked);
    assert_int_equal(both.count, plan.count + asked);
    fb_plan_clear(&plan);
    fb_plan_clear(&both);
}

/* ---- interpreters ---- */

static char folder[FOLDER_NAME];

static int make_interpreter(void **state)
{
    (void)state;
    char path[FOLDER_NAME + 32];
    folder_make(folder);
    file_write(folder, "fake-python3", "#!/bin/sh\nexit 1\n");
    file_write(folder, "not-executable", "#!/bin/sh\nexit 1\n");
    snprintf(path, sizeof path, "%s/fake-python3", folder);
    return chmod(path, 0755);
}

static int remove_interpreter(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void a_variant_names_an_interpreter(void **state)
{
    (void)state;
    char thread[FOLDER_NAME + 64], single[FOLDER_NAME + 64];
    snprintf(thread, sizeof thread, "cpython-thread=%s/fake-python3", folder);
    snprintf(single, sizeof single, "cpython-single=%s/fake-python3", folder);
    struct fb_plan plan = make(
        &(struct fb_plan_request){ NULL_PRIMES, .harness = { thread, "pthread" }, .harnesses = 2,
                                   .workers = { 2, 4 }, .worker_counts = 2, .effective = 4 });
    /* The Python harnesses do not have null. */
    assert_int_equal(count_cells(&plan, "null", thread, 0), 0);
    assert_int_equal(count_cells(&plan, "primes", thread, 0), 2);
    assert_int_equal(count_cells(&plan, "primes", single, 1), 1);
    assert_int_equal(count_cells(&plan, "primes", "single", 1), 1);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_cell *cell = &plan.cell[i];
        bool python = strncmp(cell->label, "cpython", 7) == 0;
        assert_int_equal(cell->family, python ? FB_FAMILY_CPYTHON : FB_FAMILY_C);
        assert_string_equal(cell->variant, python ? strchr(cell->label, '=') + 1 : "");
    }
    fb_plan_clear(&plan);
}

static void each_interpreter_has_its_base(void **state)
{
    (void)state;
    char fake[FOLDER_NAME + 64];
    snprintf(fake, sizeof fake, "cpython-process=%s/fake-python3", folder);
    struct fb_plan plan = make(&(struct fb_plan_request){
        PRIMES, .harness = { fake, "cpython-process=/bin/sh" }, .harnesses = 2, .workers = { 2 },
        .worker_counts = 1, .effective = 2 });
    assert_int_equal(plan.count, 4 + 1);
    assert_int_equal(count_cells(&plan, NULL, "cpython-single=/bin/sh", 1), 1);
    fb_plan_clear(&plan);
}

static void a_missing_interpreter_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "nothing", "not-executable" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char label[FOLDER_NAME + 64];
        struct fb_error error = { 0 };
        struct fb_plan plan = { 0 };
        snprintf(label, sizeof label, "cpython-thread=%s/%s", folder, names[i]);
        struct fb_plan_request request = { PRIMES, .harness = { label }, .harnesses = 1,
                                           .effective = 2 };
        assert_int_equal(fb_plan_make(&request, &plan, &error), -ENOPKG);
        assert_non_null(strstr(error.text, names[i]));
        assert_null(plan.cell);
    }
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, make_interpreter, remove_interpreter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_has_default_cells),
        cmocka_unit_test(the_most_informative_counts_come_first),
        cmocka_unit_test(one_cpu_has_no_ceilings),
        cmocka_unit_test(many_cpus_have_counts_by_halves),
        cmocka_unit_test(duplicates_do_not_count_for_the_limit),
        cmocka_unit_test(given_lists_are_measured_completely),
        cmocka_unit_test(bases_and_ceilings_are_added_once),
        cmocka_unit_test(parts_of_a_cpu_are_rounded),
        cmocka_unit_test(one_cell_has_a_second_label),
        cmocka_unit_test(all_cells_are_measured_with_another_build),
        WITH_FAKE(a_variant_names_an_interpreter),
        WITH_FAKE(each_interpreter_has_its_base),
        WITH_FAKE(a_missing_interpreter_is_refused),
    };
    return RUN_TESTS(tests);
}
