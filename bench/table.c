#include "table.h"

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

/* A bar inside a cell of Markdown would end it. */
static void put_escaped(const char *text, char *escaped, size_t size)
{
    size_t used = 0;
    for (; *text && used + 2 < size; text++) {
        if (*text == '|')
            escaped[used++] = '\\';
        escaped[used++] = *text;
    }
    escaped[used] = '\0';
}

static void print_line(const struct fb_table *table, const char *(*cell)(const void *, size_t),
                       const void *line, const int *width, bool markdown, FILE *to)
{
    char escaped[2 * FB_TABLE_TEXT];
    fputs(markdown ? "| " : "", to);
    for (size_t i = 0; i < table->columns; i++) {
        const char *text = cell(line, i);
        if (markdown) {
            put_escaped(text, escaped, sizeof escaped);
            text = escaped;
        }
        /* What stands at a line's end needs no blanks. */
        bool last = i + 1 == table->columns && i < table->names && !markdown;
        int room = last ? 0 : i < table->names ? -width[i] : width[i];
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

void fb_table_print(const struct fb_table *table, bool markdown, FILE *to)
{
    int width[FB_TABLE_COLUMNS];
    for (size_t i = 0; i < table->columns; i++) {
        width[i] = (int)strlen(table->heads[i]);
        for (size_t row = 0; row < table->rows; row++)
            if ((int)strlen(table->row[row][i]) > width[i])
                width[i] = (int)strlen(table->row[row][i]);
    }
    print_line(table, head_cell, table->heads, width, markdown, to);
    fputs(markdown ? "|" : "", to);
    for (size_t i = 0; i < table->columns && markdown; i++)
        fprintf(to, "%s|", i < table->names ? "---" : "--:");
    fputs(markdown ? "\n" : "", to);
    for (size_t row = 0; row < table->rows; row++)
        print_line(table, row_cell, &table->row[row], width, markdown, to);
}
