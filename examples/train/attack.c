/* The attacks of training and the two that robustness is measured by. */
#include "attack.h"

#include "say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The random starts of the measurement are always the same ones. */
static const uint64_t measure_seed = UINT64_C(0x726f62757374);
/* Rows that the measurement attacks at a time. */
enum { MEASURE_ROWS = 64, MEASURE_STEPS = 10 };

/* Rows of test data that are attacked after an epoch. */
static int64_t rows_to_measure(const attack *a)
{
    const int64_t wanted = a->c->robust_rows, most = a->d->test_view.rows;
    return wanted < most ? wanted : most;
}

int attack_create(absa_context *ctx, const config *c, const run_data *d, absa_refnet *net,
                  int64_t micro_rows, attack *a)
{
    const int64_t features = d->train_view.features, channels = d->train_view.channels;
    memset(a, 0, sizeof *a);
    a->ctx = ctx;
    a->c = c;
    a->d = d;
    a->net = net;
    a->room = micro_rows > MEASURE_ROWS ? micro_rows : MEASURE_ROWS;
    a->point = calloc((size_t)(a->room * features), sizeof(float));
    a->gradient = calloc((size_t)(a->room * features), sizeof(float));
    a->selected = calloc((size_t)a->room, 1);
    a->ids = calloc((size_t)a->room, sizeof(int64_t));
    a->epsilon = calloc((size_t)channels, sizeof(double));
    a->lo = calloc((size_t)channels, sizeof(double));
    a->hi = calloc((size_t)channels, sizeof(double));
    const size_t measured = c->collapse_ends ? (size_t)rows_to_measure(a) : 1;
    for (int k = 0; k < 3; k++)
        a->losses[k] = calloc(measured, sizeof(double));
    if (!a->point || !a->gradient || !a->selected || !a->ids || !a->epsilon || !a->lo || !a->hi ||
        !a->losses[0] || !a->losses[1] || !a->losses[2])
        return give_up("not enough memory");
    return DONE;
}

void attack_release(attack *a)
{
    free(a->point);
    free(a->gradient);
    free(a->selected);
    free(a->ids);
    free(a->epsilon);
    free(a->lo);
    free(a->hi);
    for (int k = 0; k < 3; k++)
        free(a->losses[k]);
    memset(a, 0, sizeof *a);
}

/* absa_input_gradient_fn: every row's own loss, batch normalisation as in evaluation. */
static int input_gradient(void *user, int64_t rows, const void *point, void *g)
{
    attack *a = user;
    a->status = absa_refnet_set_mode(a->net, ABSA_REFNET_EVALUATE);
    if (!a->status)
        a->status = absa_refnet_input_gradient(a->net, a->theta, point, a->labels, rows, g, NULL);
    return a->status;
}

/* Sizes and boxes per channel in the network's units; the rows are channel by channel. */
static int fill_options(attack *a, double epsilon, absa_perturb_options *o)
{
    const absa_dataset_view *v = &a->d->train_view;
    absa_perturb_options_init(o, sizeof *o);
    o->row_size = v->features;
    o->channels = v->channels;
    if (absa_perturb_normalised(v->channels, epsilon, a->d->mean, a->d->std, a->epsilon, a->lo,
                                a->hi))
        return give_up("epsilon %g is not a size", epsilon);
    o->channel_epsilon = a->epsilon;
    o->channel_lo = a->lo;
    o->channel_hi = a->hi;
    return DONE;
}

static int run_attack(attack *a, const absa_perturb_options *o, int64_t rows, const float *x)
{
    a->status = ABSA_OK;
    const absa_status status =
        absa_perturb_run(o, rows, x, input_gradient, a, a->gradient, a->point, NULL);
    /* Numbers that are none any more are the run's outcome, not a fault. */
    if (status == ABSA_E_NONFINITE || a->status == ABSA_E_NONFINITE)
        return DIVERGED;
    if (a->status)
        return give_up("%s", absa_context_message(a->ctx));
    return status ? give_up("the adversarial step failed: %s", absa_status_text(status)) : DONE;
}

/* Marks the rows of this part of the window that the key chooses. The choice itself is one of the
 * whole window, so it is made once for all of its micro-batches. */
static int choose(attack *a, const absa_plan *plan, int64_t first, int64_t rows, int64_t *chosen)
{
    absa_selection *s = &a->selection;
    if (s->struct_size == 0 || s->update != plan->update || s->count != plan->adversarial_rows ||
        a->selection_rows != plan->rows) {
        absa_selection_init(s, sizeof *s);
        s->seed = a->c->seed;
        s->update = plan->update;
        s->count = plan->adversarial_rows;
        a->selection_rows = plan->rows;
        if (absa_selection_keyed(s, plan->rows, NULL, NULL, NULL))
            return give_up("rows cannot be selected");
    }
    if (absa_selection_rows(s, rows, NULL, first, a->selected, chosen))
        return give_up("rows cannot be selected");
    return DONE;
}

