/* absa-replay: what other settings of the controller would have made of a recorded run. Reads the
 * JSON lines of absa-train, drives one controller with the run's settings (it must decide as the
 * log says) and one with the changed ones, and prints both side by side. */
#include "command_line.h"

#include <absa/absa.h>

#include <jansson.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED = 2, UNDETERMINED = 3, MOST_SETS = 64 };

typedef struct journal {
    absa_decision *all;
    int64_t count, room;
} journal;

typedef struct job {
    absa_context *ctx;
    const char *path;
    const char *sets[MOST_SETS];
    int set_count;
    absa_controller_options options; /* the run's */
    absa_controller *run;
    int power;   /* the run's estimator gave no bounds */
    int resumed; /* the log was gone on with: what lay behind the checkpoint comes a second time */
    journal recorded, replayed;
} job;

static int refuse(const job *j, int line, const char *text)
{
    char place[512];
    if (line == 0)
        return command_say("absa-replay", REFUSED, text, "");
    snprintf(place, sizeof place, "%s:%d", j->path, line);
    return command_say("absa-replay", REFUSED, place, text);
}

static int keep(void *user, const absa_decision *d)
{
    journal *k = user;
    if (k->count == k->room) {
        const int64_t room = k->room ? 2 * k->room : 256;
        absa_decision *all = realloc(k->all, (size_t)room * sizeof *all);
        if (!all)
            return 1;
        k->all = all;
        k->room = room;
    }
    k->all[k->count++] = *d;
    return 0;
}

/* Sets an option from what the log's first line says of it. */
static int option_from(job *j, const char *name, const json_t *value)
{
    char text[1024] = "";
    if (json_is_string(value))
        snprintf(text, sizeof text, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, sizeof text, "%.17g", json_real_value(value));
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        const size_t used = strlen(text);
        const json_t *part = json_array_get(value, i);
        if (json_is_number(part))
            snprintf(text + used, sizeof text - used, "%s%.17g", i ? "," : "",
                     json_number_value(part));
        else /* to be refused with the whole list */
            snprintf(text + used, sizeof text - used, "%s?", i ? "," : "");
    }
    return absa_controller_options_set(j->ctx, &j->options, name, text);
}

static int start(job *j, int line, const json_t *event)
{
    const char *name, *estimator = json_string_value(json_object_get(event, "estimator"));
    if (j->run) { /* the run was resumed: its settings are the first ones */
        j->resumed = 1;
        return 0;
    }
    if (json_integer_value(json_object_get(event, "resumed_at")) > 0)
        return refuse(j, line, "the log begins with a resumed run: it lacks the run's beginning");
    absa_controller_options_init(&j->options, sizeof j->options);
    for (int32_t i = 0; (name = absa_controller_options_name(i)); i++) {
        const json_t *value =
            json_object_get(event, strcmp(name, "momentum") == 0 ? "momentum_form" : name);
        if (!value)
            continue; /* an older log: the option was not there yet */
        if (option_from(j, name, value))
            return refuse(j, line, absa_context_message(j->ctx));
    }
    j->power = estimator && strcmp(estimator, "power") == 0;
    absa_controller_options o = j->options;
    o.journal = keep;
    o.journal_user = &j->recorded;
    if (absa_controller_create(j->ctx, &o, &j->run))
        return refuse(j, line, absa_context_message(j->ctx));
    return 0;
}

static double number(const json_t *event, const char *name, double missing)
{
    const json_t *value = json_object_get(event, name);
    return json_is_number(value) ? json_number_value(value) : missing;
}

/* Uses samples up to where the event happened. */
static int go_to(job *j, int line, const json_t *event)
{
    const json_t *samples = json_object_get(event, "samples");
    absa_plan plan;
    absa_plan_init(&plan, sizeof plan);
    if (!json_is_integer(samples))
        return refuse(j, line, "the event has no samples");
    if (json_integer_value(samples) > j->options.samples * j->options.epochs)
        return refuse(j, line, "the run did not have so many samples");
    while (absa_controller_plan(j->run, 0, 1, &plan) == ABSA_OK &&
           plan.samples < json_integer_value(samples)) {
        const int64_t rest = plan.rows - plan.rows_done;
        const int64_t wanted = json_integer_value(samples) - plan.samples;
        if (absa_controller_advance(j->run, wanted < rest ? wanted : rest))
            return refuse(j, line, absa_context_message(j->ctx));
    }
    return plan.samples == json_integer_value(samples)
               ? 0
               : refuse(j, line, "the samples run backwards");
}

static int is(const json_t *event, const char *name, const char *word)
{
    const char *text = json_string_value(json_object_get(event, name));
    return text && strcmp(text, word) == 0;
}

static int truth(const json_t *event, const char *name, int missing)
{
    const json_t *value = json_object_get(event, name);
    return json_is_boolean(value) ? json_is_true(value) : missing;
}

