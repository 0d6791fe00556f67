/* def work(number):                        Starting and joining a process; its exit code.
 *     sys.exit(number + 1)
 *
 * process = Process(target=work, args=(6,), name="adder")
 * process.start()
 * process.join(timeout=10)
 * print(process.name, process.exitcode)
 */
#include "harness/mp/process/process.h"

#include <stdio.h>

static int work(const void *argument, size_t size)
{
    (void)size;
    return *(const int *)argument + 1;
}

int main(void)
{
    struct fb_mp_process *process;
    struct fb_error error;
    const int number = 6;
    const struct fb_mp_process_options options = {
        .run = work, .argument = &number, .size = sizeof number, .name = "adder"
    };
    int code;
    if (fb_mp_process_start(&options, &process, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    if (fb_mp_process_join(process, 10 * FB_MP_SECOND) < 0 ||
        fb_mp_process_exit_code(process, &code) < 0)
        return 1;
    printf("%s %d\n", fb_mp_process_name(process), code);
    fb_mp_process_close(process);
    return code != 7;
}
