#include "tests/demos/lesson_runner.h"

#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* The text after the beginning, or NULL if the line begins differently. */
static const char *behind(const char *line, const char *beginning)
{
    size_t length = strlen(beginning);
    return strncmp(line, beginning, length) == 0 ? line + length : NULL;
}

static void collect_claims(struct lesson_result *result)
{
    const char *line = result->output;
    while (*line) {
        const char *fact = behind(line, "  = "), *measured = behind(line, "  ≈ ");
        const char *missing = behind(line, "  ! not observed: ");
        const char *hidden = behind(line, "  ? not observed this time: ");
        const char *text = fact ? fact : missing ? missing : measured ? measured : hidden;
        result->missing_facts += missing != NULL;
        result->missing_measurements += hidden != NULL;
        size_t used = strlen(result->claims);
        if (text)
            snprintf(result->claims + used, sizeof result->claims - used, "%s %.*s\n",
                     fact || missing ? "=" : "≈", (int)strcspn(text, "\n"), text);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

void lesson_run(const char *name, const char *python, bool broken, struct lesson_result *ret_result)
{
    char command[1000];
    const char *forkbench =
        getenv("FORKBENCH"); /* the Python versions are in demos/ beside its folder */
    const char *option = broken ? "--break" : "";
    assert_non_null(forkbench);
    if (python)
        snprintf(command, sizeof command, "timeout 120 '%s' '%.*s/../demos/%s.py' %s 2>&1", python,
                 (int)(strrchr(forkbench, '/') - forkbench), forkbench, name, option);
    else
        snprintf(command, sizeof command, "timeout 120 '%s' lesson %s --no-ask %s 2>&1", forkbench,
                 name, option);
    *ret_result = (struct lesson_result){ 0 };
    FILE *from = popen(command, "re");
    assert_non_null(from);
    size_t length = fread(ret_result->output, 1, sizeof ret_result->output - 1, from);
    assert_true(feof(from)); /* the output was not cut off */
    ret_result->output[length] = '\0';
    int status = pclose(from);
    ret_result->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    collect_claims(ret_result);
}
