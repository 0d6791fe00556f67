#include "bench/run/trial_process.h"

#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPLAINT 300

void fb_arguments_add_long(struct fb_arguments *arguments, char *text)
{
    if (arguments->count == FB_ARGUMENTS_MOST)
        return;
    arguments->list[arguments->count++] = text;
    arguments->list[arguments->count] = NULL;
}

void fb_arguments_add(struct fb_arguments *arguments, const char *format, ...)
{
    if (arguments->count == FB_ARGUMENTS_MOST)
        return;
    char *text = arguments->text[arguments->count];
    va_list values;
    va_start(values, format);
    vsnprintf(text, FB_ARGUMENT_TEXT, format, values);
    va_end(values);
    fb_arguments_add_long(arguments, text);
}

static _Noreturn void become_trial(const char *program, struct fb_arguments *arguments,
                                   pid_t parent, int out, int err)
{
    fb_child_tie(parent);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv(program, arguments->list);
    _exit(127);
}

/* Reads all output: stdout from the pipe, until its end, and the first line of stderr from err. */
static json_t *read_output(int fd, char *complaint, FILE *err)
{
    json_error_t where;
    FILE *output = fdopen(fd, "r");
    json_t *raw = output ? json_loadf(output, 0, &where) : NULL;
    char rest[256];
    while (output && fread(rest, 1, sizeof rest, output) > 0)
        ;
    if (output)
        fclose(output);
    rewind(err);
    size_t length = fread(complaint, 1, COMPLAINT - 1, err);
    complaint[length] = '\0';
    complaint[strcspn(complaint, "\n")] = '\0';
    return raw;
}

static int judge_end(int status, const char *complaint, const json_t *raw, struct fb_error *error)
{
    static const char prefix[] = "forkbench: ";
    char how[80];
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM))
        return fb_error_set(error, -EINTR, "interrupted");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && raw)
        return 0;
    if (strncmp(complaint, prefix, strlen(prefix)) == 0)
        complaint += strlen(prefix);
    fb_child_describe(status, how, sizeof how);
    return fb_error_set(error, -EBADMSG, "%.180s%sthe trial %s", complaint,
                        complaint[0] ? "; " : "", how);
}

int fb_trial_process_run(const char *program, struct fb_arguments *arguments, json_t **ret_raw,
                         struct fb_error *error)
{
    char complaint[COMPLAINT];
    int ends[2];
    FILE *err = tmpfile();
    if (!err)
        return fb_error_set(error, -errno, "can't make a temporary file: %s", strerror(errno));
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fclose(err);
        return fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become_trial(program, arguments, parent, ends[1], fileno(err));
    int code = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        fclose(err);
        return fb_error_set(error, -code, "can't fork a trial: %s", strerror(code));
    }
    json_t *raw = read_output(ends[0], complaint, err);
    fclose(err);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    int result = judge_end(status, complaint, raw, error);
    if (result < 0)
        json_decref(raw);
    else
        *ret_raw = raw;
    return result;
}
