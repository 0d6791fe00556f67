/* Small helpers for writing JSON. */
#ifndef FB_JSON_H
#define FB_JSON_H

#include <jansson.h>

/* A JSON string from any bytes. JSON is UTF-8, but a file name need not be: if text is not UTF-8,
 * each byte from 0x80 on is replaced by '?'. */
json_t *fb_json_text(const char *text);

/* A JSON number, or null for NaN and infinity, which JSON can't express. */
json_t *fb_json_real(double value);

/* Prints a document and a newline, and releases it. 0, or -EIO, also when root is NULL. */
int fb_json_print(json_t *root, FILE *to);

#endif
