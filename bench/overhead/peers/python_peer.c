#include "bench/overhead/peers/python_peer.h"

#include "base/program.h"
#include "harness/cpython/peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAMES_MOST 16

void fb_python_peer_find(struct fb_python_peer *peer, const char *program, const char *what,
                         struct fb_metrics *metrics)
{
    struct fb_error why = { 0 };
    if (fb_peer_find(NULL, peer->interpreter, sizeof peer->interpreter, &why) == 0 &&
        fb_peer_program(program, peer->program, sizeof peer->program, &why) == 0)
        return;
    peer->interpreter[0] = '\0';
    fb_metrics_leave_out(metrics, "%s: %s", what, why.text);
}

static bool read_line(FILE *lines, const char *name, double *ret_ns)
{
    char found[40];
    return fscanf(lines, "%39s %lf", found, ret_ns) == 2 && strcmp(found, name) == 0;
}

int fb_python_peer_run(const struct fb_python_peer *peer, const char *const *names, double *ret_ns,
                       struct fb_error *error)
{
    const char *arguments[NAMES_MOST + 3] = { peer->interpreter, peer->program };
    struct fb_program program;
    size_t done = 0;
    for (size_t i = 0; i < NAMES_MOST && names[i]; i++)
        arguments[i + 2] = names[i];
    int result = fb_program_start(arguments, true, &program, error);
    if (result < 0)
        return result;
    while (names[done] && read_line(program.output, names[done], &ret_ns[done]))
        done++;
    result = fb_program_end(&program, peer->program, error);
    if (result == 0 && !names[done])
        return 0;
    return fb_error_set(error, -EIO, "Python's way could not be measured: run %.150s",
                        peer->program);
}
