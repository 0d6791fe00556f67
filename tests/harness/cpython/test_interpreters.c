/* Finding interpreters on a made-up PATH, and the meaning of `all`. Interpreters in /usr/bin are
 * found too and are ignored here. */
#include "tests/support/support.h"

#include "tests/support/folder.h"
#include "tests/support/programs/program.h"

#include "bench/run/plan.h"
#include "harness/cpython/interpreters.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- a made-up machine ---- */

static char scene[FOLDER_NAME], *kept_path;

/* Folders one, two and pyenv/versions; the PATH is the first two and one that does not exist. */
static int scene_begin(void **state)
{
    (void)state;
    static const char *const folders[] = { "one", "two", "pyenv", "pyenv/versions" };
    char path[PATH_MAX];
    folder_make(scene);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", scene, folders[i]);
        assert_int_equal(mkdir(path, 0777), 0);
    }
    kept_path = strdup(getenv("PATH"));
    snprintf(path, sizeof path, "%s/one:%s/two:%s/none", scene, scene, scene);
    setenv("PATH", path, 1);
    snprintf(path, sizeof path, "%s/pyenv", scene);
    return setenv("PYENV_ROOT", path, 1);
}

static int scene_end(void **state)
{
    (void)state;
    setenv("PATH", kept_path, 1);
    free(kept_path);
    folder_remove(scene);
    return 0;
}

/* Writes a script that creates a file NAME.ran beside it, then does `act`. */
static void put_script(const char *name, const char *act)
{
    char text[2 * PATH_MAX], path[PATH_MAX];
    snprintf(text, sizeof text, "#!/bin/sh\n: >'%s/%s.ran'\n%s\n", scene, name, act);
    file_write(scene, name, text);
    snprintf(path, sizeof path, "%s/%s", scene, name);
    assert_int_equal(chmod(path, 0755), 0);
}

/* Writes a script that answers like an interpreter at `where` in the test folder. */
static void put_answer(const char *name, const char *where, const char *version)
{
    char act[PATH_MAX];
    snprintf(act, sizeof act, "echo '%s/%s'; echo '%s'", scene, where, version);
    put_script(name, act);
}

static void put_python(const char *name, const char *version)
{
    put_answer(name, name, version);
}

static bool has_run(const char *name)
{
    char ran[PATH_MAX];
    snprintf(ran, sizeof ran, "%s.ran", name);
    return file_exists(scene, ran);
}

static void put_folder(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", scene, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

/* ---- what is found ---- */

/* Writes "VARIANT=PLACE ..." for the interpreters in the test folder, in order; the test folder is
 * shown as @. */
static void list_found(const json_t *variants, const char *harness, char *text, size_t size)
{
    const json_t *entry;
    size_t i, used = 0, length = strlen(scene);
    text[0] = '\0';
    json_array_foreach(variants, i, entry)
    {
        const char *variant = json_string_value(json_object_get(entry, "variant"));
        const char *means = json_string_value(json_object_get(entry, "means"));
        if (strcmp(json_string_value(json_object_get(entry, "harness")), harness) != 0 ||
            strncmp(means, scene, length) != 0)
            continue;
        bool path = strncmp(variant, scene, length) == 0;
        used += (size_t)snprintf(text + used, size - used, "%s%s%s=%s", used ? " " : "",
                                 path ? "@" : "", path ? variant + length : variant,
                                 means + length + 1);
        assert_true(used < size);
    }
}

/* Checks the variants of each harness that takes interpreters. */
static void expect_found(const char *wanted)
{
    static const char *const harnesses[] = { "cpython-single",  "cpython-thread",
                                             "cpython-process", "cpython-forkserver",
                                             "cpython-spawn",   "cpython-pool" };
    char text[1024];
    struct said said = RUN("list", "variants", "--json");
    assert_int_equal(said.code, 0);
    assert_string_equal(said.err, "");
    json_t *root = json_loads(said.out, 0, NULL);
    assert_non_null(root);
    for (size_t i = 0; i < sizeof harnesses / sizeof *harnesses; i++) {
        list_found(json_object_get(root, "variants"), harnesses[i], text, sizeof text);
        assert_string_equal(text, wanted);
    }
    json_decref(root);
    said_clear(&said);
}

static void interpreters_are_sorted_by_version(void **state)
{
    (void)state;
    put_python("one/python3.10", "3.10.2-gil");
    put_python("one/python3", "3.12.10-gil");
    put_python("two/python3.12", "3.12.9-gil");
    put_python("two/python3.9", "3.9.18-gil");
    put_python("two/python3.13t", "3.13.0t-nogil");
    put_folder("pyenv/versions/3.14.1");
    put_folder("pyenv/versions/3.14.1/bin");
    put_python("pyenv/versions/3.14.1/bin/python3", "3.14.1-gil");
    expect_found("3.9.18-gil=two/python3.9 3.10.2-gil=one/python3.10 3.12.9-gil=two/python3.12 "
                 "3.12.10-gil=one/python3 3.13.0t-nogil=two/python3.13t "
                 "3.14.1-gil=pyenv/versions/3.14.1/bin/python3");
}

static void one_under_many_names_is_found_once(void **state)
{
    (void)state;
    put_python("one/python3", "3.12.1-gil");
    put_answer("one/python3.12", "one/python3", "3.12.1-gil");
    put_answer("two/python3", "one/python3", "3.12.1-gil");
    expect_found("3.12.1-gil=one/python3");
}

static void a_second_one_of_the_same_version_is_named_by_its_path(void **state)
{
    (void)state;
    put_python("one/python3.12", "3.12.1-gil");
    put_python("two/python3.12", "3.12.1-gil");
    expect_found("3.12.1-gil=one/python3.12 @/two/python3.12=two/python3.12");
}

static void a_program_with_a_wrong_answer_is_left_out(void **state)
{
    (void)state;
    static const char *const acts[] = {
        "exit 127",
        "",
        "echo; echo",
        "echo garbage",
        "echo garbage; echo garbage; echo garbage",
        "echo \"$0\"; echo 3.8.18-gil",
        "echo \"$0\"; echo 2.7.18-gil",
        "echo \"$0\"; echo 3.12.1-gil; exit 1",
        "echo \"$0\"; echo 3.12.1-gil; kill -9 $$",
        "echo \"$0\"; echo 3.12.1-gil >&2",
        "/bin/cat; echo 3.12.1-gil",
        "i=0; while [ $i -lt 3000 ]; do echo \"$0$0$0\"; i=$((i + 1)); done",
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        char name[32];
        snprintf(name, sizeof name, "one/python3.%zu", 20 + i);
        put_script(name, acts[i]);
    }
    put_python("two/python3.13", "3.13.5-gil");
    expect_found("3.13.5-gil=two/python3.13");
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        char name[32];
        snprintf(name, sizeof name, "one/python3.%zu", 20 + i);
        assert_true(has_run(name));
    }
}

