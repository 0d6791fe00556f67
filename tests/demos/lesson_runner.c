#include "tests/demos/lesson_runner.h"

#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* The text behind such a beginning, or NULL. */
static const char *behind(const char *line, const char *beginning)
{
    size_t length = strlen(beginning);
    return strncmp(line, beginning, length) == 0 ? line + length : NULL;
}

static void keep_facts(struct taught *taught)
{
    const char *line = taught->said;
    while (*line) {
        const char *fact = behind(line, "  = "), *measured = behind(line, "  ≈ ");
        const char *missing = behind(line, "  ! did not show itself: ");
        const char *hidden = behind(line, "  ? did not show itself this time: ");
        const char *text = fact ? fact : missing ? missing : measured ? measured : hidden;
        taught->missing += missing != NULL;
        taught->hidden += hidden != NULL;
        size_t used = strlen(taught->facts);
        if (text)
            snprintf(taught->facts + used, sizeof taught->facts - used, "%s %.*s\n",
                     fact || missing ? "=" : "≈", (int)strcspn(text, "\n"), text);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

void teach(const char *name, const char *python, bool broken, struct taught *ret_taught)
{
    char command[1000];
    const char *forkbench = getenv("FORKBENCH"); /* the built twins lie beside its folder */
    const char *option = broken ? "--break" : "";
    assert_non_null(forkbench);
    if (python)
        snprintf(command, sizeof command, "timeout 120 '%s' '%.*s/../demos/%s.py' %s 2>&1", python,
                 (int)(strrchr(forkbench, '/') - forkbench), forkbench, name, option);
    else
        snprintf(command, sizeof command, "timeout 120 '%s' lesson %s --no-ask %s 2>&1", forkbench,
                 name, option);
    *ret_taught = (struct taught){ 0 };
    FILE *from = popen(command, "re");
    assert_non_null(from);
    size_t length = fread(ret_taught->said, 1, sizeof ret_taught->said - 1, from);
    assert_true(feof(from)); /* all of it has room */
    ret_taught->said[length] = '\0';
    int status = pclose(from);
    ret_taught->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    keep_facts(ret_taught);
}
