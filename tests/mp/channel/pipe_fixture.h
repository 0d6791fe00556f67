/* A pipe of the runtime for each test, and messages that show whether they are whole. */
#ifndef TEST_PIPE_FIXTURE_H
#define TEST_PIPE_FIXTURE_H

#include "harness/mp/channel/connection.h"
#include "harness/mp/core/deadline.h"

#include <stdbool.h>
#include <stddef.h>

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)
#define BIG ((size_t)1 << 20)

/* Its ends: left receives. */
extern struct fb_mp_connection *left, *right;

void piped_make(bool two_way);
void piped_drop(void);

/* Bytes that differ with the size and from place to place. */
void piped_fill(unsigned char *bytes, size_t size);
bool piped_is_filled(const unsigned char *bytes, size_t size);

#endif
