/* Invents a run and draws it with scripts/plot.sh. Everything fails the test if it is impossible. */
#ifndef TEST_PLOT_FIXTURE_H
#define TEST_PLOT_FIXTURE_H

#include "tests/support/folder.h"
#include "tests/scripts/svg_reader.h"

/* A folder with the run in run/, and the output of the script in out.txt and err.txt. */
extern char plotted_folder[FOLDER_NAME];
int plotted_begin(void **state);
int plotted_end(void **state);

/* Kernels with their parameters, and the names of their figures. */
#define WORKS 3
struct work {
    const char *kernel, *parameters, *figure;
};
extern const struct work works[WORKS];

struct invention {
    size_t works;            /* the first of the works; 0: all */
    const char *harness[12]; /* ends with NULL; bases are added */
    unsigned workers[12];    /* ends with 0 */
    unsigned cpus;
    const char *failed;    /* the harness that failed at two workers */
    const char *disturbed; /* the harness whose trials were all disturbed */
    const char *fitted;    /* the only harness to which laws were fitted */
    bool no_intervals;
    bool against; /* another build was measured as well */
    bool samples; /* writes samples.csv: TRIALS trials of every cell */
};

/* Each cell has a warm-up trial that took ten times as long, then trials within 4 % of the median, of which
 * the last took half as long again and is an outlier. */
#define TRIALS 9

/* Writes run/summary.csv, scaling.csv and, if wanted, samples.csv. One cell of each family is measured twice;
 * its second label is 77 times as fast as its base. */
void invent(const struct invention *what);

/* Runs plot.sh on run/, or with other arguments. Returns its exit code. */
int plot(const char *arguments);
/* Draws run/. Fails the test unless the exit code is 0, stderr is empty and all SVG files are well formed. */
void plot_quietly(void);

/* The number of figures whose names plot.sh printed, and of files that it wrote. */
size_t figures_printed(void);
size_t files_drawn(void);

/* Checks the PNG file of a figure and reads its SVG file. */
void read_figure(struct svg *svg, const char *name);
/* Whether neither of its files exists. */
bool is_not_drawn(const char *name);
void check_says(const struct svg *svg, const char *figure, const char *words);
/* Fails the test unless all texts are within the picture. */
void check_fits(const struct svg *svg, const char *figure);
/* Fails the test unless there are `lines` lines below the label of the axis that overlap neither it nor each
 * other, within the picture. */
void check_foot(const struct svg *svg, const char *figure, const char *axis, size_t lines);

/* Whether the shell finds this command. */
bool has_command(const char *name);

/* A group of tests that share a folder: the first one draws a run, the others check its figures. Returns the
 * number of tests that failed. */
#define RUN_ON_ONE_PLOT(tests)                                                                     \
    group_result(cmocka_run_group_tests(tests, plotted_begin, plotted_end))
#define PLOTTED(test) cmocka_unit_test_setup_teardown(test, plotted_begin, plotted_end)

#endif
