#include "bench/run/run_session.h"

#include "bench/run/launch.h"
#include "bench/run/sample_reader.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int signal)
{
    (void)signal;
    asked_to_stop = 1;
}

/* A session while it is measured. */
struct context {
    const struct fb_run_session *session;
    struct fb_launch launch;
};

static bool interrupted(void *context)
{
    (void)context;
    return asked_to_stop;
}

static void show_progress(void *context, double done, const struct fb_cell *cell)
{
    const struct fb_run_session *session = ((struct context *)context)->session;
    session->progress(session->context, done, cell);
}

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

/* Returns the stored result of this trial: 0 with its sample, or its error; -ECANCELED if the entry
 * is of another trial. */
static int repeat_entry(const struct fb_plan *plan, json_t *entry, const struct fb_turn *turn,
                        struct fb_outcome *outcome, struct fb_sample *sample,
                        struct fb_error *error)
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
    fb_sample_read(json_incref(raw), &plan->cell[turn->cell], sample, outcome);
    return 0;
}

static int trial(void *from, const struct fb_turn *turn, struct fb_outcome *outcome,
                 struct fb_sample *sample, struct fb_error *error)
{
    struct context *context = from;
    struct fb_journal *journal = context->session->journal;
    struct fb_error failure = { 0 };
    json_t *entry = fb_journal_take(journal);
    if (entry)
        return repeat_entry(context->session->plan, entry, turn, outcome, sample, error);
    int result = fb_launch_trial(&context->launch, turn, outcome, sample, error);
    if (result == -EINTR)
        return result;
    entry = make_entry(turn, sample, result < 0 ? error : NULL);
    if (fb_journal_append(journal, entry, &failure) < 0) {
        json_decref(sample->raw);
        *error = failure;
        return -ECANCELED; /* a trial that can't be stored is not worth measuring */
    }
    return result;
}

int fb_run_session_measure(const struct fb_run_session *session, struct fb_samples *ret_samples,
                           struct fb_error *error)
{
    const struct fb_run_request *request = session->request;
    struct context context = {
        .session = session,
        .launch = { .plan = session->plan, .against = request->against, .bind = request->bind },
    };
    struct fb_measure measure = {
        .plan = session->plan,
        .seed = request->seed,
        .precision = request->precision,
        .trial = trial,
        .progress = show_progress,
        .interrupted = interrupted,
        .context = &context,
    };
    memcpy(measure.budget_s, request->budget_s, sizeof measure.budget_s);
    *ret_samples = (struct fb_samples){ 0 };
    int result = fb_launch_prepare(&context.launch, error);
    if (result == 0) {
        struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        result = fb_measure_run(&measure, ret_samples, error);
    }
    fb_launch_clear(&context.launch);
    return result;
}
