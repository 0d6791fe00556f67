/* `forkbench overhead` with as many rounds as an interval needs: each figure has one. */
#include "tests/support/support.h"

#include "tests/bench/overhead/overhead_run.h"

static void six_rounds_give_intervals(void **state)
{
    (void)state;
    overhead_check_files("6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(six_rounds_give_intervals, overhead_begin, overhead_end),
    };
    return RUN_TESTS(tests);
}
