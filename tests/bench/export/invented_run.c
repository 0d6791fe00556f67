#include "tests/support/support.h"

#include "tests/bench/export/invented_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct fb_build invented_build = {
    .version = "0.9",
    .commit = "abc1234",
    .compiler = "gcc 12.2.0",
    .kernels = "00112233",
    .harnesses = "44556677",
};

static void make_machine(struct fb_machine *machine)
{
    *machine = (struct fb_machine){
        .cpu = "Some CPU, 3.7 GHz \"fast\"",
        .kernel = "Linux 6.1.0",
        .utc = "2026-01-31T12:34:56Z",
        .stamp = "20260131T123456Z",
        .memory_mib = 24105,
        .cpus = { .online = 8,
                  .allowed = 6,
                  .cgroup = { .quota = 2.5 },
                  .effective = 2.5,
                  .workers = 2 },
    };
}

static void make_cell(struct fb_cell *cell, const char *kernel, const char *harness,
                      const char *label, const char *params)
{
    const char *variant;
    *cell = (struct fb_cell){ .kernel = fb_kernel_find(kernel),
                              .harness = fb_harness_find(harness, &variant),
                              .workers = 1,
                              .base = FB_NO_CELL,
                              .ceiling = FB_NO_CELL };
    assert_non_null(cell->kernel);
    assert_non_null(cell->harness);
    cell->family = cell->harness->find ? FB_FAMILY_CPYTHON : FB_FAMILY_C;
    snprintf(cell->label, sizeof cell->label, "%s", label);
    snprintf(cell->params, sizeof cell->params, "%s", params);
}

static void make_cells(struct fb_cell *cell)
{
    static const char params[] = "lo=1 hi=800000";
    make_cell(&cell[INVENTED_BASE], "primes", "single", "single", params);
    make_cell(&cell[INVENTED_PTHREAD], "primes", "pthread", "pthread", params);
    make_cell(&cell[INVENTED_FAILED], "primes", "forkpool", "forkpool", params);
    make_cell(&cell[INVENTED_QUOTED], "primes", "cpython-single",
              "cpython-single=/opt/a,b/\"py\"/python3", params);
    make_cell(&cell[INVENTED_FEW], "primes", "cpython-process",
              "cpython-process=/home/jörg/python3", params);
    make_cell(&cell[INVENTED_CEILING], "primes", "single", "ceiling", params);
    make_cell(&cell[INVENTED_NONE], "null", "single", "single", "");
    cell[INVENTED_PTHREAD].base = cell[INVENTED_FAILED].base = INVENTED_BASE;
    cell[INVENTED_PTHREAD].ceiling = cell[INVENTED_FAILED].ceiling = INVENTED_CEILING;
    cell[INVENTED_FEW].base = INVENTED_QUOTED;
    cell[INVENTED_CEILING].base = INVENTED_BASE;
    cell[INVENTED_CEILING].copies = 2;
    cell[INVENTED_PTHREAD].workers = cell[INVENTED_FAILED].workers = 2;
    cell[INVENTED_CEILING].workers = 2;
    cell[INVENTED_FEW].workers = 1024;
}

/* Each field has a number of its own, so that swapped columns are found. */
static void make_samples(struct fb_sample *sample)
{
    static const size_t cells[INVENTED_SAMPLES] = { INVENTED_PTHREAD, INVENTED_BASE, INVENTED_FEW,
                                                    INVENTED_QUOTED };
    static const uint64_t digests[INVENTED_SAMPLES] = { 0xff, UINT64_MAX, 0, 0x123456789abcdef0 };
    for (size_t i = 0; i < INVENTED_SAMPLES; i++) {
        uint64_t from = 1000 * (i + 1);
        sample[i] = (struct fb_sample){
            .block = i / 2,
            .position = 1 - i % 2,
            .cell = cells[i],
            .digest = digests[i],
            .prepare_ns = from,
            .setup_ns = from + 1,
            .open_ns = from + 2,
            .run_ns = from + 3,
            .close_ns = from + 4,
            .wall_ns = from + 5,
            .user_ns = from + 6,
            .system_ns = from + 7,
            .voluntary_switches = from + 8,
            .involuntary_switches = from + 9,
            .minor_faults = from + 10,
            .max_rss_bytes = from + 11,
        };
    }
    sample[1].run_ns = (uint64_t)1 << 62;
    sample[0].raw =
        json_pack("{si ss s[iii]}", "run_ns", 1003, "answer", "63951 primes", "runs_ns", 1, 2, 3);
    sample[3].raw = json_pack("{si}", "run_ns", 4003);
    assert_non_null(sample[0].raw);
    assert_non_null(sample[3].raw);
}

