#include "bench/format/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR 24
#define REDRAW_NS 100000000u

void fb_progress_begin(struct fb_progress *progress)
{
    progress->shown = isatty(STDERR_FILENO);
    progress->start_ns = fb_now_ns();
    progress->drawn_ns = 0;
}

static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void fb_progress_show(struct fb_progress *progress, double done, const char *what)
{
    uint64_t now = fb_now_ns();
    if (!progress->shown || now - progress->drawn_ns < REDRAW_NS)
        return;
    progress->drawn_ns = now;
    done = done < 0 ? 0 : done > 1 ? 1 : done;
    char bar[BAR * 3 + 1];
    size_t used = 0;
    for (int i = 0; i < BAR; i++)
        used += (size_t)snprintf(bar + used, sizeof bar - used, "%s",
                                 i < (int)(done * BAR) ? "█" : "░");
    double passed = (double)(now - progress->start_ns) / 1e9;
    double left = done > 0.01 ? passed * (1 - done) / done : 0;
    int room = columns() - BAR - 20;
    fprintf(stderr, "\r\033[K%s %3.0f %% %4.0f s left  %.*s", bar, done * 100, left,
            room > 0 ? room : 0, what);
    fflush(stderr);
}

void fb_progress_end(struct fb_progress *progress)
{
    if (progress->shown && progress->drawn_ns)
        fputs("\r\033[K", stderr);
    progress->drawn_ns = 0;
}
