/* Comparing doubles; cmocka 1.1 compares only float. */
#ifndef TEST_NEAR_H
#define TEST_NEAR_H

#include <math.h>

/* Fails for NaN. */
static inline void check_near(double value, double wanted, double error, const char *text,
                              const char *file, int line)
{
    if (fabs(value - wanted) <= error)
        return;
    print_error("%s is %.17g, not %.17g\n", text, value, wanted);
    _fail(file, line);
}

#define assert_near(value, wanted, error)                                                          \
    check_near(value, wanted, error, #value, __FILE__, __LINE__)

#endif
