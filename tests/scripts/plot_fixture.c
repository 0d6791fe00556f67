#include "tests/support/support.h"

#include "tests/scripts/plot_fixture.h"
#include "tests/support/programs/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char plotted_folder[FOLDER_NAME];

int plotted_begin(void **state)
{
    (void)state;
    folder_make(plotted_folder);
    char run[FOLDER_NAME + 8];
    snprintf(run, sizeof run, "%s/run", plotted_folder);
    return mkdir(run, 0777);
}

int plotted_end(void **state)
{
    (void)state;
    folder_remove(plotted_folder);
    return 0;
}

/* ---- an invented summary.csv ---- */

const struct work works[WORKS] = {
    { "divisors", "", "speedup_divisors" },
    { "primes", "lo=1 hi=800000 ranges=64", "speedup_primes_lo_1_hi_800000_ranges_64" },
    { "resize", "images=/tmp/my_photos filter=bicubic",
      "speedup_resize_images_tmp_my_photos_filter_bicubic" },
};

static size_t works_of(const struct invention *what)
{
    return what->works ? what->works : WORKS;
}

static bool is_python(const char *harness)
{
    return strncmp(harness, "cpython", 7) == 0;
}

/* A median and its interval; empty fields for 0. */
static void put_values(FILE *to, double value, const char *format, bool interval)
{
    const double factors[] = { 1, 0.97, 1.03 };
    for (size_t i = 0; i < 3; i++) {
        fputc(',', to);
        if (value > 0 && (i == 0 || interval))
            fprintf(to, format, value * factors[i]);
    }
}

struct row {
    const char *harness, *role;
    unsigned workers;
    double speedup; /* 0: a base */
};

static void add_row(FILE *to, size_t work, const struct invention *what, const struct row *row,
                    bool against)
{
    bool python = is_python(row->harness), interval = !what->no_intervals;
    bool failed = what->failed && strcmp(row->harness, what->failed) == 0 && row->workers == 2;
    double speedup = failed ? 0 : row->speedup;
    double ns = (python ? 40 : 1) * 7e7 / (speedup > 0 ? speedup : 1);
    bool cell = speedup > 0 && strcmp(row->role, "ceiling") != 0;
    fprintf(to, "%s,%s,%s,%u,%s,%s,%d", works[work].kernel, works[work].parameters, row->harness,
            row->workers, row->role, against ? "against" : "this",
            failed     ? 0
            : interval ? 9
                       : 3);
    bool disturbed = what->disturbed && strcmp(row->harness, what->disturbed) == 0;
    fprintf(to, ",%d,0", disturbed ? 9 : 0);
    put_values(to, failed ? 0 : ns, "%.0f", interval);
    put_values(to, speedup, "%.6g", interval); /* the median's */
    put_values(to, speedup, "%.6g", interval); /* the mean's */
    put_values(to, cell ? 0.98 : 0, "%.6g", interval);
    put_values(to, speedup / row->workers, "%.6g", interval);
    put_values(to, cell && row->workers > 1 ? 0.01 : 0, "%.6g", interval);
    fprintf(to, ",%s,%s,%u,Some CPU @ 2.00GHz,2026-01-31T12:34:56Z\n",
            row->speedup > 0 ? (python ? "cpython-single" : "single") : "",
            failed ? "failed" : "ok", what->cpus);
}

/* The rows of one build. Each family has one cell with a second label, `again`, and a very different speedup. */
static void add_build(FILE *to, size_t work, const struct invention *what, bool against)
{
    const char *again[2] = { "single", NULL }; /* in C, and in Python */
    add_row(to, work, what, &(struct row){ "single", "base", 1, 0 }, against);
    for (size_t h = 0; what->harness[h]; h++) {
        const char *harness = what->harness[h];
        again[is_python(harness)] = harness;
        for (size_t w = 0; what->workers[w]; w++) {
            unsigned used = what->workers[w] < what->cpus ? what->workers[w] : what->cpus;
            bool locked = strcmp(harness, "gil") == 0;
            add_row(to, work, what,
                    &(struct row){ harness, "cell", what->workers[w], locked ? 0.99 : 0.97 * used },
                    against);
        }
    }
    for (size_t w = 0; what->workers[w] && !against; w++)
        if (what->workers[w] >= 2 && what->workers[w] <= what->cpus)
            add_row(
                to, work, what,
                &(struct row){ "ceiling", "ceiling", what->workers[w], 0.98 * what->workers[w] },
                against);
    if (again[1])
        add_row(to, work, what, &(struct row){ "cpython-single", "base", 1, 0 }, against);
    for (int python = 0; python < 2 && !against; python++)
        if (again[python])
            add_row(to, work, what, &(struct row){ again[python], "again", what->workers[0], 77 },
                    against);
}

