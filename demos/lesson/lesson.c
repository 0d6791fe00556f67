#include "demos/lesson/lesson.h"

#include "base/cpus.h"
#include "base/error.h"
#include "harness/mp/process/process.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 96
#define BAR 44
#define PROCESSES_MOST 64

static struct {
    bool no_ask, broken, json, describe;
    char guess; /* 'a' …; 0: none */
    const struct lesson *lesson;
    unsigned claims_made, facts_missing, measured_missing;
    json_t *shown, *claims;
    struct fb_mp_process *process[PROCESSES_MOST];
    size_t processes;
} now;

bool lesson_is_broken(void)
{
    return now.broken;
}

const char *lesson_name(void)
{
    return now.lesson->name;
}

void lesson_need(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s: can't %s: %s\n", now.lesson->name, what, strerror(-result));
    exit(3);
}

/* ---- showing ---- */

/* The width of a text: the number of bytes that begin a UTF-8 character, which is enough here. */
static size_t width_of(const char *text, size_t size)
{
    size_t width = 0;
    for (size_t i = 0; i < size && text[i]; i++)
        width += (text[i] & 0xc0) != 0x80;
    return width;
}

static void print_filled(const char *head, const char *text)
{
    size_t column = width_of(head, SIZE_MAX), indent = column;
    fputs(head, stdout);
    while (*text) {
        size_t size = strcspn(text, " "), width = width_of(text, size);
        if (column > indent && column + 1 + width > WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        }
        column += width + (column > indent);
        printf("%s%.*s", column - width > indent ? " " : "", (int)size, text);
        text += size + (text[size] == ' ');
    }
    putchar('\n');
}

void lesson_say(const char *format, ...)
{
    if (now.json)
        return;
    va_list values;
    va_start(values, format);
    fputs("    ", stdout);
    vprintf(format, values);
    putchar('\n');
    va_end(values);
}

void lesson_bars(const char *unit, size_t count, const char *const label[], const double value[])
{
    size_t widest = 0;
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t width = width_of(label[i], SIZE_MAX);
        widest = width > widest ? width : widest;
        most = value[i] > most ? value[i] : most;
    }
    for (size_t i = 0; i < count && !now.json; i++) {
        int blank = (int)(widest - width_of(label[i], SIZE_MAX));
        int length = most > 0 ? (int)(BAR * value[i] / most + 0.5) : 0;
        printf("    %s%*s  ", label[i], blank, "");
        for (int k = 0; k < length; k++)
            fputs("█", stdout);
        if (value[i] >= 1000)
            printf("%s%.0f %s\n", length ? " " : "▏", value[i], unit);
        else
            printf("%s%.3g %s\n", length ? " " : "▏", value[i], unit);
    }
    fflush(stdout);
}

/* Prints a claim after a mark; the second mark means that it was not observed. */
static void show(bool shown, bool measured, const char *const marks[2], const char *format,
                 va_list values)
{
    char text[300];
    vsnprintf(text, sizeof text, format, values);
    now.claims_made++;
    json_array_append_new(
        now.shown, json_pack("{ss sb sb}", "text", text, "shown", shown, "measured", measured));
    if (!now.json)
        printf("  %s %s\n", marks[!shown], text);
}

void lesson_fact(bool shown, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    show(shown, false, (const char *const[]){ "=", "! not observed:" }, format, values);
    va_end(values);
    now.facts_missing += !shown;
}

void lesson_measured(bool shown, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    show(shown, true, (const char *const[]){ "≈", "? not observed this time:" }, format, values);
    va_end(values);
    now.measured_missing += !shown;
}

void lesson_claim(const char *row, const char *says, struct fb_interval measured, const char *unit,
                  enum lesson_verdict verdict, const char *condition)
{
    static const char *const verdicts[] = { "holds", "does not hold", "depends" };
    char head[200];
    if (now.broken) /* the measurements are not about the claim */
        return;
    if (verdict == LESSON_DEPENDS && !condition)
        condition = "too much noise to tell; try again on a quiet machine";
    json_t *claim = json_pack("{ss ss ss ss ss ss}", "claim", row, "says", says, "unit", unit,
                              "verdict", verdicts[verdict], "condition", condition ? condition : "",
                              "lesson", now.lesson->name);
    const double number[] = { measured.value, measured.low, measured.high };
    static const char *const names[] = { "measured", "low", "high" };
    for (int i = 0; i < 3; i++)
        json_object_set_new(claim, names[i],
                            number[i] == number[i] ? json_real(number[i]) : json_null());
    json_array_append_new(now.claims, claim);
    snprintf(head, sizeof head, "  %s: \"%s\": %s", row, says, verdicts[verdict]);
    if (!now.json)
        print_filled("  ", head + 2);
    if (!now.json && condition)
        print_filled("      ", condition);
}

enum lesson_verdict lesson_is_below(struct fb_interval measured, double limit)
{
    if (measured.high < limit)
        return LESSON_HOLDS;
    return measured.low > limit ? LESSON_DOES_NOT_HOLD : LESSON_DEPENDS;
}

enum lesson_verdict lesson_is_above(struct fb_interval measured, double limit)
{
    if (measured.low > limit)
        return LESSON_HOLDS;
    return measured.high < limit ? LESSON_DOES_NOT_HOLD : LESSON_DEPENDS;
}

/* ---- processes ---- */

unsigned lesson_cpus(void)
{
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    return cpus.workers;
}

void lesson_start(fb_mp_run run, const void *argument, size_t size)
{
    /* A daemon: a lesson that fails must not wait for it. */
    const struct fb_mp_process_options options = {
        .run = run, .argument = argument, .size = size, .daemon = true
    };
    struct fb_error error = { 0 };
    if (now.processes == PROCESSES_MOST)
        lesson_need(-E2BIG, "start another process");
    fflush(stdout);
    lesson_need(fb_mp_process_start(&options, &now.process[now.processes], &error), error.text);
    now.processes++;
}

