#include "tests/support/trace.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#if defined __x86_64__

uintptr_t trace_counter(pid_t pid)
{
    return (uintptr_t)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), NULL);
}

bool trace_break_at(pid_t pid, uintptr_t counter)
{
    const size_t address = offsetof(struct user, u_debugreg[0]);
    const size_t control = offsetof(struct user, u_debugreg[7]);
    /* Control: 1 enables the first address, for the execution of an instruction. */
    return ptrace(PTRACE_POKEUSER, pid, control, 0) == 0 &&
           ptrace(PTRACE_POKEUSER, pid, address, counter) == 0 &&
           (counter == 0 || ptrace(PTRACE_POKEUSER, pid, control, 1) == 0);
}

#else

uintptr_t trace_counter(pid_t pid)
{
    (void)pid;
    return 0;
}

bool trace_break_at(pid_t pid, uintptr_t counter)
{
    (void)pid, (void)counter;
    return false;
}

#endif

/* A repeated string instruction is a stop for each repetition when it is stepped, but only one
 * arrival at a breakpoint. */
static bool arrives(const struct trace *trace, unsigned index)
{
    return index == 0 || trace->counter[index - 1] != trace->counter[index];
}

struct trace_stop trace_find_stop(const struct trace *trace, unsigned index)
{
    struct trace_stop stop = { .index = index };
    while (!arrives(trace, stop.index))
        stop.index--;
    for (unsigned i = 0; i <= stop.index; i++)
        stop.hits += trace->counter[i] == trace->counter[stop.index] && arrives(trace, i);
    return stop;
}
