/* A struct in shared memory for each test, through which its processes report results. */
#ifndef TEST_SHARED_PAGE_H
#define TEST_SHARED_PAGE_H

struct board; /* defined by the test */
extern struct board *board;

/* The address with which a process's argument begins. */
struct board *board_of(const void *argument);

/* Set-up and teardown of a test; its state is the struct's size. */
int board_make(void **state);
int board_free(void **state);
#define ON_BOARD(test)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(test, board_make, board_free,                         \
                                             &(size_t){ sizeof(struct board) })

#endif
