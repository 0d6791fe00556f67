/* A download server, an arena, and tasks that download from it. */
#ifndef TEST_SERVER_FIXTURE_H
#define TEST_SERVER_FIXTURE_H

#include "tests/support/support.h"

#include "bench/trial/server.h"

#include <sys/types.h>

extern struct fb_arena *serving_arena;
extern struct fb_server serving;

/* Set-up and teardown: each test has its own arena and server. */
int serving_begin(void **state);
int serving_end(void **state);

/* Opens a task of `download` from that server. */
void serving_task(struct task *task, const char *count, const char *bytes, const char *latency_us);

/* Forks a process that kills the server when it has that many connections. End with forked_end, which returns 0. */
pid_t serving_kill_at(unsigned connections);

#endif