static int measurement(job *j, int line, const json_t *event)
{
    const int decided = is(event, "stop", "decided") || is(event, "answer", "not_below");
    absa_eigen_result r;
    absa_decision d;
    absa_eigen_result_init(&r, sizeof r);
    absa_decision_init(&d, sizeof d);
    r.lower = number(event, "lower", -HUGE_VAL);
    r.upper = number(event, "upper", HUGE_VAL);
    r.value = number(event, "value", decided ? r.lower : (double)NAN);
    r.residual = number(event, "residual", 0.0);
    r.products = json_integer_value(json_object_get(event, "products"));
    r.answer = decided                        ? ABSA_ANSWER_NOT_BELOW
               : is(event, "answer", "below") ? ABSA_ANSWER_BELOW
               : is(event, "answer", "close") ? ABSA_ANSWER_CLOSE
                                              : ABSA_ANSWER_NONE;
    /* An older log has no word of the two; its reasons tell of most. */
    r.converged = truth(event, "converged",
                        decided || is(event, "stop", "converged") || is(event, "stop", "exact"));
    r.consistent = truth(event, "consistent", !is(event, "reason", "inconsistent"));
    r.rule = j->power ? ABSA_RULE_POWER : ABSA_RULE_CERTIFIED;
    const double standard_error = number(event, "standard_error", 0.0);
    const int status = go_to(j, line, event);
    if (status)
        return status;
    if (absa_controller_observe_sampled(j->run, &r, standard_error, &d))
        return refuse(j, line, absa_context_message(j->ctx));
    if ((double)d.batch != number(event, "batch", -1.0) || d.lr != number(event, "lr", d.lr) ||
        !is(event, "reason", absa_reason_name(d.reason)))
        return refuse(j, line, "the run's own settings do not lead to what the log says");
    return 0;
}

/* Whether a decision of this kind happened there already: a resumed run makes again what a killed
 * one made behind its last checkpoint, to the same bits. */
static int told(const job *j, const json_t *event, int32_t kind)
{
    const json_int_t samples = json_integer_value(json_object_get(event, "samples"));
    const json_int_t epoch = json_integer_value(json_object_get(event, "epoch"));
    for (int64_t i = j->resumed ? j->recorded.count : 0; i-- > 0;) {
        const absa_decision *d = &j->recorded.all[i];
        if (d->event == kind && d->samples == samples && d->epoch == epoch)
            return 1;
    }
    return 0;
}

/* An event that is the same whatever the options: an epoch's end, a collapse. */
static int happen(job *j, int line, const json_t *event, absa_status (*call)(absa_controller *))
{
    const int status = go_to(j, line, event);
    if (!status && call(j->run))
        return refuse(j, line, absa_context_message(j->ctx));
    return status;
}

static int take(job *j, int line, const json_t *event)
{
    if (is(event, "event", "start"))
        return start(j, line, event);
    if (!j->run)
        return refuse(j, line, "the log does not begin with its settings");
    if (is(event, "event", "measurement"))
        return told(j, event, ABSA_EVENT_MEASUREMENT) ? 0 : measurement(j, line, event);
    if (is(event, "event", "epoch"))
        return told(j, event, ABSA_EVENT_EPOCH) ? 0
                                                : happen(j, line, event, absa_controller_end_epoch);
    if (is(event, "event", "collapse"))
        return told(j, event, ABSA_EVENT_COLLAPSE)
                   ? 0
                   : happen(j, line, event, absa_controller_adversarial_collapse);
    return is(event, "event", "final") || is(event, "event", "prediction")
               ? 0
               : refuse(j, line, "not an event of absa-train");
}

static int read_log(job *j)
{
    FILE *f = fopen(j->path, "r");
    char *text = NULL;
    size_t room = 0;
    int line = 0, status = 0;
    if (!f) {
        fprintf(stderr, "absa-replay: %s: %s\n", j->path, strerror(errno));
        return REFUSED;
    }
    while (!status && getline(&text, &room, f) > 0) {
        json_error_t error;
        json_t *event = json_loads(text, 0, &error);
        line++;
        status = event ? take(j, line, event) : refuse(j, line, error.text);
        json_decref(event);
    }
    if (!status && ferror(f))
        status = refuse(j, line + 1, "cannot be read");
    if (!status && !j->run)
        status = refuse(j, line + 1, "the log is empty");
    free(text);
    fclose(f);
    return status;
}

/* The changed settings, from the run's. */
static int changed(job *j, absa_controller_options *o)
{
    *o = j->options;
    for (int i = 0; i < j->set_count; i++) {
        char name[64];
        const char *equals = strchr(j->sets[i], '=');
        const size_t length = equals ? (size_t)(equals - j->sets[i]) : 0;
        if (length == 0 || length >= sizeof name)
            return refuse(j, 0, "--set wants NAME=VALUE");
        memcpy(name, j->sets[i], length);
        name[length] = '\0';
        if (absa_controller_options_set(j->ctx, o, name, equals + 1))
            return refuse(j, 0, absa_context_message(j->ctx));
    }
    if (j->power && o->trigger == ABSA_TRIGGER_INTERVAL)
        return refuse(j, 0, "the run's POWER gave no upper bounds, which trigger=interval needs");
    o->journal = keep;
    o->journal_user = &j->replayed;
    return 0;
}

