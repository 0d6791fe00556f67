#include "bench/command/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MOST 1024

/* Whether an error was printed since fb_parse was called: argp reports each refusal again, also
 * those that the parser has explained. */
static bool reported;

int fb_fail(enum fb_exit code, const char *format, ...)
{
    reported = true;
    char text[LINE_MOST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fb_text_tidy(text);
    fprintf(stderr, "forkbench: %s\n", text);
    return code;
}

int fb_fail_with(const struct fb_error *error)
{
    enum fb_exit code = FB_EXIT_USAGE;
    switch (-error->code) {
    case EOWNERDEAD:
    case EBADMSG:
    case ECANCELED:
        code = FB_EXIT_NO;
        break;
    case ENOMEM:
    case EAGAIN:
    case EPERM:
    case EMFILE:
    case ENFILE:
    case ENOSYS:
    case ENODEV:
    case ENOPKG:
    case ENOSPC:
    case ENOBUFS:
    case EPIPE:
    case ETIMEDOUT:
        code = FB_EXIT_IMPOSSIBLE;
        break;
    }
    return fb_fail(code, "%s", error->text);
}

/* argp itself would print two lines; with ARGP_NO_ERRS it prints nothing. */
error_t fb_parse_rest(int key, const char *arg, struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_ARG:
        fb_fail(FB_EXIT_USAGE, "unexpected argument: %s: see `%s --help`", arg, state->argv[0]);
        return EINVAL;
    case ARGP_KEY_ERROR:
        if (!reported)
            fb_fail(FB_EXIT_USAGE, "unknown option, or its value is missing: %s: see `%s --help`",
                    state->argv[state->next - 1], state->argv[0]);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int fb_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    /* With ARGP_NO_ERRS argp does not print help either. */
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0) {
            argp_help(argp, stdout, ARGP_HELP_STD_HELP, argv[0]);
            exit(fflush(stdout) == 0 ? FB_EXIT_OK : FB_EXIT_IMPOSSIBLE);
        }
    reported = false;
    return argp_parse(argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, input) == 0
               ? 0
               : FB_EXIT_USAGE;
}

error_t fb_take_number(const char *option, const char *text, uint64_t least, uint64_t most,
                       uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || number < least || number > most) {
        fb_fail(FB_EXIT_USAGE, "bad value: %s %s: give a whole number from %" PRIu64 " to %" PRIu64,
                option, text, least, most);
        return EINVAL;
    }
    *ret_number = number;
    return 0;
}

error_t fb_take_more(const char *option, const char *text, const char **list, size_t *count,
                     size_t most)
{
    if (*count == most) {
        fb_fail(FB_EXIT_USAGE, "too many: %s %s: give at most %zu", option, text, most);
        return EINVAL;
    }
    list[(*count)++] = text;
    return 0;
}

error_t fb_take_real(const char *option, const char *text, double *ret_number)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !isfinite(number) || number <= 0) {
        fb_fail(FB_EXIT_USAGE, "bad value: %s %s: give a number above 0", option, text);
        return EINVAL;
    }
    *ret_number = number;
    return 0;
}

size_t fb_split(char *list, const char **ret_part, size_t most)
{
    size_t count = 0;
    for (char *part = list; part; count++) {
        char *comma = strchr(part, ',');
        if (count == most)
            return most + 1;
        ret_part[count] = part;
        if (comma)
            *comma++ = '\0';
        part = comma;
    }
    return count;
}
