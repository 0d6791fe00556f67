/* The lessons' common machinery: ask for a prediction, run, show results, check the claims. */
#ifndef LESSON_H
#define LESSON_H

#include "base/stats.h"
#include "harness/mp/core/deadline.h"
#include "harness/mp/process/registry.h"

#include <stdbool.h>
#include <stddef.h>

/* The texts are for readers; lines are broken when they are printed. */
struct lesson {
    const char *name;  /* the file's name without .c */
    const char *title; /* a few words */
    const char *rows;  /* the tutorials' mechanisms, workloads and claims in it: "M7 M8 W14 C9" */
    const char *question;
    const char *choices[5]; /* possible answers, then NULL */
    char answer;            /* the right one: 'a' … */
    const char *explains;   /* why the answer is right */
    const char *next;       /* what to try next */
    const char *breaks;     /* what --break changes */
    unsigned cpus;          /* how many it needs; 0: one */
    void (*run)(void);      /* runs the experiment and shows the results */
};

/* The main function of a lesson. Options: --no-ask: don't ask for a prediction; --break: remove the
 * mechanism, so that the check fails; --json: print facts and measurements as JSON; --describe: print
 * title and rows. tasks: what spawned processes may run, or NULL. Returns the exit code: 0; 1: a fact
 * was not observed; 2: bad usage; 3: this machine can't do it (also from lesson_need); 4: facts were
 * observed, but not everything that is measured. */
int lesson_main(int argc, char **argv, const struct lesson *lesson, const struct fb_mp_task *tasks);

/* ---- for run ---- */

/* Whether --break was given: the lesson must run without its mechanism. */
bool lesson_is_broken(void);

const char *lesson_name(void);

/* Prints an indented line; nothing with --json. */
void lesson_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a bar chart: one bar for each of count values, in unit. */
void lesson_bars(const char *unit, size_t count, const char *const label[], const double value[]);

/* Reports a claim of the lesson and whether it was observed. A fact must hold on every machine. */
void lesson_fact(bool shown, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a claim that other load on the machine may hide: about durations, or about chance. */
void lesson_measured(bool shown, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The verdict on a claim of the tutorials. */
enum lesson_verdict { LESSON_HOLDS, LESSON_DOES_NOT_HOLD, LESSON_DEPENDS };

/* Whether the whole interval of a measurement is below (above) a limit. LESSON_DEPENDS: the limit is
 * inside the interval. */
enum lesson_verdict lesson_is_below(struct fb_interval measured, double limit);
enum lesson_verdict lesson_is_above(struct fb_interval measured, double limit);

/* Reports the verdict on a claim; does nothing with --break. row: "C9"; says: the claim; measured: the
 * measurement that was judged, in unit; condition: when the claim holds, or what holds instead; may be
 * NULL. */
void lesson_claim(const char *row, const char *says, struct fb_interval measured, const char *unit,
                  enum lesson_verdict verdict, const char *condition);

/* If result is a negative errno, ends the lesson with exit code 3 and one line on stderr. what: the
 * action that failed ("open a pool"). */
void lesson_need(int result, const char *what);

/* The measurements of `forkbench exec`. */
struct lesson_exec {
    double run_ns;  /* the job */
    double cpu_ns;  /* CPU time of the whole command */
    double wall_ns; /* its duration */
    bool lockless;  /* the interpreter ran without a GIL */
};

/* Runs `forkbench exec` with these arguments ("-k primes -H gil -w 2"). False: this machine can't do
 * it, for example because there is no python3. Any other failure ends the lesson. */
bool lesson_exec(const char *words, struct lesson_exec *ret_exec);

/* Returns the run time in ns. Ends the lesson if this machine can't do it. */
double lesson_run_ns(const char *words);

/* Python's measurement of the same: the median and interval of the values that the lesson's Python
 * version recorded under this name with note(). None with --break, or without a python3 that can run
 * it: then lesson_is_known is false. The Python version runs at most once. */
struct fb_interval lesson_python(const char *name);
bool lesson_is_known(struct fb_interval measured);

/* Shows the progress of a long measurement; only on a terminal. */
void lesson_progress(unsigned done, unsigned all);

/* The number of CPUs that this process may use, by affinity and quota. */
unsigned lesson_cpus(void);

/* true: confines this process, and processes that it starts later, to one CPU; false: restores the
 * previous affinity. On one CPU, a process that waits always sleeps, and waking it always costs the
 * same. */
void lesson_on_one_cpu(bool one);

/* Starts a process that calls run and ends. lesson_join_all waits for all of them. */
void lesson_start(fb_mp_run run, const void *argument, size_t size);
void lesson_join_all(void);

#endif