static FILE *begin_file(const char *name)
{
    char path[FOLDER_NAME + 32];
    snprintf(path, sizeof path, "%s/run/%s", plotted_folder, name);
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    return to;
}

static void invent_scaling(const struct invention *what)
{
    FILE *to = begin_file("scaling.csv");
    fputs("kernel,parameters,harness,build,counts,blocks,amdahl_serial,amdahl_serial_low,"
          "amdahl_serial_high,amdahl_miss,usl_contention,usl_contention_low,usl_contention_high,"
          "usl_coherency,usl_coherency_low,usl_coherency_high,usl_miss\n",
          to);
    for (size_t work = 0; work < works_of(what); work++)
        for (size_t h = 0; what->harness[h]; h++) {
            bool fitted = what->fitted && strcmp(what->harness[h], what->fitted) == 0;
            fprintf(to, "%s,%s,%s,this,7,9,%s\n", works[work].kernel, works[work].parameters,
                    what->harness[h],
                    fitted ? "0.03,0.02,0.04,0.01,0.03,0.02,0.04,0.0001,0,0.0002,0.01"
                           : ",,,,,,,,,,");
        }
    assert_int_equal(fclose(to), 0);
}

/* Writes the trials of the cell in a line of summary.csv. */
static void put_trials(FILE *to, const char *line)
{
    char field[12][160] = { "" };
    for (size_t i = 0; i < 12; i++, line++) {
        size_t length = strcspn(line, ",\n");
        snprintf(field[i], sizeof field[i], "%.*s", (int)length, line);
        line += length;
    }
    double median = strtod(field[9], NULL);
    for (int block = 0; block <= TRIALS; block++) {
        double ratio = block == 0 ? 10 : block == TRIALS ? 1.5 : 1 + 0.01 * (block - 4);
        fprintf(to, "%d,0,%s,%s,%s,%s,%s,%s,1,%.0f", block, field[0], field[1], field[2], field[3],
                field[4], field[5], ratio * median);
        fprintf(to, ",200,16000,40000,9000,%.0f,62000,61000,8000,5,14,280,3137536,", 2 * median);
        fprintf(to, "7f69ee13f0d9659b,%s,%s\n", block == TRIALS ? "9.00" : "-0.50",
                strcmp(field[7], "0") == 0 ? "" : "\"other processes, steal\"");
    }
}

/* Failed cells have no trials. */
static void invent_samples(void)
{
    char *text = file_read(plotted_folder, "run/summary.csv");
    FILE *to = begin_file("samples.csv");
    fputs("block,position,kernel,parameters,harness,workers,role,build,repeat,run_ns,prepare_ns,"
          "setup_ns,open_ns,close_ns,took_ns,wall_ns,user_ns,system_ns,voluntary_switches,"
          "involuntary_switches,minor_faults,max_rss_bytes,digest,outlier_score,disturbed\n",
          to);
    for (char *line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1)
        if (memmem(line, strcspn(line, "\n"), ",ok,", 4))
            put_trials(to, line);
    assert_int_equal(fclose(to), 0);
    free(text);
}

void invent(const struct invention *what)
{
    FILE *to = begin_file("summary.csv");
    fputs("kernel,parameters,harness,workers,role,build,blocks,disturbed,outliers,run_ns_median,"
          "run_ns_low,run_ns_high,"
          "speedup_median,speedup_low,speedup_high,speedup_mean,speedup_mean_low,"
          "speedup_mean_high,of_ceiling_median,of_ceiling_low,of_ceiling_high,efficiency_median,"
          "efficiency_low,efficiency_high,serial_median,serial_low,serial_high,"
          "base,status,cpus_effective,cpu,started_utc\n",
          to);
    for (size_t work = 0; work < works_of(what); work++) {
        add_build(to, work, what, false);
        if (what->against)
            add_build(to, work, what, true);
    }
    assert_int_equal(fclose(to), 0);
    invent_scaling(what);
    if (what->samples)
        invent_samples();
}

/* ---- drawing ---- */

int plot(const char *arguments)
{
    char command[1000 + 3 * FOLDER_NAME], usual[FOLDER_NAME + 16];
    snprintf(usual, sizeof usual, "'%s/run'", plotted_folder);
    snprintf(command, sizeof command, "'%s/plot.sh' %s >'%s/out.txt' 2>'%s/err.txt' </dev/null",
             getenv("FORKBENCH_SCRIPTS"), arguments ? arguments : usual, plotted_folder,
             plotted_folder);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool has_command(const char *name)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", name);
    return system(command) == 0;
}

