/* memory = SharedMemory(create=True, size=8)   Named memory, which other programs can open.
 * again = SharedMemory(name=memory.name)
 * memory.close(); memory.unlink()
 */
#include "harness/mp/channel/shm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    struct fb_mp_segment *memory, *again;
    char name[FB_MP_SEGMENT_NAME + 1], text[8];
    if (fb_mp_segment_create(NULL, 8, &memory) < 0)
        return 1;
    strcpy(name, fb_mp_segment_name(memory));
    strcpy(fb_mp_segment_memory(memory), "shared");
    if (fb_mp_segment_attach(name, &again) < 0)
        return 1;
    strcpy(text, fb_mp_segment_memory(again));
    fb_mp_segment_close(again);
    fb_mp_segment_close(memory);
    int first = fb_mp_segment_unlink(name), second = fb_mp_segment_unlink(name);
    printf("%s\n", text);
    return strcmp(text, "shared") != 0 || first != 0 || second != -ENOENT;
}