/* The authors clip to what the perturbed slice holds. */
static void clip_to_slice(const float *x, int64_t count, absa_perturb_options *o)
{
    o->lo = o->hi = (double)x[0];
    for (int64_t i = 1; i < count; i++) {
        o->lo = fmin(o->lo, (double)x[i]);
        o->hi = fmax(o->hi, (double)x[i]);
    }
    o->channel_lo = o->channel_hi = NULL;
}

static void swap_rows(float *x, int32_t *labels, int64_t *ids, int64_t features, int64_t i,
                      int64_t k)
{
    const int32_t label = labels[i];
    const int64_t id = ids[i];
    labels[i] = labels[k];
    labels[k] = label;
    ids[i] = ids[k];
    ids[k] = id;
    for (int64_t j = 0; j < features && i != k; j++) {
        const float value = x[i * features + j];
        x[i * features + j] = x[k * features + j];
        x[k * features + j] = value;
    }
}

int attack_rows(attack *a, const absa_plan *plan, int64_t first_in_window, int64_t rows,
                int64_t prefix, const float *theta, float *x, int32_t *labels)
{
    const int64_t features = a->d->train_view.features;
    absa_perturb_options o;
    int64_t count = prefix;
    int status = DONE;
    if (plan->adversarial_rows == 0)
        return DONE;
    for (int64_t i = 0; i < rows; i++)
        a->ids[i] = first_in_window + i;
    if (a->c->keyed) {
        status = choose(a, plan, first_in_window, rows, &count);
        /* To the front with them, so that the gradient is computed for no other row; the order of
         * rows in a micro-batch means nothing. */
        for (int64_t i = 0, front = 0; i < rows && !status; i++)
            if (a->selected[i])
                swap_rows(x, labels, a->ids, features, i, front++);
    }
    if (status || count == 0)
        return status;
    status = fill_options(a, plan->epsilon, &o);
    if (status)
        return status;
    absa_perturb_options_attack(&o, a->c->attack);
    o.steps = a->c->attack_steps;
    o.seed = a->c->seed;
    o.update = plan->update;
    o.ids = a->ids;
    if (a->c->preset == ABSA_PRESET_AUTHORS)
        clip_to_slice(x, count * features, &o);
    a->theta = theta;
    a->labels = labels;
    status = run_attack(a, &o, count, x);
    if (!status)
        memcpy(x, a->point, (size_t)(count * features) * sizeof *x);
    return status;
}

/* Rows that are right at x; with losses, the loss of each too, which takes a call for each. */
static int look_at(attack *a, const float *x, int64_t rows, double *right, double *losses)
{
    absa_refnet_evaluation e;
    const int64_t at_once = losses ? 1 : rows;
    for (int64_t i = 0; i < rows; i += at_once) {
        absa_refnet_evaluation_init(&e, sizeof e);
        const absa_status status = absa_refnet_evaluate(
            a->net, a->theta, x + i * a->d->test_view.features, a->labels + i, at_once, &e);
        if (status == ABSA_E_NONFINITE)
            return DIVERGED;
        if (status)
            return give_up("%s", absa_context_message(a->ctx));
        *right += (double)e.correct;
        if (losses)
            losses[i] = e.loss_sum;
    }
    return DONE;
}

static int check_collapse(attack *a, int64_t rows, int *collapsed)
{
    absa_collapse_result r;
    absa_collapse_result_init(&r, sizeof r);
    const absa_status status =
        absa_collapse_check(NULL, rows, a->losses[0], a->losses[1], a->losses[2], &r);
    if (status)
        return give_up("the check for a collapse: %s", absa_status_text(status));
    *collapsed = r.collapsed;
    return DONE;
}

int attack_measure(attack *a, const float *theta, int watch, robustness *out)
{
    const absa_dataset_view *v = &a->d->test_view;
    const int64_t all = rows_to_measure(a);
    const int32_t attacks[2] = {ABSA_ATTACK_FGSM, ABSA_ATTACK_PGD};
    double clean = 0, right[2] = {0, 0};
    absa_perturb_options o;
    int status = DONE;
    out->clean = out->fgsm = out->pgd = (double)NAN;
    out->collapsed = 0;
    if (all == 0)
        return DONE;
    a->theta = theta;
    for (int64_t first = 0; first < all && !status; first += MEASURE_ROWS) {
        const int64_t rows = all - first < MEASURE_ROWS ? all - first : MEASURE_ROWS;
        const float *x = v->x + first * v->features;
        a->labels = v->labels + first;
        status = look_at(a, x, rows, &clean, watch ? a->losses[0] + first : NULL);
        for (int k = 0; k < 2 && !status; k++) {
            status = fill_options(a, a->c->controller.epsilon, &o);
            if (status)
                break;
            absa_perturb_options_attack(&o, attacks[k]);
            o.steps = k == 0 ? 1 : MEASURE_STEPS;
            o.seed = measure_seed;
            o.first_id = first;
            status = run_attack(a, &o, rows, x);
            if (!status)
                status =
                    look_at(a, a->point, rows, &right[k], watch ? a->losses[1 + k] + first : NULL);
        }
    }
    if (status)
        return status;
    out->clean = clean / (double)all;
    out->fgsm = right[0] / (double)all;
    out->pgd = right[1] / (double)all;
    return watch ? check_collapse(a, all, &out->collapsed) : DONE;
}
