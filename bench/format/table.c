#include "bench/format/table.h"

#include <stdlib.h>
#include <string.h>

fb_table_row *fb_table_add(struct fb_table *table)
{
    if (table->rows == table->room) {
        size_t room = table->room ? 2 * table->room : 32;
        fb_table_row *grown = realloc(table->row, room * sizeof *grown);
        if (!grown)
            return NULL;
        table->row = grown;
        table->room = room;
    }
    fb_table_row *row = &table->row[table->rows++];
    for (size_t i = 0; i < FB_TABLE_COLUMNS; i++)
        strcpy((*row)[i], "-");
    return row;
}

void fb_table_clear(struct fb_table *table)
{
    free(table->row);
    table->row = NULL;
    table->rows = table->room = 0;
}

/* An unescaped bar would end a Markdown cell. */
static void escape_bars(const char *text, char *escaped, size_t size)
{
    size_t used = 0;
    for (; *text && used + 2 < size; text++) {
        if (*text == '|')
            escaped[used++] = '\\';
        escaped[used++] = *text;
    }
    escaped[used] = '\0';
}

/* The text of a cell as printed; for Markdown it is built in `escaped`. */
static const char *cell_text(const char *text, bool markdown, char *escaped, size_t size)
{
    if (!markdown)
        return text;
    escape_bars(text, escaped, size);
    return escaped;
}

/* Counts the continuation bytes of UTF-8, which take no room on the screen. */
static int extra_bytes(const char *text)
{
    int extra = 0;
    for (; *text; text++)
        extra += (*text & 0xc0) == 0x80;
    return extra;
}

static void print_line(const struct fb_table *table, const char *(*cell)(const void *, size_t),
                       const void *line, const int *width, bool markdown, FILE *to)
{
    char escaped[2 * FB_TABLE_TEXT];
    fputs(markdown ? "| " : "", to);
    for (size_t i = 0; i < table->columns; i++) {
        const char *text = cell_text(cell(line, i), markdown, escaped, sizeof escaped);
        /* No blanks at the end of a line. */
        bool last = i + 1 == table->columns && i < table->names && !markdown;
        int room = width[i] + extra_bytes(text);
        room = last ? 0 : i < table->names ? -room : room;
        fprintf(to, "%s%*s", i == 0 ? "" : markdown ? " | " : "  ", room, text);
    }
    fputs(markdown ? " |\n" : "\n", to);
}

static const char *head_cell(const void *heads, size_t column)
{
    return ((const char *const *)heads)[column];
}

static const char *row_cell(const void *row, size_t column)
{
    return (*(const fb_table_row *)row)[column];
}

static int width_of(const char *text, bool markdown)
{
    char escaped[2 * FB_TABLE_TEXT];
    text = cell_text(text, markdown, escaped, sizeof escaped);
    return (int)strlen(text) - extra_bytes(text);
}

void fb_table_print(const struct fb_table *table, bool markdown, FILE *to)
{
    int width[FB_TABLE_COLUMNS];
    for (size_t i = 0; i < table->columns; i++) {
        width[i] = width_of(table->heads[i], markdown);
        for (size_t row = 0; row < table->rows; row++) {
            int wanted = width_of(table->row[row][i], markdown);
            width[i] = wanted > width[i] ? wanted : width[i];
        }
    }
    print_line(table, head_cell, table->heads, width, markdown, to);
    fputs(markdown ? "|" : "", to);
    for (size_t i = 0; i < table->columns && markdown; i++)
        fprintf(to, "%s|", i < table->names ? "---" : "--:");
    fputs(markdown ? "\n" : "", to);
    for (size_t row = 0; row < table->rows; row++)
        print_line(table, row_cell, &table->row[row], width, markdown, to);
}
