#include "tests/support/support.h"

#include "tests/support/programs/rerun_self.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const struct self_program *self_program(const struct self_program *programs, int argc, char **argv)
{
    for (; programs->name && argc == 3; programs++)
        if (strcmp(argv[1], programs->name) == 0)
            return programs;
    return NULL;
}

int self_be(const struct self_program *program, char **argv)
{
    return program->run(strcmp(argv[2], "fork") == 0 ? FB_MP_FORK : FB_MP_SPAWN);
}

struct self self_start(const char *name, enum fb_mp_method method)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct self self = { fork(), ends[0] };
    assert_true(self.pid >= 0);
    if (self.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        alarm(LIMIT_MS / 1000); /* a limit for a hang */
        execl("/proc/self/exe", "self", name, method == FB_MP_FORK ? "fork" : "spawn", NULL);
        _exit(126);
    }
    close(ends[1]);
    return self;
}

/* The pipe ends when no process has it open any more. */
int self_finish(struct self *self, char ret_text[SELF_TEXT])
{
    int status = 0;
    size_t have = 0;
    for (ssize_t got; have < SELF_TEXT - 1; have += (size_t)got)
        if ((got = read(self->out, ret_text + have, SELF_TEXT - 1 - have)) <= 0)
            break;
    ret_text[have] = '\0';
    close(self->out);
    assert_int_equal(waitpid(self->pid, &status, 0), self->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void self_run(const char *name, enum fb_mp_method method, char ret_text[SELF_TEXT])
{
    struct self self = self_start(name, method);
    int code = self_finish(&self, ret_text);
    if (code == EXIT_SKIP)
        skip();
    assert_int_equal(code, 0);
}

void self_check(const char *name, enum fb_mp_method method, const char *expected)
{
    char text[SELF_TEXT];
    self_run(name, method, text);
    assert_string_equal(text, expected);
}

void self_say(const char *text)
{
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        _exit(2);
}
