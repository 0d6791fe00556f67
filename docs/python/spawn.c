/* if __name__ == "__main__":               A spawned process finds its function by name.
 *     set_start_method("spawn")
 *     process = Process(target=work, args=("spawned",))
 */
#include "harness/mp/process/process.h"

#include <stdio.h>

static int work(const void *argument, size_t size)
{
    printf("%.*s\n", (int)size, (const char *)argument);
    return 3;
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(work), { 0 } };

int main(int argc, char **argv)
{
    struct fb_mp_process *process;
    struct fb_error error;
    const struct fb_mp_process_options options = {
        .run = work, .argument = "spawned", .size = 7, .method = FB_MP_SPAWN
    };
    int code;
    fb_mp_main(argc, argv, tasks); /* does not return in a spawned process */
    if (fb_mp_process_start(&options, &process, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    if (fb_mp_process_join(process, FB_MP_FOREVER) < 0 ||
        fb_mp_process_exit_code(process, &code) < 0)
        return 1;
    fb_mp_process_close(process);
    return code != 3;
}
