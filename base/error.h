/* An error: a code and one sentence, without pointers, so that it can be sent to another process. */
#ifndef FB_ERROR_H
#define FB_ERROR_H

#define FB_ERROR_TEXT 240

/* code: 0 or a negative errno; text: one line without a newline, always terminated. */
struct fb_error {
    int code;
    char text[FB_ERROR_TEXT];
};

/* Fills *error (which may be NULL) and returns code, so that a caller can write `return
 * fb_error_set(error, -EINVAL, "…")`. Text that is too long is cut; fb_text_tidy is applied. */
int fb_error_set(struct fb_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes text from outside printable on one line, in place: control characters become '?', and an
 * incomplete UTF-8 character at the end is removed. */
void fb_text_tidy(char *text);

#endif
