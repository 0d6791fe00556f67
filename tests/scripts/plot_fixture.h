/* An invented run, drawn by scripts/plot.sh. What can't be fails the test. */
#ifndef TEST_PLOT_FIXTURE_H
#define TEST_PLOT_FIXTURE_H

#include "tests/support/folder.h"
#include "tests/scripts/svg_reader.h"

/* Its folder run/ is what is drawn; beside it lie out.txt and err.txt, what the script says. */
extern char plotted_folder[FOLDER_NAME];
int plotted_begin(void **state);
int plotted_end(void **state);

/* The work that every invented run measured. */
#define WORKS 3
struct work {
    const char *kernel, *parameters, *figure;
};
extern const struct work works[WORKS];

struct invention {
    const char *harness[12]; /* ends with NULL; bases are added */
    unsigned workers[12];    /* ends with 0 */
    unsigned cpus;
    const char *failed;    /* this harness at two workers */
    const char *disturbed; /* all trials of this harness were */
    const char *fitted;    /* of this harness laws were fitted, of the others not */
    bool no_intervals;
    bool against; /* all under another build as well */
    bool samples; /* all trials of every cell: see TRIALS */
};

/* Of each cell: a warm-up that took ten times as long, then trials within 4 % of the median; the
 * last of them took half as long again and is an outlier. */
#define TRIALS 9

/* Writes run/summary.csv, scaling.csv and, where they are wanted, samples.csv. One cell of each
 * family comes again, 77 times as fast as its base. */
void invent(const struct invention *what);

/* Draws run/, or what `arguments` say instead; its exit code. */
int plot(const char *arguments);
/* Draws run/; fails the test unless it does so without a word on stderr. */
void plot_quietly(void);

/* Looks at both files of a figure and reads the SVG. */
void read_figure(struct svg *svg, const char *name);
void check_says(const struct svg *svg, const char *figure, const char *words);
/* Whether all texts are within the picture. */
void check_fits(const struct svg *svg, const char *figure);
/* Whether that many lines below the axis' label keep off it, each other and the edge. */
void check_foot(const struct svg *svg, const char *figure, const char *axis, size_t lines);

/* Whether the shell finds it. */
bool has_command(const char *name);

#endif
