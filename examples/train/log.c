/* JSON lines: 17 significant digits, so that a number read back is the number; null for what is no
 * number. */
#include "log.h"

#include "host.h"
#include "say.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_int_t whole(int64_t value)
{
    return (json_int_t)value;
}

/* Takes the object. */
static int write_line(run_log *log, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (!text)
        return give_up("not enough memory for a line of the log");
    const int bad = fprintf(log->file, "%s\n", text) < 0 || fflush(log->file) != 0;
    free(text);
    if (bad)
        return give_up("%s: cannot be written: %s", log->path, strerror(errno));
    return DONE;
}

int log_open(run_log *log, const char *path, int resumed)
{
    log->path = path;
    log->file = path ? fopen(path, resumed ? "a" : "w") : NULL;
    if (path && !log->file)
        return refuse("%s: cannot be written: %s", path, strerror(errno));
    return DONE;
}

/* Every option of the controller under its field's name, numbers as numbers and choices as words.
 */
static int add_options(json_t *line, const absa_controller_options *o)
{
    const char *name;
    for (int32_t i = 0; (name = absa_controller_options_name(i)); i++) {
        char text[1024];
        size_t size;
        /* The program's own momentum is the factor; the controller's is the form of it. */
        const char *key = strcmp(name, "momentum") == 0 ? "momentum_form" : name;
        if (strcmp(name, "decay") == 0) {
            json_t *points = json_array();
            for (int64_t k = 0; k < o->decay_count; k++)
                json_array_append_new(points, number(o->decay[k]));
            json_object_set_new(line, name, points);
            continue;
        }
        if (absa_controller_options_get(NULL, o, name, text, sizeof text, &size))
            return 0;
        char *end;
        const long long integer = strtoll(text, &end, 10);
        if (*text && !*end) {
            json_object_set_new(line, key, json_integer(integer));
            continue;
        }
        const double real = strtod(text, &end);
        json_object_set_new(line, key, *end ? json_string(text) : number(real));
    }
    return 1;
}

int log_start(run_log *log, const config *c, const run_data *d, int64_t parameters,
              int64_t block_parameters, int64_t probe, int64_t resumed_at)
{
    if (!log->file)
        return DONE;
    json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I}", "event",
                             "start", "data", data_name(c->data), "model", c->model, "preset",
                             c->preset_name, "estimator", rule_name(c->eigen.rule), "seed",
                             whole((int64_t)c->seed), "parameters", whole(parameters), "block",
                             c->block, "block_parameters", whole(block_parameters), "train_rows",
                             whole(d->train_view.rows), "test_rows", whole(d->test_view.rows));
    json_t *rest = json_pack(
        "{s:s, s:I, s:I, s:b, s:o, s:o, s:I, s:o, s:o, s:b, s:s, s:s, s:I, s:s, s:I, s:s, s:I}",
        "augment", augment_name(c->augment), "threads", whole(c->threads ? c->threads : 1), "probe",
        whole(probe), "probe_fresh", c->probe_fresh, "momentum", number(c->momentum),
        "weight_decay", number(c->weight_decay), "max_products", whole(c->eigen.max_products),
        "tolerance", number(c->eigen.tolerance), "eta", number(c->eigen.eta), "keep_hint",
        c->keep_hint, "inputs", c->normalised ? "normalised" : "pixels", "attack",
        attack_name(c->attack), "attack_steps", whole(c->attack_steps), "select",
        c->keyed ? "keyed" : "prefix", "robust_rows", whole(c->robust_rows), "collapse",
        c->collapse_ends ? "end" : "ignore", "resumed_at", whole(resumed_at));
    if (!line || !rest || !add_options(line, &c->controller)) {
        json_decref(line);
        json_decref(rest);
        return give_up("not enough memory for the log");
    }
    json_object_update(line, rest);
    json_decref(rest);
    return write_line(log, line);
}

static const char *stop_name(int32_t stop)
{
    static const char *const names[] = {"none",    "converged", "budget",
                                        "monitor", "exact",     "decided"};
    return stop >= 0 && stop < (int32_t)(sizeof names / sizeof *names) ? names[stop] : "other";
}

static const char *answer_name(int32_t answer)
{
    static const char *const names[] = {"none", "not_below", "below", "close"};
    return answer >= 0 && answer < (int32_t)(sizeof names / sizeof *names) ? names[answer]
                                                                           : "other";
}

int log_measurement(run_log *log, const absa_decision *decision, const absa_eigen_result *result)
{
    if (!log->file)
        return DONE;
    return write_line(
        log,
        json_pack(
            "{s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:s, s:s, s:b, s:b, s:s, s:I, s:o, s:o}",
            "event", "measurement", "update", whole(decision->update), "samples",
            whole(decision->samples), "epoch", whole(decision->epoch), "value",
            number(host_value(result)), "lower", number(result->lower), "upper",
            number(result->upper), "residual", number(result->residual), "products",
            whole(result->products), "stop", stop_name(result->stop), "answer",
            answer_name(result->answer), "converged", result->converged, "consistent",
            result->consistent, "reason", absa_reason_name(decision->reason), "batch",
            whole(decision->batch), "lr", number(decision->lr), "gamma", number(decision->gamma)));
}

int log_epoch(run_log *log, const history_row *row, int64_t updates, int64_t samples)
{
    if (!log->file)
        return DONE;
    return write_line(
        log,
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "event", "epoch",
                  "epoch", whole(row->epoch), "updates", whole(updates), "samples", whole(samples),
                  "batch", whole(row->batch), "lr", number(row->lr), "gamma", number(row->gamma),
                  "loss", number(row->loss), "accuracy", number(row->accuracy), "robust_clean",
                  number(row->robust_clean), "robust_fgsm", number(row->robust_fgsm), "robust_pgd",
                  number(row->robust_pgd)));
}

int log_collapse(run_log *log, const absa_plan *plan)
{
    if (!log->file)
        return DONE;
    return write_line(log, json_pack("{s:s, s:I, s:I, s:I}", "event", "collapse", "update",
                                     whole(plan->update), "samples", whole(plan->samples), "epoch",
                                     whole(plan->epochs_ended + 1)));
}

int log_prediction(run_log *log, int64_t processes, const absa_cost_result *r, double speed_up)
{
    if (!log->file)
        return DONE;
    return write_line(log,
                      json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "event", "prediction",
                                "processes", whole(processes), "seconds", number(r->total),
                                "computing", number(r->computing), "exchange", number(r->exchange),
                                "measuring", number(r->measuring), "allreduce",
                                number(r->allreduce), "speed_up", number(speed_up)));
}

int log_final(run_log *log, const totals *t)
{
    if (!log->file)
        return DONE;
    return write_line(
        log,
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "event",
                  "final", "accuracy", number(t->accuracy), "robust_clean", number(t->robust_clean),
                  "robust_fgsm", number(t->robust_fgsm), "robust_pgd", number(t->robust_pgd),
                  "loss", number(t->loss), "updates", whole(t->updates), "samples",
                  whole(t->samples), "hvps", whole(t->products), "measurements",
                  whole(t->measurements), "batch", whole(t->batch), "lr", number(t->lr),
                  "product_gradients", number(t->product_cost), "seconds", number(t->seconds)));
}

int log_close(run_log *log)
{
    const int bad = log->file && fclose(log->file) != 0;
    log->file = NULL;
    return bad ? give_up("%s: cannot be written: %s", log->path, strerror(errno)) : DONE;
}
