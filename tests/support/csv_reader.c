#include "tests/support/support.h"

#include "tests/support/csv_reader.h"

#include <stdlib.h>
#include <string.h>

/* Takes one field off *from, unquoted in place, and returns what ended it: ',', '\n' or 0. */
static char take_field(char **from, char **ret_field)
{
    char *read = *from, *write = read;
    bool quoted = *read == '"';
    *ret_field = write;
    read += quoted;
    for (; *read; *write++ = *read++) {
        if (quoted && *read == '"') {
            if (read[1] != '"') {
                read++;
                break;
            }
            read++;
        } else if (!quoted && strchr(",\n", *read)) {
            break;
        } else if (!quoted && strchr("\"\r", *read)) {
            fail_msg("a quote or carriage return in a field without quotes: %.60s", *ret_field);
        }
    }
    char end = *read;
    if (end != '\0' && end != ',' && end != '\n')
        fail_msg("text behind a quoted field: %.60s", read);
    *from = read + (end != '\0');
    *write = '\0';
    return end;
}

void csv_read(struct csv *csv, const char *text)
{
    size_t length = strlen(text), count = 0, line = 0;
    *csv = (struct csv){ .text = strdup(text), .field = calloc(length + 1, sizeof *csv->field) };
    assert_non_null(csv->text);
    assert_non_null(csv->field);
    assert_true(length > 0 && text[length - 1] == '\n');
    for (char *next = csv->text; *next;) {
        char end = take_field(&next, &csv->field[count++]);
        line++;
        assert_int_not_equal(end, '\0');
        if (end != '\n')
            continue;
        if (!csv->columns)
            csv->columns = line;
        assert_int_equal(line, csv->columns);
        line = 0;
    }
    csv->rows = count / csv->columns - 1;
}

void csv_clear(struct csv *csv)
{
    free(csv->field);
    free(csv->text);
}

const char *csv_at(const struct csv *csv, size_t row, const char *column)
{
    assert_true(row < csv->rows);
    for (size_t i = 0; i < csv->columns; i++)
        if (strcmp(csv->field[i], column) == 0)
            return csv->field[(1 + row) * csv->columns + i];
    fail_msg("no column %s", column);
    return NULL;
}
