/* The reference network behind six functions. Random choices are pure functions of the seed and of
 * what is counted (epoch, measurement), so that a checkpoint needs the counters only. */
#include "host.h"

#include "augment.h"
#include "progress.h"
#include "say.h"

#include <absa/random.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Streams of absa/random.h; the weights take the lowest ones. */
static const uint64_t order_stream = UINT64_C(1) << 40, probe_stream = UINT64_C(2) << 40;

/* The most that a network takes. */
enum { MOST_GHOST_ROWS = 65536 };

/* How fast the running statistics of batch normalisation follow. */
static const double running_share = 0.1;

/* Present where BLAS is OpenBLAS. One thread is the fastest for networks of this size, and the sums
 * do not depend on the machine's cores. */
extern void openblas_set_num_threads(int threads) __attribute__((weak));

/* A loss that is no number any more is the run's outcome, not a fault. */
static int failed(const host *h, absa_status status)
{
    return status == ABSA_E_NONFINITE ? DIVERGED : give_up("%s", absa_context_message(h->ctx));
}

static void *zeros(int64_t count, size_t size)
{
    return calloc(count > 0 ? (size_t)count : 1, size);
}

static int make_network(host *h)
{
    const absa_dataset_view *v = &h->d->train_view;
    absa_refnet_options o;
    absa_refnet_options_init(&o, sizeof o);
    o.name = h->c->model;
    o.channels = v->channels;
    o.height = v->height;
    o.width = v->width;
    o.outputs = v->classes;
    o.weight_decay = h->c->weight_decay;
    o.probe_rows = h->probe_rows;
    o.threads = h->c->threads;
    /* The authors normalise over a micro-batch, as a framework does that is given one at a time. */
    if (h->c->preset == ABSA_PRESET_AUTHORS)
        o.ghost_rows = h->micro_rows < MOST_GHOST_ROWS ? h->micro_rows : MOST_GHOST_ROWS;
    if (absa_refnet_create(h->ctx, &o, &h->net))
        return refuse("--model %s on --data %s: %s", h->c->model, data_name(h->c->data),
                      absa_context_message(h->ctx));
    h->n = absa_refnet_parameter_count(h->net);
    const int status = measured_create(h->ctx, h->c, h->net, &h->measured);
    if (status)
        return status;
    if (absa_eigen_create(h->ctx, &h->measured.space, &h->c->eigen, &h->eigen))
        return refuse("%s", absa_context_message(h->ctx));
    return DONE;
}

int host_create(absa_context *ctx, const config *c, const run_data *d, int64_t micro_rows, host *h)
{
    const int64_t features = d->train_view.features, rows = d->train_view.rows;
    int status;
    memset(h, 0, sizeof *h);
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    h->ctx = ctx;
    h->c = c;
    h->d = d;
    h->micro_rows = micro_rows < rows ? micro_rows : rows; /* none crosses an epoch's end */
    h->probe_rows = c->probe < rows ? c->probe : rows;
    h->order_epoch = -1;
    status = make_network(h);
    if (status)
        return status;
    h->theta = zeros(h->n, sizeof(float));
    h->velocity = zeros(h->n, sizeof(float));
    h->window = zeros(h->n, sizeof(float));
    h->gradient = zeros(h->n, sizeof(float));
    h->hint = zeros(c->keep_hint ? h->measured.count : 0, sizeof(float));
    h->statistic_count = absa_refnet_statistic_count(h->net);
    h->statistics = zeros(h->statistic_count, sizeof(double));
    h->x = zeros(h->micro_rows * features, sizeof(float));
    h->row = zeros(features, sizeof(float));
    h->labels = zeros(h->micro_rows, sizeof(int32_t));
    h->order = zeros(rows, sizeof(int64_t));
    h->probe_x = zeros(h->probe_rows * features, sizeof(float));
    h->probe_labels = zeros(h->probe_rows, sizeof(int32_t));
    if (!h->theta || !h->velocity || !h->window || !h->gradient || !h->hint || !h->statistics ||
        !h->x || !h->row || !h->labels || !h->order || !h->probe_x || !h->probe_labels)
        return give_up("not enough memory");
    if (absa_refnet_init_parameters(h->net, c->seed, h->theta))
        return give_up("%s", absa_context_message(ctx));
    return attack_create(ctx, c, d, h->net, h->micro_rows, &h->attack);
}

void host_release(host *h)
{
    absa_eigen_destroy(&h->eigen);
    measured_release(&h->measured);
    absa_refnet_destroy(&h->net);
    free(h->theta);
    free(h->velocity);
    free(h->window);
    free(h->gradient);
    free(h->hint);
    free(h->statistics);
    free(h->x);
    free(h->row);
    attack_release(&h->attack);
    free(h->labels);
    free(h->order);
    free(h->probe_x);
    free(h->probe_labels);
    memset(h, 0, sizeof *h);
}