static void programs_with_other_names_are_not_run(void **state)
{
    (void)state;
    static const char *const names[] = {
        "python3-config", "python3.11-config", "python3.x", "python3.",
        "python3.8",      "python2.7",         "python33",  "python3t",
        "python3.13td",   "python3.12.1",      "python",    "pypy3",
        "mypython3",      "python3.-9",        "python3. 9"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        snprintf(name, sizeof name, "one/%s", names[i]);
        put_python(name, "3.12.1-gil");
    }
    put_folder("pyenv/versions/pypy3.10");
    put_folder("pyenv/versions/pypy3.10/bin");
    put_python("pyenv/versions/pypy3.10/bin/python3", "3.12.1-gil");
    expect_found("");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        snprintf(name, sizeof name, "one/%s", names[i]);
        if (has_run(name))
            fail_msg("%s was run", names[i]);
    }
    assert_false(has_run("pyenv/versions/pypy3.10/bin/python3"));
}

static void files_that_can_not_be_run_are_left_out(void **state)
{
    (void)state;
    put_folder("one/python3");
    put_folder("pyenv/versions/3.12.1");
    file_write(scene, "two/python3", "#!/bin/sh\n");
    expect_found("");
}

/* ---- selecting a version ---- */

static void expect_refusal(struct said said, int code, const char *part)
{
    if (said.code != code || count_lines(said.err) != 1 ||
        strncmp(said.err, "forkbench: ", 11) != 0 || !strstr(said.err, part))
        fail_msg("exit code %d, not %d with \"%s\": %s", said.code, code, part, said.err);
    assert_string_equal(said.out, "");
    said_clear(&said);
}

static void a_version_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    put_python("one/python3.97", "3.97.1-gil");
    expect_refusal(RUN("exec", "-k", "primes", "-H", "cpython-single=3.98"), 3, "3.98");
    expect_refusal(RUN("exec", "-k", "primes", "-H", "cpython-single=3.9777"), 3, "3.9777");
    expect_refusal(RUN("run", "-k", "primes", "-H", "cpython-thread=3.98"), 3, "3.98");
}

static void exec_takes_one_variant_only(void **state)
{
    (void)state;
    put_python("one/python3.97", "3.97.1-gil");
    expect_refusal(RUN("exec", "-k", "primes", "-H", "cpython-thread=all"), 3, "all");
    expect_refusal(RUN("exec", "-k", "primes", "-H", "gil=all"), 2, "all");
}

static void a_name_is_selected_by_its_first_parts(void **state)
{
    (void)state;
    assert_true(fb_interpreter_is("3.12.1-gil", "3.12"));
    assert_true(fb_interpreter_is("3.12.1-gil", "3.12.1"));
    assert_true(fb_interpreter_is("3.12.1-gil", "3.12.1-gil"));
    assert_true(fb_interpreter_is("3.12.1-gil", "3"));
    assert_false(fb_interpreter_is("3.12.1-gil", "3.1"));
    assert_false(fb_interpreter_is("3.12.10-gil", "3.12.1"));
    assert_false(fb_interpreter_is("3.12.1-gil", "3.12.1-gi"));
    assert_false(fb_interpreter_is("3.14.0t-nogil", "3.14.0"));
    assert_true(fb_interpreter_is("3.14.0t-nogil", "3.14.0t"));
    assert_false(fb_interpreter_is("3.12.1-gil", ""));
    assert_false(fb_interpreter_is("3.12", "3.12.1"));
}

