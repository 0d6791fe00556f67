/* The summary as a table: summary.md, and the same aligned for a terminal. */
#include "export.h"

#include <string.h>

#define COLUMNS 8
#define CELL FB_TEXT

static const char *const heads[COLUMNS] = {
    "kernel", "harness", "workers", "time ms", "speedup", "95 % interval", "of ceiling", "blocks",
};

static void fill(const struct fb_run *run, size_t index, char row[COLUMNS][CELL])
{
    const struct fb_cell *cell = &run->plan->cell[index];
    const struct fb_summary *summary = &run->summary[index];
    const struct fb_outcome *outcome = &run->samples->outcome[index];
    for (int i = 0; i < COLUMNS; i++)
        strcpy(row[i], "-");
    snprintf(row[0], CELL, "%s%s%.200s", cell->kernel->name, cell->params[0] ? " " : "",
             cell->params);
    snprintf(row[1], CELL, "%s", cell->label);
    snprintf(row[2], CELL, "%u", cell->workers);
    if (outcome->failed) {
        strcpy(row[3], "failed");
        return;
    }
    fb_export_value(&summary->run_ns, 1e-6, summary->run_ns.value < 1e6 ? 5 : 2, row[3], CELL);
    if (summary->has_speedup) {
        fb_export_value(&summary->speedup, 1, 3, row[4], CELL);
        fb_export_bounds(&summary->speedup, 1, 3, row[5], CELL);
    } else if (cell->base == FB_NO_CELL) {
        strcpy(row[4], "1 (base)");
    }
    if (summary->has_ceiling)
        fb_export_value(&summary->of_ceiling, 1, 3, row[6], CELL);
    snprintf(row[7], CELL, "%zu", summary->run_ns.samples);
}

/* A bar inside a cell of Markdown would end it. */
static void escape_bars(char row[COLUMNS][CELL])
{
    for (int i = 0; i < 2; i++) {
        char plain[CELL];
        strcpy(plain, row[i]);
        size_t used = 0;
        for (const char *byte = plain; *byte && used + 2 < CELL; byte++) {
            if (*byte == '|')
                row[i][used++] = '\\';
            row[i][used++] = *byte;
        }
        row[i][used] = '\0';
    }
}

static void print_row(char row[COLUMNS][CELL], const int *width, const char *between, FILE *to)
{
    for (int i = 0; i < COLUMNS; i++) {
        /* Names to the left, numbers to the right. */
        fprintf(to, "%s%*s", i ? between : "", i < 2 ? -width[i] : width[i], row[i]);
    }
}

static void measure(const struct fb_run *run, int *width)
{
    char row[COLUMNS][CELL];
    for (int i = 0; i < COLUMNS; i++)
        width[i] = (int)strlen(heads[i]);
    for (size_t cell = 0; cell < run->plan->count; cell++) {
        fill(run, cell, row);
        for (int i = 0; i < COLUMNS; i++)
            if ((int)strlen(row[i]) > width[i])
                width[i] = (int)strlen(row[i]);
    }
}

/* Cells in the order in which people compare them: by work, then by family as planned. */
static bool first_of_work(const struct fb_plan *plan, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (plan->cell[i].kernel == plan->cell[index].kernel &&
            strcmp(plan->cell[i].params, plan->cell[index].params) == 0)
            return false;
    return true;
}

static bool same_work(const struct fb_cell *left, const struct fb_cell *right)
{
    return left->kernel == right->kernel && strcmp(left->params, right->params) == 0;
}

static void print_rows(const struct fb_run *run, const int *width, bool markdown, FILE *to)
{
    char row[COLUMNS][CELL];
    for (size_t work = 0; work < run->plan->count; work++) {
        if (!first_of_work(run->plan, work))
            continue;
        for (int family = 0; family < FB_FAMILIES; family++)
            for (size_t i = work; i < run->plan->count; i++) {
                const struct fb_cell *cell = &run->plan->cell[i];
                if (!same_work(cell, &run->plan->cell[work]) || (int)cell->family != family)
                    continue;
                fill(run, i, row);
                if (markdown)
                    escape_bars(row);
                fputs(markdown ? "| " : "", to);
                print_row(row, width, markdown ? " | " : "  ", to);
                fputs(markdown ? " |\n" : "\n", to);
            }
    }
}

static void print_heads(const int *width, bool markdown, FILE *to)
{
    char row[COLUMNS][CELL];
    for (int i = 0; i < COLUMNS; i++)
        strcpy(row[i], heads[i]);
    fputs(markdown ? "| " : "", to);
    print_row(row, width, markdown ? " | " : "  ", to);
    fputs(markdown ? " |\n|" : "\n", to);
    for (int i = 0; i < COLUMNS && markdown; i++)
        fprintf(to, "%s|", i < 2 ? "---" : "--:");
    fputs(markdown ? "\n" : "", to);
}

static void print_failures(const struct fb_run *run, FILE *to)
{
    for (size_t i = 0; i < run->plan->count; i++)
        if (run->samples->outcome[i].failed)
            fprintf(to, "\nfailed: %s under %s, %u workers: %s\n", run->plan->cell[i].kernel->name,
                    run->plan->cell[i].label, run->plan->cell[i].workers,
                    run->samples->outcome[i].why);
}

static void print_notes(const struct fb_run *run, FILE *to)
{
    fprintf(
        to,
        "\n%s, %g effective CPUs, %s, %s. Times are medians; speedups are medians of ratios "
        "inside a block, over single (or over cpython-single), with an exact 95 %% interval by the "
        "sign test. The ceiling is what as many independent single copies at once gave.\n",
        run->machine->cpu, run->machine->cpus.effective, run->machine->kernel, run->machine->utc);
    if (run->plan->left_out)
        fprintf(to, "Cells left out: %zu, those over %d a family; -w measures all you ask for.\n",
                run->plan->left_out, FB_CELLS_DEFAULT);
    if (!run->complete)
        fputs("This run is not complete.\n", to);
    for (size_t i = 0; i < run->plan->count; i++)
        if (run->summary[i].run_ns.samples > 0 &&
            run->summary[i].run_ns.samples < FB_INTERVAL_LEAST) {
            fprintf(to, "Fewer than %d blocks give no interval; a larger --budget does.\n",
                    FB_INTERVAL_LEAST);
            break;
        }
}

static void print_all(const struct fb_run *run, bool markdown, FILE *to)
{
    int width[COLUMNS];
    measure(run, width);
    print_heads(width, markdown, to);
    print_rows(run, width, markdown, to);
    print_failures(run, to);
    print_notes(run, to);
}

static int write_markdown(const struct fb_run *run, FILE *to)
{
    print_all(run, true, to);
    return 0;
}

void fb_export_table(const struct fb_run *run, FILE *to)
{
    print_all(run, false, to);
}

const struct fb_export fb_export_markdown = { "summary.md", write_markdown };
