#include "tests/support/support.h"

#include "tests/support/programs/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *read_all(FILE *file)
{
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    if (text && fread(text, 1, (size_t)size, file) != (size_t)size)
        text[0] = '\0';
    fclose(file);
    return text;
}

static _Noreturn void become(const char *program, const char *const *arguments, int out, int err)
{
    const char *vector[ARGUMENTS_MOST + 2] = { program };
    for (size_t i = 0; arguments[i] && i < ARGUMENTS_MOST; i++)
        vector[i + 1] = arguments[i];
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    alarm(LIMIT_MS / 1000); /* a command line that is wrongly accepted may run for long */
    execv(program, (char *const *)vector);
    _exit(126);
}

struct said program_run(const char *const *arguments)
{
    const char *program = getenv("FORKBENCH");
    /* Files, because a full pipe would block. */
    FILE *out = tmpfile(), *err = tmpfile();
    int status = -1;
    if (!program)
        fail_msg("FORKBENCH does not name the executable");
    assert_non_null(out);
    assert_non_null(err);
    pid_t pid = fork();
    if (pid == 0)
        become(program, arguments, fileno(out), fileno(err));
    assert_true(pid > 0);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    struct said said = { WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                         read_all(out), read_all(err) };
    assert_non_null(said.out);
    assert_non_null(said.err);
    if (said.code == 126)
        fail_msg("can't run %s", program);
    return said;
}

void said_clear(struct said *said)
{
    free(said->out);
    free(said->err);
    *said = (struct said){ 0 };
}

size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text += *text == '\n') {
        text += strcspn(text, "\n");
        lines++;
    }
    return lines;
}
