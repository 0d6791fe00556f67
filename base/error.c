#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fb_text_tidy(char *text)
{
    size_t length = strlen(text), lead = length;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
    /* UTF-8: the lead byte determines the length, the other bytes are 10xxxxxx. */
    while (lead > 0 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (lead == 0)
        return;
    unsigned char first = (unsigned char)text[lead - 1];
    size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (length - (lead - 1) < wanted)
        text[lead - 1] = '\0';
}

int fb_error_set(struct fb_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    fb_text_tidy(error->text);
    return code;
}
