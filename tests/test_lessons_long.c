/* The lessons' twins under every interpreter that is found here, each with its mechanism and without;
 * and all claims. */
#include "support.h"

#include "bench/lessons.h"
#include "harness/cpython/interpreters.h"

#include "program.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define TRIES 3
#define CLAIMS 22

static int run_twin(const char *interpreter, const char *name, const char *option)
{
    char command[6000];
    snprintf(command, sizeof command, "'%s' '%s/../demos/%s.py' %s", interpreter,
             getenv("FORKBENCH_TESTS"), name, option);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void every_twin_under_every_interpreter(void **state)
{
    (void)state;
    const struct fb_interpreter *list;
    size_t count;
    int failed = 0;
    assert_int_equal(fb_interpreters_list(&list, &count), 0);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; fb_lessons[k]; k++) {
            int code = 1;
            for (int try = 0; try < TRIES && code == 1; try++)
                code = run_twin(list[i].path, fb_lessons[k], "");
            int broken = run_twin(list[i].path, fb_lessons[k], "--break");
            if (code != 0 || broken != 1)
                print_error("%s by %s: exit %d, with --break %d\n", fb_lessons[k], list[i].path,
                            code, broken);
            failed += code != 0 || broken != 1;
        }
    assert_int_equal(failed, 0);
}

static void every_claim_is_tested_once(void **state)
{
    (void)state;
    struct said said = RUN("claims", "--json");
    assert_int_equal(said.code, 0);
    json_t *root = json_loads(said.out, 0, NULL), *claim;
    const json_t *claims = json_object_get(root, "claims");
    size_t i;
    assert_int_equal(json_array_size(claims), CLAIMS);
    json_array_foreach(claims, i, claim)
    {
        char row[24];
        snprintf(row, sizeof row, "C%zu", i + 1);
        assert_string_equal(json_string_value(json_object_get(claim, "claim")), row);
        const char *verdict = json_string_value(json_object_get(claim, "verdict"));
        assert_true(strcmp(verdict, "holds") == 0 || strcmp(verdict, "does not hold") == 0 ||
                    (strcmp(verdict, "depends") == 0 &&
                     *json_string_value(json_object_get(claim, "condition"))));
    }
    json_decref(root);
    said_clear(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_twin_under_every_interpreter),
        cmocka_unit_test(every_claim_is_tested_once),
    };
    return RUN_TESTS(tests);
}
