/* The sequence of a traced process's instructions, and how another run of them comes to the same
 * place quickly: it runs at full speed to a hardware breakpoint instead of stopping after each
 * instruction. */
#ifndef TEST_TRACE_H
#define TEST_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACE_MOST 50000u /* instructions */

struct trace {
    unsigned count;
    uintptr_t counter[TRACE_MOST]; /* program counters: the address of each instruction */
};

/* The address of the instruction that a stopped process is about to execute; 0: unknown here. */
uintptr_t trace_counter(pid_t pid);

/* Where to put a breakpoint for a run to come near an instruction of the trace. */
struct trace_stop {
    unsigned index; /* of the instruction at the breakpoint; at most the one that was asked for */
    unsigned hits;  /* how often a run from the first instruction on arrives at the breakpoint */
};

struct trace_stop trace_find_stop(const struct trace *trace, unsigned index);

/* Sets the breakpoint of a stopped process, or removes it (0). Whether that is possible here. */
bool trace_break_at(pid_t pid, uintptr_t counter);

#endif
