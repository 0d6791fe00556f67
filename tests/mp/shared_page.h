/* A struct in shared memory for each test, through which its processes report results. */
#ifndef TEST_SHARED_PAGE_H
#define TEST_SHARED_PAGE_H

struct shared_page; /* defined by the test */
extern struct shared_page *shared_page;

/* The address with which a process's argument begins. */
struct shared_page *shared_page_of(const void *argument);

/* Set-up and teardown of a test; its state is the struct's size. */
int shared_page_make(void **state);
int shared_page_free(void **state);
#define WITH_SHARED_PAGE(test)                                                                     \
    cmocka_unit_test_prestate_setup_teardown(test, shared_page_make, shared_page_free,             \
                                             &(size_t){ sizeof(struct shared_page) })

#endif