/* One process for all figures: it takes longer to start than to check them. */
static void check_xml(void)
{
    char command[400 + 2 * FOLDER_NAME];
    const char *checker = "grep -q '</svg>'";
    if (has_command("xmllint"))
        checker = "xmllint --noout";
    else if (has_command("python3"))
        checker =
            "python3 -c 'import sys, xml.dom.minidom as d; [d.parse(f) for f in sys.argv[1:]]'";
    snprintf(command, sizeof command, "%s '%s'/run/plots/*.svg >/dev/null 2>'%s/err.txt'", checker,
             plotted_folder, plotted_folder);
    if (system(command) != 0) {
        char *text = file_read(plotted_folder, "err.txt");
        fail_msg("not well formed: %s", text);
    }
}

void plot_quietly(void)
{
    int code = plot(NULL);
    char *text = file_read(plotted_folder, "err.txt");
    if (code != 0 || text[0])
        fail_msg("exit %d, %s", code, text);
    free(text);
    check_xml();
}

size_t figures_printed(void)
{
    char *text = file_read(plotted_folder, "out.txt");
    size_t count = count_lines(text);
    free(text);
    return count;
}

size_t files_drawn(void)
{
    char path[FOLDER_NAME + 16];
    snprintf(path, sizeof path, "%s/run/plots", plotted_folder);
    return folder_count(path);
}

bool is_not_drawn(const char *name)
{
    char path[200];
    bool drawn = false;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "run/plots/%s.%s", name, i ? "svg" : "png");
        drawn = drawn || file_exists(plotted_folder, path);
    }
    return !drawn;
}

void read_figure(struct svg *svg, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "run/plots/%s.png", name);
    char *text = file_read(plotted_folder, path);
    assert_memory_equal(text, "\x89PNG\r\n\x1a\n", 8);
    free(text);
    snprintf(path, sizeof path, "run/plots/%s.svg", name);
    text = file_read(plotted_folder, path);
    svg_read(svg, text);
    free(text);
}

/* Figures show interpreters without their folders. */
void check_says(const struct svg *svg, const char *figure, const char *words)
{
    char shown[256];
    const char *equals = strchr(words, '='), *slash = strrchr(words, '/');
    if (strncmp(words, "cpython-", 8) == 0 && equals && slash)
        snprintf(shown, sizeof shown, "%.*s%s", (int)(equals + 1 - words), words, slash + 1);
    else
        snprintf(shown, sizeof shown, "%s", words);
    if (!svg_count(svg, shown))
        fail_msg("%s.svg does not say '%s'", figure, shown);
}

/* Estimated from the average width of the small letters of DejaVu Sans; those of the PNG are larger by a third. */
void check_fits(const struct svg *svg, const char *figure)
{
    for (size_t i = 0; i < svg->texts; i++) {
        const struct svg_text *text = &svg->text[i];
        if (text->upright)
            continue;
        double width = 0.55 * text->size * 4 / 3 * (double)strlen(text->says);
        double left = text->x - (text->anchor == SVG_END      ? width
                                 : text->anchor == SVG_MIDDLE ? width / 2
                                                              : 0);
        if (left < 0 || left + width > svg->width)
            fail_msg("%s: '%s' is cut off: from %.0f to %.0f of %.0f", figure, text->says, left,
                     left + width, svg->width);
    }
}

static const struct svg_text *find_text(const struct svg *svg, const char *words)
{
    for (size_t i = 0; i < svg->texts; i++)
        if (strcmp(svg->text[i].says, words) == 0)
            return &svg->text[i];
    fail_msg("nothing says '%s'", words);
    return NULL;
}

/* Sizes as in check_fits: letters reach 0.76 of their size above the baseline and 0.24 below. */
void check_foot(const struct svg *svg, const char *figure, const char *axis, size_t lines)
{
    const struct svg_text *label = find_text(svg, axis), *before = NULL;
    double top = label->y + 0.24 * label->size * 4 / 3;
    size_t found = 0;
    for (size_t i = 0; i < svg->texts; i++) {
        const struct svg_text *text = &svg->text[i];
        if (text->y <= label->y)
            continue;
        found++;
        if (text->y - 0.76 * text->size * 4 / 3 < top)
            fail_msg("%s: '%s' runs into '%s'", figure, text->says, before ? before->says : axis);
        if (text->y + 0.24 * text->size * 4 / 3 > svg->height)
            fail_msg("%s: '%s' is cut off: %.0f of %.0f", figure, text->says, text->y, svg->height);
        before = text;
        top = text->y + 0.24 * text->size * 4 / 3;
    }
    assert_int_equal(found, lines);
}
