/* What the lessons share: asking, showing, and checking that what they claim has shown itself. */
#ifndef LESSON_H
#define LESSON_H

#include "base/stats.h"
#include "harness/mp/core/deadline.h"
#include "harness/mp/process/registry.h"

#include <stdbool.h>
#include <stddef.h>

/* All of it is text for people; lines are broken for them. */
struct lesson {
    const char *name;  /* of its file */
    const char *title; /* a few words */
    const char *rows; /* which of the tutorials' mechanisms, workloads and claims: "M7 M8 W14 C9" */
    const char *question;
    const char *choices[5]; /* what one may expect; ends with NULL */
    char answer;            /* the right one: 'a' … */
    const char *explains;   /* why it is so */
    const char *next;       /* what to change and try */
    const char *breaks;     /* what --break does instead */
    unsigned cpus;          /* that it needs; 0: one will do */
    void (*run)(void);      /* does it, and shows it */
};

/* The main of a lesson. Options: --no-ask does not let the reader predict, --break takes the mechanism
 * away, so that the check fails, --json prints what was shown and measured, --describe what it is about. tasks: what
 * spawned processes may be told to do, or NULL. Returns what to exit with: 0, 1 a fact
 * did not show itself, 2 bad usage, 4 nothing but something measured did not; 3, by lesson_need. */
int lesson_main(int argc, char **argv, const struct lesson *lesson, const struct fb_mp_task *tasks);

/* ---- for run ---- */

/* Whether the mechanism is to be taken away, as --break wants it. */
bool lesson_is_broken(void);

const char *lesson_name(void);

/* Prints a line, indented; nothing with --json. */
void lesson_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A small picture: a bar for each of count values, in unit. */
void lesson_bars(const char *unit, size_t count, const char *const label[], const double value[]);

/* Something that the lesson claims, and whether it has shown itself. A fact has to be so on whatever machine … */
void lesson_fact(bool shown, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* … and this may be hidden by what else the machine does: how long something takes, or what chance decides. */
void lesson_measured(bool shown, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The verdict on a claim of the tutorials. */
enum lesson_verdict { LESSON_HOLDS, LESSON_DOES_NOT_HOLD, LESSON_DEPENDS };

/* Whether a measurement is below a limit, as the whole interval has it: holds or does not; depends,
 * where the limit lies inside. */
enum lesson_verdict lesson_is_below(struct fb_interval measured, double limit);
enum lesson_verdict lesson_is_above(struct fb_interval measured, double limit);

/* Nothing with --break. row: "C9"; says: the claim; measured: in unit, what it was judged by; condition: on what it depends,
 * or what holds instead; may be NULL. */
void lesson_claim(const char *row, const char *says, struct fb_interval measured, const char *unit,
                  enum lesson_verdict verdict, const char *condition);

/* Ends the lesson with exit code 3 and one line on stderr unless result is 0 or more: this machine can't
 * do what the lesson needs, or it went wrong. */
void lesson_need(int result, const char *what);

/* What `forkbench exec` measured. */
struct lesson_exec {
    double run_ns;  /* the job */
    double cpu_ns;  /* of CPUs used, for all that exec did … */
    double wall_ns; /* … in this time */
    bool lockless;  /* by an interpreter that has no GIL */
};

/* Runs it with these words ("-k primes -H gil -w 2"). False: this machine can't, as python3 is not
 * there, say; ends the lesson if it went wrong. */
bool lesson_exec(const char *words, struct lesson_exec *ret_exec);

/* The run time, in ns, where there is no way without it. */
double lesson_run_ns(const char *words);

/* What Python shows of the same: the values that the lesson's twin noted under this name (note), their
 * median and interval. None with --break, and where there is no python3 that can do it: then
 * lesson_is_known is false. The twin runs once. */
struct fb_interval lesson_python(const char *name);
bool lesson_is_known(struct fb_interval measured);

/* How far a measurement is that takes long; on a terminal only. */
void lesson_progress(unsigned done, unsigned all);

/* The CPUs that this process may use, by affinity and by quota. */
unsigned lesson_cpus(void);

/* Puts this process, and what it starts from then on, onto one CPU, or gives it back those that it had:
 * on one CPU whoever waits sleeps, and waking costs the same each time. */
void lesson_on_one_cpu(bool one);

/* A process of its own that does this and ends; all are waited for by lesson_join_all. */
void lesson_start(fb_mp_run run, const void *argument, size_t size);
void lesson_join_all(void);

#endif
