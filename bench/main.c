/* Finds the command that was named and runs it. */
#include "bench/host/build.h"
#include "bench/command/cli.h"

#include "harness/mp/process/registry.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct fb_command *const commands[] = {
    &fb_command_list,     &fb_command_exec,   &fb_command_run,    &fb_command_compare,
    &fb_command_overhead, &fb_command_lesson, &fb_command_claims,
};

#define COMMANDS (sizeof commands / sizeof *commands)

static int usage(void)
{
    fputs("Usage: forkbench COMMAND [OPTIONS]\n\n"
          "Runs the same work on one thread, on threads and on processes, and measures what each "
          "gives and costs.\n\nCommands:\n",
          stdout);
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n`forkbench COMMAND --help` shows a command's options; --version the version.");
    return FB_EXIT_OK;
}

/* The exit code after flushing standard output, which may fail on a full disk. */
static int finish(int code)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == FB_EXIT_OK)
        return fb_fail(FB_EXIT_IMPOSSIBLE, "can't write to standard output: %s", strerror(errno));
    return code;
}

int main(int argc, char **argv)
{
    static const struct fb_mp_task no_tasks[] = { { 0 } }; /* harnesses have their own */
    fb_mp_main(argc, argv, no_tasks);
    /* The parent may have left SIGCHLD ignored; then no child could be waited for. */
    signal(SIGCHLD, SIG_DFL);
    if (argc < 2)
        return fb_fail(FB_EXIT_USAGE, "no command given: `forkbench --help` shows them");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return finish(usage());
    if (strcmp(argv[1], "--version") == 0)
        return finish(printf("forkbench %s (commit %s)\n", fb_build.version, fb_build.commit) < 0);
    for (size_t i = 0; i < COMMANDS; i++) {
        char name[32];
        if (strcmp(argv[1], commands[i]->name) != 0)
            continue;
        snprintf(name, sizeof name, "forkbench %s", commands[i]->name);
        argv[1] = name;
        return finish(commands[i]->main(argc - 1, argv + 1));
    }
    return fb_fail(FB_EXIT_USAGE, "no such command: %s: `forkbench --help` shows them", argv[1]);
}