static void make_outcomes(struct fb_outcome *outcome)
{
    outcome[INVENTED_FAILED].failed = true;
    strcpy(outcome[INVENTED_FAILED].failure, "it said \"no, never\", then exited with code 1");
    for (int i = INVENTED_BASE; i <= INVENTED_CEILING; i++) {
        if (i == INVENTED_FAILED)
            continue;
        outcome[i].checked = true;
        outcome[i].digest = 7;
        strcpy(outcome[i].answer, "63951 primes");
    }
    strcpy(outcome[INVENTED_QUOTED].description, "3.13.1 «frei», \"GIL\" off");
}

static void make_summary(struct fb_summary *summary)
{
    const struct fb_interval none = { NAN, NAN, NAN, 0 };
    for (int i = 0; i < INVENTED_CELLS; i++)
        summary[i] = (struct fb_summary){ .run_ns = none };
    summary[INVENTED_BASE].run_ns = (struct fb_interval){ 123456789, 120000000, 130000000, 9 };
    summary[INVENTED_PTHREAD] = (struct fb_summary){
        .run_ns = { 64000000.5, 63000000, 65000000, 9 },
        .speedup = { 1.0 / 3 + 1.6, 1.875, 1.95, 9 },
        .of_ceiling = { 0.984375, 0.97, 0.99, 8 },
        .speedup_mean = { 1.9, 1.85, 1.96, 9 },
        .efficiency = { 0.95, 0.9375, 0.975, 9 },
        .serial = { 0.0345, 0.0256, 0.0667, 9 },
        .has_speedup = true,
        .has_ceiling = true,
    };
    summary[INVENTED_QUOTED].run_ns = (struct fb_interval){ 9876543210, 9e9, 1e10, 6 };
    summary[INVENTED_FEW] = (struct fb_summary){
        .run_ns = { 5e9, NAN, NAN, 2 },
        .speedup = { 1.975308642, NAN, NAN, 2 },
        .has_speedup = true,
    };
    summary[INVENTED_CEILING] = (struct fb_summary){
        .run_ns = { 125000000, 124000000, 126000000, 9 },
        .speedup = { 1.9753, 1.96, 1.98, 9 },
        .has_speedup = true,
    };
}

void invented_make(struct invented *invented)
{
    *invented = (struct invented){ .budget_s = { 60, 0.1 } };
    make_machine(&invented->machine);
    make_cells(invented->cell);
    make_samples(invented->sample);
    make_outcomes(invented->outcome);
    make_summary(invented->summary);
    invented->pair[0] = (struct fb_pair){ INVENTED_BASE, INVENTED_PTHREAD, FB_FACTOR_HARNESS };
    invented->finding[0] = (struct fb_finding){ .ratio = { 0.515, 0.51, 0.53, 9 },
                                                .ratio_mean = { 0.52, 0.5, 0.54, 9 },
                                                .verdict = FB_FASTER };
    invented->analysis = (struct fb_analysis){
        .cell = invented->summary,
        .finding = invented->finding,
        .score = invented->score,
        .null[FB_FAMILY_C] = { true, { 1.002, 0.99, 1.01, 9 }, 0.0101, 0.0143 },
    };
    invented->fit[0] = (struct fb_fit){ .cell = INVENTED_PTHREAD,
                                        .counts = 6,
                                        .blocks = 9,
                                        .fitted = true,
                                        .scaling = { .serial = { 0.03, 0.02, 0.04, 9 },
                                                     .contention = { 0.02, 0.01, 0.03, 9 },
                                                     .coherency = { 5e-4, 4e-4, 6e-4, 9 },
                                                     .amdahl_miss = 0.05,
                                                     .usl_miss = 0.01 } };
    invented->fit[1] = (struct fb_fit){ .cell = INVENTED_FEW, .counts = 2, .blocks = 2 };
    invented->fits = (struct fb_fits){ invented->fit, 2 };
    invented->plan = (struct fb_plan){ .cell = invented->cell,
                                       .count = INVENTED_CELLS,
                                       .room = INVENTED_CELLS,
                                       .pair = invented->pair,
                                       .pairs = 1,
                                       .left_out = 3 };
    invented->samples = (struct fb_samples){ .list = invented->sample,
                                             .count = INVENTED_SAMPLES,
                                             .room = INVENTED_SAMPLES,
                                             .outcome = invented->outcome,
                                             .blocks = { 9, 1 },
                                             .wanted = { 57, 0 } };
    invented->run = (struct fb_run){ .machine = &invented->machine,
                                     .build = &invented_build,
                                     .plan = &invented->plan,
                                     .samples = &invented->samples,
                                     .analysis = &invented->analysis,
                                     .fits = &invented->fits,
                                     .precision = 0.02,
                                     .seed = INT64_MAX,
                                     .budget_s = invented->budget_s,
                                     .complete = true };
}

void invented_clear(struct invented *invented)
{
    for (size_t i = 0; i < INVENTED_SAMPLES; i++)
        json_decref(invented->sample[i].raw);
}
