/* A board in shared memory for each test, on which processes tell and are told. */
#ifndef TEST_SHARED_PAGE_H
#define TEST_SHARED_PAGE_H

struct board; /* the test's own */
extern struct board *board;

/* Where the argument of a process begins with the board's address: that. */
struct board *board_of(const void *argument);

/* Set-up and teardown of a test; its state is the board's size. */
int board_make(void **state);
int board_free(void **state);
#define ON_BOARD(test)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(test, board_make, board_free,                         \
                                             &(size_t){ sizeof(struct board) })

#endif
