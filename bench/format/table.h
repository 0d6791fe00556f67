/* A table with aligned columns, for a terminal or in Markdown. */
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
    size_t names; /* columns of text at the left, left-aligned; numbers follow, right-aligned */
    fb_table_row *row;
    size_t rows, room;
};

/* Adds a row of "-" and returns it; NULL: out of memory. Valid until the next row is added. */
fb_table_row *fb_table_add(struct fb_table *table);
void fb_table_print(const struct fb_table *table, bool markdown, FILE *to);
void fb_table_clear(struct fb_table *table);

#endif
