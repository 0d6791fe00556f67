/* `forkbench lesson`: runs the lessons. */
#include "bench/command/cli.h"
#include "bench/command/lessons.h"

#include <errno.h>
#include <string.h>

struct options {
    const char *name;
    bool all, no_ask, broken;
};

static const struct argp_option option_table[] = {
    { "all", 'a', 0, 0, "Run all lessons, one after the other", 0 },
    { "no-ask", 'n', 0, 0, "Don't ask for predictions", 0 },
    { "break", 'b', 0, 0, "Disable the mechanism, so that the lesson's check fails", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'a':
        options->all = true;
        return 0;
    case 'n':
        options->no_ask = true;
        return 0;
    case 'b':
        options->broken = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->name)
            return fb_parse_rest(key, arg, state);
        options->name = arg;
        return 0;
    default:
        return fb_parse_rest(key, arg, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "[NAME]",
    .doc =
        "Teaches one thing: asks you to predict, runs the demo, shows the numbers, explains them. "
        "Exits with 1 if a check failed, with 4 if a measured effect did not show, which a busy "
        "machine may hide. Without a name it lists the lessons.",
};

/* Runs a lesson; its exit codes mean the same as ours. */
static int run_lesson(const char *name, const struct options *options)
{
    const char *words[3] = { NULL };
    size_t count = 0;
    struct fb_lesson lesson;
    struct fb_error error = { 0 };
    if (options->no_ask)
        words[count++] = "--no-ask";
    if (options->broken)
        words[count++] = "--break";
    int result = fb_lesson_find(name, &lesson, &error);
    if (result == 0)
        result = fb_lesson_run(&lesson, words, &error);
    return result < 0 ? fb_fail_with(&error) : result;
}

/* The more serious of two exit codes, in this order: OK, impossible on this machine, uncertain, any
 * other. */
static int more_serious(int code, int other)
{
    static const int order[] = { FB_EXIT_OK, FB_EXIT_IMPOSSIBLE, FB_EXIT_UNCERTAIN };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (code == order[i])
            return other;
        if (other == order[i])
            return code;
    }
    return code;
}

static int run_all(const struct options *options)
{
    int worst = FB_EXIT_OK;
    for (size_t i = 0; fb_lessons[i]; i++) {
        printf("%s======== %s\n\n", i ? "\n" : "", fb_lessons[i]);
        int code = run_lesson(fb_lessons[i], options);
        if (code == FB_EXIT_UNCERTAIN && !options->broken)
            fb_fail(code,
                    "lesson %s: a measured claim was not observed: "
                    "run it again when this machine is quiet",
                    fb_lessons[i]);
        else if (code != FB_EXIT_OK)
            fb_fail(code, "lesson %s: exit code %d", fb_lessons[i], code);
        worst = more_serious(worst, code);
    }
    return worst;
}

static int lesson_main(int argc, char **argv)
{
    struct options options = { 0 };
    int result = fb_parse(&parser, argc, argv, &options);
    if (result)
        return result;
    if (options.all && options.name)
        return fb_fail(FB_EXIT_USAGE, "all lessons or one: %s: leave one out", options.name);
    if (options.all)
        return run_all(&options);
    if (options.name)
        return run_lesson(options.name, &options);
    if (options.no_ask || options.broken)
        return fb_fail(FB_EXIT_USAGE, "which lesson? `forkbench list lessons` shows them");
    struct fb_error error = { 0 };
    return fb_lessons_print(&error) < 0 ? fb_fail_with(&error) : FB_EXIT_OK;
}

const struct fb_command fb_command_lesson = {
    .name = "lesson",
    .summary = "the lessons: one thing each, shown on this machine",
    .main = lesson_main,
};
