/* Finds the texts and points of a gnuplot SVG: what they say and where they stand. */
#ifndef FB_TESTS_SVG_H
#define FB_TESTS_SVG_H

#include <stdbool.h>
#include <stddef.h>

#define SVG_TEXTS_MOST 300
#define SVG_POINTS_MOST 1000

struct svg_text {
    double x, size; /* where its anchor is; font size; pixels */
    bool upright;   /* runs up or down */
    enum { SVG_START, SVG_MIDDLE, SVG_END } anchor;
    char says[300]; /* UTF-8, without marks for fonts, super- and subscripts */
};

struct svg {
    double width; /* pixels */
    struct svg_text text[SVG_TEXTS_MOST];
    size_t texts;
    double point[SVG_POINTS_MOST]; /* x of each point that is drawn */
    size_t points;
};

/* Fails the test when it isn't one. */
void svg_read(struct svg *svg, const char *source);

/* How many texts have these words in them. */
size_t svg_count(const struct svg *svg, const char *words);

#endif
