/* Runs Python scripts of the tests. */
#ifndef TEST_PYTHON_H
#define TEST_PYTHON_H

#include <stdbool.h>

/* An interpreter, and one that has Pillow; NULL if there is none. */
const char *python_any(void);
const char *python_with_pillow(void);

/* Runs `python script arguments…`, the script given from tests/, the arguments ending with NULL. Fails the test unless
 * it exits with 0. */
void python_run(const char *python, const char *script, const char *const *arguments);
#define PYTHON(python, script, ...)                                                                \
    python_run(python, script, (const char *const[]){ __VA_ARGS__, NULL })

#endif
