/* A table that aligns, for a terminal or in Markdown. */
#ifndef FB_TABLE_H
#define FB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define FB_TABLE_COLUMNS 16
#define FB_TABLE_TEXT 288

typedef char fb_table_row[FB_TABLE_COLUMNS][FB_TABLE_TEXT];

struct fb_table {
    const char *const *heads;
    size_t columns;
    size_t names; /* the first so many columns are text, to the left; the others numbers */
    fb_table_row *row;
    size_t rows, room;
};

/* A new row of "-", or NULL when out of memory. Valid until the next one. */
fb_table_row *fb_table_add(struct fb_table *table);
void fb_table_print(const struct fb_table *table, bool markdown, FILE *to);
void fb_table_clear(struct fb_table *table);

#endif
