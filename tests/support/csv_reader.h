/* Reads CSV (RFC 4180). Malformed CSV fails the test. */
#ifndef TEST_CSV_READER_H
#define TEST_CSV_READER_H

#include <stddef.h>

struct csv {
    size_t columns, rows; /* rows: without the header */
    char **field;         /* [(1 + rows) * columns], the header first; owned */
    char *text;
};

/* Each line must have as many fields as the first one. */
void csv_read(struct csv *csv, const char *text);
void csv_clear(struct csv *csv);

/* The field of that row and column. Row 0 is the first one below the header. Fails the test if there is no such
 * column. */
const char *csv_at(const struct csv *csv, size_t row, const char *column);

#endif
