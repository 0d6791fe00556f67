/* One sentence about what went wrong, flat so that it can cross a process boundary. */
#ifndef FB_ERROR_H
#define FB_ERROR_H

#define FB_ERROR_TEXT 240

/* code: 0 or a negative errno; text: one line for people, no newline, always terminated. */
struct fb_error {
    int code;
    char text[FB_ERROR_TEXT];
};

/* Fills *error (which may be NULL) and returns code, so that a caller can write
 * `return fb_error_set(error, -EINVAL, "…")`. Text that is too long is cut, and made tidy. */
int fb_error_set(struct fb_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes text from outside fit for one line, in place: control characters become '?', and a UTF-8
 * character that was cut in two at the end goes. */
void fb_text_tidy(char *text);

#endif
