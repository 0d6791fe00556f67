/* A pipe for each test, and messages whose contents can be checked. */
#ifndef TEST_PIPE_FIXTURE_H
#define TEST_PIPE_FIXTURE_H

#include "harness/mp/channel/connection.h"
#include "harness/mp/core/deadline.h"

#include <stdbool.h>
#include <stddef.h>

#define BIG ((size_t)1 << 20)

/* The ends of the pipe; unless it is two-way, left receives. */
extern struct fb_mp_connection *left, *right;

void piped_make(bool two_way);
void piped_drop(void);

/* Fills in bytes that depend on the size and the position. */
void piped_fill(unsigned char *bytes, size_t size);
bool piped_is_filled(const unsigned char *bytes, size_t size);

#endif