void lesson_join_all(void)
{
    while (now.processes > 0) {
        struct fb_mp_process *process = now.process[--now.processes];
        int code = 0;
        lesson_need(fb_mp_process_join(process, FB_MP_FOREVER), "wait for a process");
        fb_mp_process_exit_code(process, &code);
        lesson_need(code < 0 ? -EPIPE : 0, "go on: one of its processes was killed");
        fb_mp_process_close(process);
    }
}

void lesson_progress(unsigned done, unsigned all)
{
    static int64_t start_ns;
    if (now.json || !isatty(STDERR_FILENO))
        return;
    if (done == 0)
        start_ns = fb_mp_now();
    double left_s =
        done ? (double)(fb_mp_now() - start_ns) / 1e9 * (double)(all - done) / (double)done : 0;
    if (done == all)
        fprintf(stderr, "\r%60s\r", "");
    else if (done == 0)
        fprintf(stderr, "\r    measuring: 0 of %u ", all);
    else
        fprintf(stderr, "\r    measuring: %u of %u, %.0f s left ", done, all, left_s);
}

/* ---- a lesson from beginning to end ---- */

/* Asks until the reader types one of the letters or nothing. */
static void ask(const struct lesson *lesson)
{
    char line[80];
    char most = 'a';
    for (size_t i = 0; lesson->choices[i]; i++, most++)
        printf("    %c) %s\n", most, lesson->choices[i]);
    if (now.no_ask || now.broken || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return;
    for (;;) {
        printf("\nWhat do you expect? (a to %c, or Enter) ", most - 1);
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) {
            putchar('\n');
            return;
        }
        if (line[0] == '\n')
            return;
        char letter = (char)(line[0] | 32);
        if (line[1] == '\n' && letter >= 'a' && letter < most) {
            now.guess = letter;
            return;
        }
    }
}

static int exit_code(void)
{
    if (now.facts_missing > 0 || now.claims_made == 0) /* a lesson without claims has failed */
        return 1;
    return now.measured_missing > 0 ? 4 : 0;
}

/* After the run: shows the right answer beside the reader's prediction. */
static void show_answer(const struct lesson *lesson)
{
    const char *right = now.guess == 0                ? ""
                        : now.guess == lesson->answer ? "Your prediction was right. "
                                                      : "Your prediction was wrong. ";
    printf("\n%s%s: %c) %s.\n", right, exit_code() == 0 ? "The answer" : "The expected answer",
           lesson->answer, lesson->choices[lesson->answer - 'a']);
}

static int end_with_json(const struct lesson *lesson)
{
    json_t *root =
        json_pack("{ss so so}", "lesson", lesson->name, "facts", now.shown, "claims", now.claims);
    int result = json_dumpf(root, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(root);
    return result < 0 ? 3 : exit_code();
}

static void begin(const struct lesson *lesson)
{
    printf("%s\n\n", lesson->title);
    print_filled("", lesson->question);
    ask(lesson);
    putchar('\n');
    if (now.broken)
        print_filled("Broken on purpose: ", lesson->breaks);
}

static void end(const struct lesson *lesson)
{
    if (now.broken) {
        puts(exit_code() == 0 ? "\nBy chance the check passed all the same. Run it again."
                              : "\nThe check failed, as it must without the mechanism.");
        return;
    }
    if (exit_code() == 4)
        puts("\nSomething may have kept this machine busy. Run it again when it is quiet.");
    show_answer(lesson);
    putchar('\n');
    print_filled("Why: ", lesson->explains);
    print_filled("Try next: ", lesson->next);
    printf("(forkbench is build/bench/forkbench. The lesson is demos/*/%s.c: change it, type\n"
           "`ninja -C build`, and run it again.)\n",
           lesson->name);
}

static int run_lesson(const struct lesson *lesson)
{
    unsigned cpus = lesson_cpus();
    if (cpus < lesson->cpus) {
        fprintf(stderr, "%s: this needs %u CPUs, and it may use %u\n", lesson->name, lesson->cpus,
                cpus);
        return 3;
    }
    now.shown = json_array();
    now.claims = json_array();
    if (!now.json)
        begin(lesson);
    lesson->run();
    lesson_join_all();
    if (now.json)
        return end_with_json(lesson);
    json_decref(now.shown);
    json_decref(now.claims);
    end(lesson);
    return exit_code();
}

static const struct argp_option option_table[] = {
    { "no-ask", 'n', 0, 0, "Don't ask for a prediction", 0 },
    { "break", 'b', 0, 0, "Remove the mechanism: the check fails", 0 },
    { "json", 'j', 0, 0, "Print facts and measurements as JSON", 0 },
    { "describe", 'd', 0, OPTION_HIDDEN, "Print title and rows", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    (void)arg, (void)state;
    switch (key) {
    case 'n':
        now.no_ask = true;
        return 0;
    case 'b':
        now.broken = true;
        return 0;
    case 'j':
        now.json = true;
        return 0;
    case 'd':
        now.describe = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int lesson_main(int argc, char **argv, const struct lesson *lesson, const struct fb_mp_task *tasks)
{
    static const struct fb_mp_task none[] = { { 0 } };
    static const struct argp parser = { .options = option_table, .parser = parse_option };
    fb_mp_main(argc, argv, tasks ? tasks : none);
    argp_err_exit_status = 2;
    now.lesson = lesson;
    if (argp_parse(&parser, argc, argv, 0, NULL, NULL) != 0)
        return 2;
    if (now.describe) {
        printf("%s\t%s\n", lesson->title, lesson->rows);
        return 0;
    }
    return run_lesson(lesson);
}
