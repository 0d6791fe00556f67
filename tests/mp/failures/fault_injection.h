/* Fault injection: makes calls to the C library fail. The linker's --wrap redirects them to
 * fault_injection.c (injected_arguments in tests/meson.build). Calls work normally as long as nothing
 * is armed, and always in other processes. */
#ifndef TEST_FAULT_INJECTION_H
#define TEST_FAULT_INJECTION_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* An operation that is done, in a process of its own, while calls fail. */
struct operation {
    const char *name;
    int (*act)(void);      /* 0 or a negative errno */
    void (*undo)(void);    /* undoes what act did */
    void (*prepare)(void); /* called before act, may be NULL */
    void (*finish)(void);  /* undoes prepare, may be NULL */
    int also[3];           /* errnos that act may return, beside that of the call */
    bool may_succeed;      /* act may succeed although a call failed */
};

/* Repeats the operation for each C library call that it makes. That call fails, once and permanently,
 * with each of two errnos. Prints the number of failed calls. False: a check failed; it is on stderr. */
bool injected_check(const struct operation *operation);

/* Makes the calling process's nth wrapped call fail (n = 1: the next one); lasting: and all later ones.
 * variant: which of the two errnos, 0 or 1. */
void injected_arm(unsigned n, bool lasting, unsigned variant);
/* Returns whether a call failed; *ret_name: the function that failed first, *ret_code: its errno. */
bool injected_disarm(const char **ret_name, int *ret_code);

/* If not NULL, only calls of this function fail and are counted. */
extern const char *injected_only;

/* If not NULL, counts the failed calls of all processes, in shared memory. */
extern _Atomic uint32_t *injected_count;

/* For additional wrappers: the errno with which this call must fail, one of the two, or 0: it must
 * not. */
int injected_failure(const char *name, int first, int second);

/* pthread_create without fault injection. */
int injected_thread(pthread_t *thread, void *(*run)(void *context), void *context);

/* An assertion for child processes, where cmocka's assertions don't work. */
#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "line %d: failed: %s\n", __LINE__, #holds);                            \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Checks all operations of an array. Counts failures in the test's variable `wrong`. */
#define CHECK(operations)                                                                          \
    for (size_t i = 0; i < sizeof(operations) / sizeof *(operations); i++)                         \
    wrong += !injected_check(&(operations)[i])

#endif