/* The next measurement of a journal from *at on, which moves behind it; NULL when there is none. */
static const absa_decision *next(const journal *k, int64_t *at)
{
    while (*at < k->count)
        if (k->all[(*at)++].event == ABSA_EVENT_MEASUREMENT)
            return &k->all[*at - 1];
    return NULL;
}

/* One decision's part of a line. */
static void print_decision(const absa_decision *d, int width)
{
    printf(" %6lld %8.3g %-*s", (long long)d->batch, d->lr, width, absa_reason_name(d->reason));
}

/* At most 80 columns, with the longest reasons, while batches have six digits. */
static void print_both(const job *j)
{
    const absa_decision *a, *b;
    int64_t at = 0, at_other = 0;
    printf("%3s %9s %8s %6s %8s %-12s %6s %8s %s\n", "ep", "samples", "lambda", "batch", "lr",
           "recorded", "batch", "lr", "replayed");
    while ((a = next(&j->recorded, &at))) {
        printf("%3lld %9lld %8.*g", (long long)a->epoch, (long long)a->samples,
               a->value < 0.0 ? 2 : 3, a->value);
        print_decision(a, 12);
        b = next(&j->replayed, &at_other);
        if (b)
            print_decision(b, 0);
        fputs(b ? "\n" : " -\n", stdout);
        if (!b)
            break;
    }
}

/* Decisions up to the first one that a run with these options would not have stopped at: with
 * lr_cap or shrink_ratio it measures the eigenvalue itself. */
static int64_t measured(const job *j, const absa_controller_options *o)
{
    const int bounds_do = j->options.lr_cap > 0.0 || j->options.shrink_ratio > 0.0 ||
                          (o->lr_cap == 0.0 && o->shrink_ratio == 0.0);
    int64_t count = 0;
    while (count < j->recorded.count &&
           (bounds_do || j->recorded.all[count].answer != ABSA_ANSWER_NOT_BELOW))
        count++;
    return count;
}

static int replay(job *j)
{
    absa_controller_options o;
    absa_controller *other = NULL;
    absa_replay result;
    int status = changed(j, &o);
    if (status)
        return status;
    const int64_t count = measured(j, &o);
    absa_replay_init(&result, sizeof result);
    if (absa_controller_create(j->ctx, &o, &other) ||
        absa_controller_replay(other, j->recorded.all, count, sizeof *j->recorded.all, &result))
        status = refuse(j, 0, absa_context_message(j->ctx));
    if (!status)
        print_both(j);
    if (!status && result.undetermined >= 0) {
        const absa_decision *d = &j->recorded.all[result.undetermined];
        printf("the next measurement's interval is too wide; record with --measure full\n"
               "undetermined at epoch %lld: [%.4g, %.4g] holds the threshold %.4g\n",
               (long long)d->epoch, d->lower, d->upper, result.threshold);
        status = UNDETERMINED;
    } else if (!status && result.replayed < count) {
        puts("the replayed training ends there");
    } else if (!status && count < j->recorded.count) {
        printf("undetermined at epoch %lld: the run stopped at a lower bound, %.4g; record with\n"
               "--measure full\n",
               (long long)j->recorded.all[count].epoch, j->recorded.all[count].lower);
        status = UNDETERMINED;
    }
    absa_controller_destroy(&other);
    return status;
}

static int add_set(void *user, int option, const char *value)
{
    job *j = user;
    (void)option; /* there is one */
    if (j->set_count == MOST_SETS)
        return refuse(j, 0, "too many --set");
    j->sets[j->set_count++] = value;
    return 0;
}

static int parse(int argc, char **argv, job *j, int *finished)
{
    static const command_option set = {"set", "NAME=VALUE", NULL,
                                       "any field of absa_controller_options by its name;\n"
                                       "repeatable; real numbers may be fractions:\n"
                                       "eigenvalue_ratio=3/2"};
    const command_line line = {
        .program = "absa-replay",
        .before = "Usage: absa-replay RUN.jsonl [--set NAME=VALUE]...\n"
                  "Shows what other settings would have made of the measurements of a run.\n",
        .after = "Exit status: 0 done, 1 the output cannot be written, 2 refused, 3 a measurement\n"
                 "does not settle what is asked.\n",
        .options = &set,
        .count = 1,
        .take = add_set,
        .user = j,
    };
    const int status = command_line_read(&line, argc, argv, &j->path, finished);
    if (status || *finished)
        return status;
    return j->path ? 0 : refuse(j, 0, "one log of absa-train is wanted: absa-replay RUN.jsonl");
}

int main(int argc, char **argv)
{
    job j = {0};
    int finished, status = parse(argc, argv, &j, &finished);
    if (finished)
        return status;
    if (!status && absa_context_create(NULL, &j.ctx))
        status = refuse(&j, 0, "no memory");
    if (!status)
        status = read_log(&j);
    if (!status)
        status = replay(&j);
    absa_controller_destroy(&j.run);
    absa_context_destroy(&j.ctx);
    free(j.recorded.all);
    free(j.replayed.all);
    return status == REFUSED ? status : command_end("absa-replay", status);
}
