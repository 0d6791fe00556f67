#include "tests/support/support.h"

#include "tests/mp/channel/pipe_fixture.h"

struct fb_mp_connection *left, *right;

void piped_make(bool two_way)
{
    assert_int_equal(fb_mp_pipe(two_way, &left, &right), 0);
}

void piped_drop(void)
{
    fb_mp_connection_close(left);
    fb_mp_connection_close(right);
    left = right = NULL;
}

static unsigned char byte_at(size_t size, size_t i)
{
    return (unsigned char)(size * 31 + i * 7 + i / 251);
}

void piped_fill(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(size, i);
}

bool piped_is_filled(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte_at(size, i))
            return false;
    return true;
}