/* ---- all of them in a plan ---- */

/* Makes the plan of primes with two workers, in this process, which reads the PATH only once. */
static void make_plan(struct fb_plan *plan, const char *harness)
{
    struct fb_plan_request request = { .kernel = { "primes" },
                                       .kernels = 1,
                                       .harness = { harness },
                                       .harnesses = 1,
                                       .workers = { 2 },
                                       .worker_counts = 1,
                                       .effective = 2 };
    struct fb_error error = { 0 };
    if (fb_plan_make(&request, plan, &error) < 0)
        fail_msg("%s", error.text);
}

/* Counts only requested cells, not those added for comparison. */
static size_t count_cells(const struct fb_plan *plan, const char *harness, const char *label)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += strcmp(plan->cell[i].harness->name, harness) == 0 && !plan->cell[i].again &&
                 (!label || strcmp(plan->cell[i].label, label) == 0);
    return count;
}

static void all_gives_a_cell_per_interpreter_with_its_own_base(void **state)
{
    (void)state;
    const struct fb_interpreter *list;
    struct fb_plan plan;
    size_t count;
    put_python("one/python3.97", "3.97.1-gil");
    put_python("one/python3.98", "3.98.1-gil");
    put_python("two/python3.98t", "3.98.1t-nogil");
    make_plan(&plan, "cpython-thread=all");
    assert_int_equal(fb_interpreters_list(&list, &count), 0);
    assert_true(count >= 3);
    assert_int_equal(count_cells(&plan, "cpython-thread", NULL), count);
    assert_int_equal(count_cells(&plan, "cpython-single", NULL), count);
    assert_int_equal(count_cells(&plan, "cpython-thread", "cpython-thread=3.97.1-gil"), 1);
    assert_int_equal(count_cells(&plan, "cpython-thread", "cpython-thread=3.98.1-gil"), 1);
    assert_int_equal(count_cells(&plan, "cpython-thread", "cpython-thread=3.98.1t-nogil"), 1);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_cell *cell = &plan.cell[i];
        if (strcmp(cell->harness->name, "cpython-thread") != 0)
            continue;
        assert_true(cell->base < plan.count);
        assert_string_equal(plan.cell[cell->base].variant, cell->variant);
        assert_string_equal(strchr(plan.cell[cell->base].label, '='), strchr(cell->label, '='));
    }
    fb_plan_clear(&plan);
}

static void all_modes_of_gil(void **state)
{
    (void)state;
    struct fb_plan plan;
    make_plan(&plan, "gil=all");
    assert_int_equal(count_cells(&plan, "gil", NULL), 4);
    assert_int_equal(count_cells(&plan, "gil", "gil=python"), 1);
    assert_int_equal(count_cells(&plan, "gil", "gil=hold"), 1);
    assert_int_equal(count_cells(&plan, "gil", "gil=release"), 1);
    assert_int_equal(count_cells(&plan, "gil", "gil=off"), 1);
    fb_plan_clear(&plan);
}

static void more_than_64_in_all_are_refused(void **state)
{
    (void)state;
    struct fb_plan_request request = { .kernel = { "primes" }, .kernels = 1, .effective = 2 };
    struct fb_error error = { 0 };
    struct fb_plan plan;
    for (request.harnesses = 0; request.harnesses < 16; request.harnesses++)
        request.harness[request.harnesses] = "gil=all";
    assert_int_equal(fb_plan_make(&request, &plan, &error), 0);
    fb_plan_clear(&plan);
    request.harness[request.harnesses++] = "gil=all";
    assert_int_equal(fb_plan_make(&request, &plan, &error), -EINVAL);
    assert_non_null(strstr(error.text, "64"));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(interpreters_are_sorted_by_version),
        SCENE(one_under_many_names_is_found_once),
        SCENE(a_second_one_of_the_same_version_is_named_by_its_path),
        SCENE(a_program_with_a_wrong_answer_is_left_out),
        SCENE(programs_with_other_names_are_not_run),
        SCENE(files_that_can_not_be_run_are_left_out),
        SCENE(a_version_that_does_not_exist_is_refused),
        SCENE(exec_takes_one_variant_only),
        cmocka_unit_test(a_name_is_selected_by_its_first_parts),
        SCENE(all_gives_a_cell_per_interpreter_with_its_own_base),
        cmocka_unit_test(all_modes_of_gil),
        cmocka_unit_test(more_than_64_in_all_are_refused),
    };
    return RUN_TESTS(tests);
}
