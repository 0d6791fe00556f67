/* Small helpers for writing JSON. */
#ifndef FB_JSON_H
#define FB_JSON_H

#include <jansson.h>

/* A JSON string of any bytes: JSON is UTF-8, a file's name need not be, so what isn't becomes '?'.
 */
json_t *fb_json_text(const char *text);

/* A number, or null for NaN and infinity, which JSON does not have. */
json_t *fb_json_real(double value);

/* Prints a document and a newline, and releases it. 0, or -EIO, also when root is NULL. */
int fb_json_print(json_t *root, FILE *to);

#endif
