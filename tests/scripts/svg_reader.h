/* Reads the texts, points and dashed lines of an SVG file by gnuplot, and their positions. */
#ifndef TEST_SVG_READER_H
#define TEST_SVG_READER_H

#include <stdbool.h>
#include <stddef.h>

#define SVG_TEXTS_MOST 300
#define SVG_POINTS_MOST 4000

struct svg_text {
    double x, y, size; /* pixels: the anchor on the baseline; font size */
    bool upright;      /* rotated: runs up or down */
    enum { SVG_START, SVG_MIDDLE, SVG_END } anchor;
    char says[300]; /* UTF-8, without markup for fonts, super- and subscripts */
};

struct svg_point {
    double x, y;
    unsigned mark; /* gnuplot's pointtype */
};

struct svg {
    double width, height; /* pixels */
    struct svg_text text[SVG_TEXTS_MOST];
    size_t texts;
    struct svg_point point[SVG_POINTS_MOST];
    size_t points;
    size_t dashed; /* lines */
};

/* Fails the test if this is not such a file. */
void svg_read(struct svg *svg, const char *source);

/* The number of texts that contain these words. */
size_t svg_count(const struct svg *svg, const char *words);
/* The number of points with this mark. */
size_t svg_count_marks(const struct svg *svg, unsigned mark);

#endif
