#include "bench/run/run_session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int signal)
{
    (void)signal;
    asked_to_stop = 1;
}

static bool interrupted(void *context)
{
    (void)context;
    return asked_to_stop;
}

static void show_progress(void *context, double done, const struct fb_cell *cell)
{
    struct fb_run_session *sweep = context;
    char label[FB_TEXT + 32], what[FB_TEXT * 2];
    fb_cell_label(cell, label, sizeof label);
    snprintf(what, sizeof what, "%s, %s, %u workers", cell->kernel->name, label, cell->workers);
    fb_progress_show(&sweep->progress, done, what);
}

/* ---- trials, from the journal or anew ---- */

/* A trial as a line of the journal. */
static json_t *make_entry(const struct fb_turn *turn, const struct fb_sample *sample,
                          const struct fb_error *failure)
{
    json_t *entry = json_pack("{sI sI sI sI}", "block", (json_int_t)turn->block, "position",
                              (json_int_t)turn->position, "cell", (json_int_t)turn->cell, "took_ns",
                              (json_int_t)sample->took_ns);
    if (failure)
        json_object_set_new(entry, "failed", json_string(failure->text));
    else
        json_object_set(entry, "exec", sample->raw);
    return entry;
}

static size_t number(const json_t *entry, const char *name)
{
    return (size_t)json_integer_value(json_object_get(entry, name));
}

/* What a trial gave when it was measured. */
static int repeat_entry(const struct fb_run_session *sweep, json_t *entry,
                        const struct fb_turn *turn, struct fb_outcome *outcome,
                        struct fb_sample *sample, struct fb_error *error)
{
    const char *failed = json_string_value(json_object_get(entry, "failed"));
    json_t *raw = json_object_get(entry, "exec");
    if (number(entry, "block") != turn->block || number(entry, "position") != turn->position ||
        number(entry, "cell") != turn->cell || (!failed && !json_is_object(raw)))
        return fb_error_set(error, -ECANCELED,
                            "the journal does not fit its seed: trial %zu of block %zu: measure "
                            "anew",
                            turn->position, turn->block);
    sample->took_ns = number(entry, "took_ns");
    if (failed)
        return fb_error_set(error, -EBADMSG, "%s", failed);
    fb_launch_take(json_incref(raw), &sweep->data.plan->cell[turn->cell], sample, outcome);
    return 0;
}

static int trial(void *context, const struct fb_turn *turn, struct fb_outcome *outcome,
                 struct fb_sample *sample, struct fb_error *error)
{
    struct fb_run_session *sweep = context;
    struct fb_error failure = { 0 };
    json_t *entry = fb_journal_take(&sweep->journal);
    if (entry)
        return repeat_entry(sweep, entry, turn, outcome, sample, error);
    int result = fb_launch_trial(&sweep->launch, turn, outcome, sample, error);
    if (result == -EINTR)
        return result;
    entry = make_entry(turn, sample, result < 0 ? error : NULL);
    if (fb_journal_append(&sweep->journal, entry, &failure) < 0) {
        json_decref(sample->raw);
        *error = failure;
        return -ECANCELED; /* what can't be kept is not worth measuring */
    }
    return result;
}

/* ---- */

static int export(struct fb_run_session *sweep, struct fb_error *error)
{
    int result = fb_export_all(&sweep->data, sweep->folder, error);
    if (result < 0)
        return result;
    fb_export_table(&sweep->data, stdout);
    printf("\nResults: %s\n", sweep->folder);
    return 0;
}

static int save(struct fb_run_session *sweep, struct fb_samples *samples, struct fb_error *error)
{
    const struct fb_plan *plan = sweep->data.plan;
    struct fb_analysis analysis;
    struct fb_fits fits;
    if (fb_analyse(plan, samples, &analysis) < 0)
        return fb_error_set(error, -ENOMEM, "out of memory");
    int result = fb_fits_make(plan, samples, sweep->data.machine->cpus.effective, &fits);
    if (result < 0) {
        fb_error_set(error, -ENOMEM, "out of memory");
    } else {
        sweep->data.samples = samples;
        sweep->data.analysis = &analysis;
        sweep->data.fits = &fits;
        result = export(sweep, error);
        fb_fits_clear(&fits);
    }
    fb_analysis_clear(&analysis);
    return result;
}

static int finish(struct fb_run_session *sweep, struct fb_samples *samples, int result,
                  struct fb_error *error)
{
    const struct fb_plan *plan = sweep->data.plan;
    fb_progress_end(&sweep->progress);
    if (result < 0 && result != -EINTR)
        return fb_fail_with(error);
    sweep->data.complete = result == 0;
    if (save(sweep, samples, error) < 0)
        return fb_fail_with(error);
    if (result == -EINTR) {
        fb_fail(FB_EXIT_UNCERTAIN, "interrupted: %zu samples are kept: go on with run --resume %s",
                samples->count, sweep->folder);
        return FB_EXIT_INTERRUPTED;
    }
    fb_journal_remove(sweep->folder);
    for (size_t i = 0; i < plan->count; i++) {
        char label[FB_TEXT + 32];
        fb_cell_label(&plan->cell[i], label, sizeof label);
        if (samples->outcome[i].failed)
            return fb_fail(FB_EXIT_NO, "a cell failed: %s under %s: %s", plan->cell[i].kernel->name,
                           label, samples->outcome[i].why);
    }
    return FB_EXIT_OK;
}

int fb_run_session_run(struct fb_run_session *sweep)
{
    struct fb_samples samples = { 0 };
    struct fb_error error = { 0 };
    struct fb_measure measure = {
        .plan = sweep->data.plan,
        .seed = sweep->data.seed,
        .precision = sweep->data.precision,
        .trial = trial,
        .progress = show_progress,
        .interrupted = interrupted,
        .context = sweep,
    };
    memcpy(measure.budget_s, sweep->data.budget_s, sizeof measure.budget_s);
    if (fb_launch_prepare(&sweep->launch, &error) < 0) {
        fb_launch_clear(&sweep->launch);
        return fb_fail_with(&error);
    }
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    fb_progress_begin(&sweep->progress);
    int result = fb_measure_run(&measure, &samples, &error);
    result = finish(sweep, &samples, result, &error);
    fb_samples_clear(&samples);
    fb_launch_clear(&sweep->launch);
    return result;
}
