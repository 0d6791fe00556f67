/* scripts/plot.sh: the figure of which worker computed when, from an invented timeline.csv; scripts/timeline.sh. */
#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"
#include "tests/support/programs/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define HEAD "kernel,harness,workers,run_ns,worker,what,begin_ns,end_ns,item\n"

static struct svg svg;

/* Four harnesses: one has characters that gnuplot interprets, one has a lock. */
static const char four[] = HEAD "primes,single,1,40000000,0,chunk,1000,20000000,0\n"
                                "primes,single,1,40000000,0,chunk,20000000,39990000,1\n"
                                "primes,pthread,2,20500000,0,chunk,2000,20000000,0\n"
                                "primes,pthread,2,20500000,1,chunk,90000,20400000,1\n"
                                "primes,gil=o_{dd}^@&~x,3,21500000,0,chunk,2000,20000000,0\n"
                                "primes,gil=o_{dd}^@&~x,3,21500000,1,chunk,90000,20400000,1\n"
                                "primes,gil,2,41000000,0,chunk,3000,39000000,0\n"
                                "primes,gil,2,41000000,0,hold,3000,5000000,\n"
                                "primes,gil,2,41000000,0,wait,5000000,10000000,\n"
                                "primes,gil,2,41000000,0,hold,10000000,39000000,\n"
                                "primes,gil,2,41000000,1,chunk,4000,40990000,1\n"
                                "primes,gil,2,41000000,1,wait,4000,5000000,\n"
                                "primes,gil,2,41000000,1,hold,5000000,10000000,\n";

/* The run has bases only, which are drawn quickly. */
static void draw_with(const char *timeline)
{
    invent(&(struct invention){ .works = 1, .harness = { NULL }, .workers = { 2 }, .cpus = 2 });
    file_write(plotted_folder, "run/timeline.csv", timeline);
    plot_quietly();
}

static void every_harness_and_worker_has_its_row(void **state)
{
    (void)state;
    draw_with(four);
    read_figure(&svg, "timeline");
    check_says(&svg, "timeline", "the same primes");
    check_says(&svg, "timeline", "single   40 ms");
    check_says(&svg, "timeline", "pthread   20.5 ms");
    check_says(&svg, "timeline", "gil=o_{dd}^@&~x   21.5 ms");
    check_says(&svg, "timeline", "gil   41 ms");
    assert_int_equal(svg_count(&svg, "worker 0"), 4);
    assert_int_equal(svg_count(&svg, "worker 1"), 3);
    assert_int_equal(svg_count(&svg, "worker 2"), 1); /* it computed nothing */
    assert_int_equal(svg_count(&svg, "worker 3"), 0);
    assert_int_equal(svg.dashed, 1); /* one style for the ends of all jobs */
    check_fits(&svg, "timeline");
    check_foot(&svg, "timeline", "time since the job was handed over, ms", 1);
}

/* No harness has a lock. */
static void columns_are_found_by_their_names(void **state)
{
    (void)state;
    draw_with("what,end_ns,begin_ns,worker,run_ns,workers,harness,kernel\n"
              "chunk,20000000,1000,0,40000000,2,pthread,fib\n");
    read_figure(&svg, "timeline");
    check_says(&svg, "timeline", "the same fib");
    check_says(&svg, "timeline", "pthread");
    assert_int_equal(svg_count(&svg, "worker "), 2);
}

static void a_head_alone_draws_nothing(void **state)
{
    (void)state;
    draw_with(HEAD);
    assert_true(is_not_drawn("timeline"));
    assert_true(file_exists(plotted_folder, "run/plots/times.svg"));
}

/* ---- scripts/timeline.sh ---- */

static void check_usage(const char *arguments)
{
    char command[500 + FOLDER_NAME];
    snprintf(command, sizeof command, "'%s/timeline.sh' %s >'%s/out.txt' 2>'%s/err.txt'",
             getenv("FORKBENCH_SCRIPTS"), arguments, plotted_folder, plotted_folder);
    int status = system(command);
    char *out = file_read(plotted_folder, "out.txt"), *err = file_read(plotted_folder, "err.txt");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 2 || out[0] || count_lines(err) != 1 ||
        strncmp(err, "usage: ", 7) != 0)
        fail_msg("'%s': status %d, %s%s", arguments, status, out, err);
    free(out);
    free(err);
}

static void without_a_folder_it_prints_its_usage(void **state)
{
    (void)state;
    check_usage("");
    check_usage("/no/such/folder");
    check_usage("/tmp /tmp");
    check_usage("''");
}

int main(void)
{
    if (!getenv("FORKBENCH_SCRIPTS") || !has_command("gnuplot"))
        return EXIT_SKIP;
    const struct CMUnitTest tests[] = {
        PLOTTED(every_harness_and_worker_has_its_row),
        PLOTTED(columns_are_found_by_their_names),
        PLOTTED(a_head_alone_draws_nothing),
        PLOTTED(without_a_folder_it_prints_its_usage),
    };
    return RUN_TESTS(tests);
}
