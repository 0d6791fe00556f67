/* ours, theirs = Pipe()                    A two-way pipe.
 * Process(target=echo, args=(theirs,)).start()
 * ours.send(b"hello"); print(ours.recv())
 */
#include "harness/mp/channel/connection.h"
#include "harness/mp/process/process.h"

#include <stdio.h>
#include <string.h>

static struct fb_mp_connection *ours, *theirs;

static int echo(const void *argument, size_t size)
{
    char text[64];
    (void)argument;
    fb_mp_connection_close(ours); /* else fb_mp_receive would never report the end */
    while (fb_mp_receive(theirs, text, sizeof text, FB_MP_FOREVER, &size) == 0)
        if (fb_mp_send(theirs, text, size) < 0)
            return 1;
    return 0;
}

int main(void)
{
    struct fb_mp_process *process;
    struct fb_error error;
    char text[64] = "";
    size_t size = 0;
    if (fb_mp_pipe(true, &ours, &theirs) < 0)
        return 1;
    const int fd[] = { fb_mp_connection_fd(theirs) };
    if (fb_mp_process_start(&(struct fb_mp_process_options){ .run = echo, .fd = fd, .fds = 1 },
                            &process, &error) < 0)
        return 1;
    fb_mp_connection_close(theirs);
    if (fb_mp_send(ours, "hello", 5) < 0 ||
        fb_mp_receive(ours, text, sizeof text, FB_MP_FOREVER, &size) < 0)
        return 1;
    fb_mp_connection_close(ours); /* ends the loop of the other process */
    fb_mp_process_join(process, FB_MP_FOREVER);
    fb_mp_process_close(process);
    printf("%.*s\n", (int)size, text);
    return size != 5 || memcmp(text, "hello", 5) != 0;
}
