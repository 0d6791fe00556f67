/* Logging to a file, and checking its text. */
#ifndef TEST_LOG_FIXTURE_H
#define TEST_LOG_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

/* The regular expression of a line's time. */
#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z "

/* A file without a name, to which all processes append. */
int logged_make(void);

/* Stops logging and closes the file; returns its text, for the caller to free. */
char *logged_stop(int fd);

size_t logged_lines(const char *text);

/* Whether the text matches an extended regular expression; prints both if not. */
bool logged_matches(const char *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Redirects stderr to fd; returns the argument for logged_stderr_back, which undoes it. */
int logged_stderr_to(int fd);
void logged_stderr_back(int kept);

#endif
