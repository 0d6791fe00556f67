/* Checks the output of `overhead --json`: each figure listed in bench/overhead/overhead.h exists
 * once, is finite and consistent with the others, and there are no other figures. Otherwise the
 * test fails. */
#ifndef TEST_OVERHEAD_CHECKS_H
#define TEST_OVERHEAD_CHECKS_H

#include "tests/bench/overhead/overhead_figures.h"

/* Checks all figures. */
void measured_check(struct measured *measured);

#endif
