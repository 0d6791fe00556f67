/* with ProcessPoolExecutor(3) as executor: submit, and get results as they are done.
 *     futures = {executor.submit(count_words, text): text for text in texts}
 *     for future in as_completed(futures, timeout=60):
 *         print(futures[future], future.result())
 */
#include "harness/mp/pool/pool.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define TEXTS 3

static int count_words(struct fb_mp_call *call)
{
    const char *text = call->argument;
    int words = 0;
    for (size_t i = 0; i < call->size; i++)
        words +=
            !isspace((unsigned char)text[i]) && (i == 0 || isspace((unsigned char)text[i - 1]));
    return fb_mp_return(call, &words, sizeof words);
}

int main(void)
{
    static const char *const text[TEXTS] = { "one", "one two", "one two three" };
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_mp_future *future[TEXTS];
    struct fb_mp_completion *completion;
    struct fb_error error;
    const void *words;
    size_t i;
    int all = 0;
    if (fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 3 }, &pool, &error) < 0)
        return 1;
    for (i = 0; i < TEXTS; i++)
        if (fb_mp_submit(pool, count_words, text[i], strlen(text[i]), NULL, &future[i]) < 0)
            return 1;
    if (fb_mp_as_completed(future, TEXTS, 60 * FB_MP_SECOND, &completion) < 0)
        return 1;
    while (fb_mp_completion_next(completion, &i, &error) == 0)
        if (fb_mp_future_result(future[i], 0, &words, NULL, &error) == 0) {
            printf("%s: %d\n", text[i], *(const int *)words);
            all += *(const int *)words;
        }
    fb_mp_completion_free(completion);
    for (i = 0; i < TEXTS; i++)
        fb_mp_future_free(future[i]);
    return all != 6;
}
