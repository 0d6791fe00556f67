#include "tests/support/support.h"

#include "tests/scripts/svg_reader.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    char is;
} entities[] = { { "&amp;", '&' },  { "&lt;", '<' },    { "&gt;", '>' },
                 { "&quot;", '"' }, { "&apos;", '\'' }, { "&#39;", '\'' } };

/* Reads one character, or entity, and moves *from behind it. */
static char take_character(const char **from)
{
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (strncmp(*from, entities[i].name, strlen(entities[i].name)) == 0) {
            *from += strlen(entities[i].name);
            return entities[i].is;
        }
    return *(*from)++;
}

/* Copies the text from `from` to `to`, without tags. */
static void take_words(const char *from, const char *to, char *words, size_t size)
{
    size_t used = 0;
    while (from < to && used + 1 < size) {
        if (*from == '<')
            from += strcspn(from, ">") + 1;
        else
            words[used++] = take_character(&from);
    }
    words[used] = '\0';
}

/* Reads place, size and anchor of a text from the opening tag of its group. */
static void take_place(const char *where, struct svg_text *text)
{
    const char *size = strstr(where, "font-size=\""), *anchor = strstr(where, "text-anchor=\"");
    assert_int_equal(sscanf(where, "<g transform=\"translate(%lf,%lf", &text->x, &text->y), 2);
    assert_true(size && sscanf(size, "font-size=\"%lf", &text->size) == 1);
    assert_non_null(anchor);
    text->upright = memmem(where, strcspn(where, ">"), "rotate(", 7) != NULL;
    anchor += strlen("text-anchor=\"");
    text->anchor = *anchor == 's' ? SVG_START : *anchor == 'e' ? SVG_END : SVG_MIDDLE;
}

/* Ignores white points, which gnuplot draws as the background of others. */
static void take_point(struct svg *svg, const char *tag)
{
    size_t length = strcspn(tag, ">");
    const char *place = memmem(tag, length, "transform='translate(", 21);
    if (!place || memmem(tag, length, "#FFFFFF", 7))
        return;
    assert_true(svg->points < SVG_POINTS_MOST);
    struct svg_point *point = &svg->point[svg->points++];
    assert_int_equal(sscanf(place, "transform='translate(%lf,%lf", &point->x, &point->y), 2);
    assert_int_equal(sscanf(tag, "<use xlink:href='#gpPt%u", &point->mark), 1);
    point->mark++; /* SVG files count from 0 */
}

void svg_read(struct svg *svg, const char *source)
{
    const char *box = strstr(source, "viewBox=\"0 0 "), *group = NULL;
    svg->texts = svg->points = svg->dashed = 0;
    assert_true(box && sscanf(box, "viewBox=\"0 0 %lf %lf", &svg->width, &svg->height) == 2);
    for (const char *at = source; (at = strchr(at, '<')); at++) {
        if (strncmp(at, "<g transform=\"translate(", 24) == 0)
            group = at;
        if (strncmp(at, "<use xlink:href='#gpPt", 22) == 0)
            take_point(svg, at);
        svg->dashed += memmem(at, strcspn(at, ">"), "stroke-dasharray", 16) != NULL;
        if (strncmp(at, "<text>", 6) != 0 && strncmp(at, "<text ", 6) != 0)
            continue;
        const char *end = strstr(at, "</text>");
        assert_true(group && end && svg->texts < SVG_TEXTS_MOST);
        struct svg_text *text = &svg->text[svg->texts++];
        take_place(group, text);
        take_words(at, end, text->says, sizeof text->says);
        at = end;
    }
}

size_t svg_count(const struct svg *svg, const char *words)
{
    size_t count = 0;
    for (size_t i = 0; i < svg->texts; i++)
        count += strstr(svg->text[i].says, words) != NULL;
    return count;
}

size_t svg_count_marks(const struct svg *svg, unsigned mark)
{
    size_t count = 0;
    for (size_t i = 0; i < svg->points; i++)
        count += svg->point[i].mark == mark;
    return count;
}
