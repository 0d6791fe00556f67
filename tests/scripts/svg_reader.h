/* Finds the texts, points and dashed lines of a gnuplot SVG: what they are and where they stand. */
#ifndef TEST_SVG_READER_H
#define TEST_SVG_READER_H

#include <stdbool.h>
#include <stddef.h>

#define SVG_TEXTS_MOST 300
#define SVG_POINTS_MOST 4000

struct svg_text {
    double x, y, size; /* where its anchor is, on the base line; font size; pixels */
    bool upright;      /* runs up or down */
    enum { SVG_START, SVG_MIDDLE, SVG_END } anchor;
    char says[300]; /* UTF-8, without marks for fonts, super- and subscripts */
};

struct svg_point {
    double x, y;
    unsigned mark; /* gnuplot's pointtype */
};

struct svg {
    double width, height; /* pixels */
    struct svg_text text[SVG_TEXTS_MOST];
    size_t texts;
    struct svg_point point[SVG_POINTS_MOST]; /* each that is drawn */
    size_t points;
    size_t dashed; /* lines */
};

/* Fails the test when it isn't one. */
void svg_read(struct svg *svg, const char *source);

/* How many texts have these words in them. */
size_t svg_count(const struct svg *svg, const char *words);
/* How many points have this mark. */
size_t svg_count_marks(const struct svg *svg, unsigned mark);

#endif