/* Draws the first `count` of a shuffle of all rows (Fisher and Yates). */
static void draw_rows(uint64_t seed, uint64_t stream, int64_t *order, int64_t rows, int64_t count)
{
    double u[256];
    for (int64_t i = 0; i < rows; i++)
        order[i] = i;
    for (int64_t i = 0; i < count; i++) {
        if (i % 256 == 0)
            absa_random_uniform(seed, stream, i, 256, u);
        int64_t k = i + (int64_t)(u[i % 256] * (double)(rows - i));
        if (k >= rows) /* u may be 1 */
            k = rows - 1;
        const int64_t kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
}

int host_gradient(host *h, const absa_plan *plan, const absa_micro *m)
{
    const int64_t epoch = plan->epochs_ended, rows = m->rows;
    if (h->order_epoch != epoch) {
        const int64_t all = h->d->train_view.rows;
        draw_rows(h->c->seed, order_stream + (uint64_t)epoch, h->order, all, all);
        h->order_epoch = epoch;
    }
    const double begun = seconds_now();
    absa_status status =
        absa_dataset_gather(h->d->train, h->order + m->first, rows, h->x, h->labels);
    if (status)
        return failed(h, status);
    augment_rows(h->c->augment, h->c->seed, epoch, h->d, h->order + m->first, rows, h->x, h->row);
    const double gathered = seconds_now();
    const int code = attack_rows(&h->attack, plan, plan->rows_done, rows, m->adversarial_rows,
                                 h->theta, h->x, h->labels);
    if (code)
        return code;
    const double attack_seconds = seconds_now() - gathered;
    status = absa_refnet_set_mode(h->net, ABSA_REFNET_TRAIN);
    if (!status)
        status = absa_refnet_gradient(h->net, h->theta, h->x, h->labels, rows, h->gradient, NULL);
    if (!status)
        status = absa_refnet_track(h->net, running_share);
    if (status)
        return failed(h, status);
    const float w = (float)m->weight;
    for (int64_t i = 0; i < h->n; i++)
        h->window[i] += w * h->gradient[i];
    h->timing.rows += rows;
    h->timing.attacked += m->adversarial_rows;
    h->timing.attack += attack_seconds;
    h->timing.gradient += seconds_now() - begun - attack_seconds;
    return DONE;
}

void host_step(host *h, double lr, double velocity_factor)
{
    const double begun = seconds_now();
    const float mu = (float)(h->c->momentum * velocity_factor), step = (float)lr;
    for (int64_t i = 0; i < h->n; i++) {
        h->velocity[i] = mu * h->velocity[i] + h->window[i];
        h->theta[i] -= step * h->velocity[i];
        h->window[i] = 0.0f;
    }
    h->timing.step += seconds_now() - begun;
    h->timing.updates++;
}

/* One fixed subset of the training rows, or another one for each measurement. */
static int load_probe(host *h, int64_t number)
{
    const int64_t rows = h->d->train_view.rows;
    if (h->probe_drawn && !h->c->probe_fresh)
        return DONE;
    draw_rows(h->c->seed, probe_stream + (uint64_t)(h->c->probe_fresh ? number : 0), h->order, rows,
              h->probe_rows);
    h->order_epoch = -1; /* the epoch's order was overwritten */
    h->probe_drawn = 1;
    if (absa_dataset_gather(h->d->train, h->order, h->probe_rows, h->probe_x, h->probe_labels))
        return give_up("%s", absa_context_message(h->ctx));
    return DONE;
}

double host_product_cost(const host *h)
{
    const double product = h->measured.seconds / h->measured.rows;
    const double gradient = h->timing.gradient / (double)h->timing.rows;
    return h->measured.rows > 0 && gradient > 0 ? product / gradient : (double)NAN;
}

double host_value(const absa_eigen_result *result)
{
    return result->answer == ABSA_ANSWER_NOT_BELOW ? (double)NAN : result->value;
}

int host_measure(host *h, int64_t number, const absa_plan *plan, absa_eigen_result *result)
{
    absa_eigen_args args;
    const double begun = seconds_now();
    const int status = load_probe(h, number);
    if (status)
        return status;
    absa_eigen_args_init(&args, sizeof args);
    args.stream = (uint64_t)number;
    args.threshold = plan->threshold;
    args.threshold_closed = plan->threshold_closed;
    /* The last eigenvector usually settles "not below" by itself: let it lead the start. */
    if (h->c->eigen.rule == ABSA_RULE_DECIDE)
        args.hint_weight = 10.0;
    if (h->has_hint) {
        args.hint = h->hint;
        args.hint_stream = h->hint_stream;
    }
    absa_eigen_result_init(result, sizeof *result);
    absa_status outcome = absa_refnet_set_mode(h->net, ABSA_REFNET_EVALUATE);
    if (!outcome)
        outcome =
            absa_refnet_probe(h->net, h->theta, h->probe_x, h->probe_labels, h->probe_rows, NULL);
    if (!outcome)
        outcome = absa_eigen_run(h->eigen, h->measured.op, &args, result);
    if (outcome)
        return failed(h, outcome);
    if (h->c->keep_hint) {
        if (absa_eigen_vector(h->eigen, h->hint))
            return give_up("%s", absa_context_message(h->ctx));
        h->has_hint = 1;
        h->hint_stream = args.stream;
    }
    h->timing.measure += seconds_now() - begun;
    h->timing.measurements++;
    h->timing.products += result->products;
    return DONE;
}

int host_evaluate(host *h, const absa_dataset_view *view, double *loss, double *accuracy)
{
    absa_refnet_evaluation e;
    absa_refnet_evaluation_init(&e, sizeof e);
    absa_status status = absa_refnet_set_mode(h->net, ABSA_REFNET_EVALUATE);
    if (!status)
        status = absa_refnet_evaluate(h->net, h->theta, view->x, view->labels, view->rows, &e);
    if (status)
        return failed(h, status);
    *loss = e.loss_sum / (double)e.rows;
    *accuracy = (double)e.correct / (double)e.rows;
    return DONE;
}
