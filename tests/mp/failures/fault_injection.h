/* Calls to the C library that fail. The linker's --wrap leads them here (the key `wrap` in
 * meson.build): with nothing armed they are as ever, and those of other processes always are. */
#ifndef TEST_FAULT_INJECTION_H
#define TEST_FAULT_INJECTION_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* What is done while calls fail, in a process of its own. */
struct operation {
    const char *name;
    int (*act)(void);      /* 0 or a negative errno */
    void (*undo)(void);    /* what act did */
    void (*prepare)(void); /* before, may be NULL; its ends what that made */
    void (*finish)(void);
    int also[3];  /* errnos that act may return instead of that of the call */
    bool endures; /* a call may fail and act succeed nevertheless */
};

/* Makes each call that it makes fail, once and for good, with each errno that fits. Prints how many
 * calls failed. False: something was not as it should be; that is on stderr. */
bool injected_check(const struct operation *operation);

/* From now on the calling process's nth such call fails, or from there on all do. variant: which
 * errno, of two. */
void injected_arm(unsigned n, bool lasting, unsigned variant);
/* Whether it came to that; ret_name: the function that was called first, ret_code: its errno. */
bool injected_disarm(const char **ret_name, int *ret_code);

/* Unless it is NULL, only calls of this function count. */
extern const char *injected_only;

/* Unless it is NULL: in shared memory, counts the calls that failed in all processes. */
extern _Atomic uint32_t *injected_count;

/* For further wrappers, as those in injected.c: the errno, of these two, that this call is to fail
 * with, or 0. */
int injected_failure(const char *name, int first, int second);

/* pthread_create, which never fails on purpose. */
int injected_thread(pthread_t *thread, void *(*run)(void *context), void *context);

/* In a process of its own, where cmocka is not at home. */
#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #holds);                            \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* In a test, with `wrong` to count what is. */
#define CHECK(operations)                                                                          \
    for (size_t i = 0; i < sizeof(operations) / sizeof *(operations); i++)                         \
    wrong += !injected_check(&(operations)[i])

#endif
