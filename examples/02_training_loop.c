/* An existing training loop that adopts the controller. The model is a logistic regression with its
 * own gradient and Hessian-vector product; everything that mentions ctl is what adopting it takes.
 */
#include <absa/absa.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 4096, FEATURES = 30, PROBE = 1024, EPOCHS = 12 };

typedef struct host {
    double x[SAMPLES][FEATURES];
    int y[SAMPLES];
    double w[FEATURES];
} host;

static double dot(const double *a, const double *b)
{
    double sum = 0.0;
    for (int j = 0; j < FEATURES; j++)
        sum += a[j] * b[j];
    return sum;
}

static double probability(const host *h, int64_t i)
{
    return 1.0 / (1.0 + exp(-dot(h->x[i], h->w)));
}

/* g += weight * mean gradient of rows first .. first + rows - 1; returns the sum of their losses.
 */
static double gradient(const host *h, int64_t first, int64_t rows, double weight, double *g)
{
    double loss = 0.0;
    for (int64_t i = first; i < first + rows; i++) {
        const double p = probability(h, i), c = weight * (p - h->y[i]) / (double)rows;
        loss -= log(h->y[i] ? p : 1.0 - p);
        for (int j = 0; j < FEATURES; j++)
            g[j] += c * h->x[i][j];
    }
    return loss;
}

/* hv = H v over the probe: the first PROBE rows, the same in every call. */
static int hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const host *h = user;
    double *out = hv;
    for (int j = 0; j < FEATURES; j++)
        out[j] = 0.0;
    for (int i = 0; i < PROBE; i++) {
        const double p = probability(h, i), c = p * (1.0 - p) * dot(h->x[i], v) / PROBE;
        for (int j = 0; j < FEATURES; j++)
            out[j] += c * h->x[i][j];
    }
    *samples = PROBE;
    return 0;
}

static void make_data(host *h)
{
    double truth[FEATURES], noise[SAMPLES];
    absa_random_gaussian_f64(1, 0, 0, FEATURES, truth);
    absa_random_uniform(1, 1, 0, SAMPLES, noise);
    absa_random_gaussian_f64(1, 2, 0, SAMPLES * FEATURES, &h->x[0][0]);
    for (int i = 0; i < SAMPLES; i++)
        h->y[i] = noise[i] < 1.0 / (1.0 + exp(-dot(h->x[i], truth)));
}

static void die(const absa_context *ctx)
{
    fprintf(stderr, "libabsa: %s\n", absa_context_message(ctx));
    exit(1);
}

int main(void)
{
    static host h;
    double velocity[FEATURES] = {0}, acc[FEATURES] = {0}, loss = 0.0;
    absa_context *ctx = NULL;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_controller *ctl = NULL;
    absa_controller_options o;
    absa_eigen_result r;
    absa_space space;
    absa_plan plan;
    absa_micro m;

    make_data(&h);
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_ABS;
    o.samples = SAMPLES;
    o.epochs = EPOCHS;
    o.batch = o.micro_batch = 32; /* the memory of the machine: larger batches are accumulated */
    o.batch_max = 512;
    o.lr = 0.02;
    o.measure_every = 1024;
    o.patience = 8;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, FEATURES);
    if (absa_context_create(NULL, &ctx) || absa_controller_create(ctx, &o, &ctl) ||
        absa_operator_from_hvp(ctx, &space, hvp, &h, NULL, &op) ||
        absa_eigen_create(ctx, &space, NULL, &eigen))
        die(ctx);

    absa_plan_init(&plan, sizeof plan);
    absa_micro_init(&m, sizeof m);
    absa_eigen_result_init(&r, sizeof r);
    while (absa_controller_plan(ctl, 0, 1, &plan) == ABSA_OK && !plan.finished) {
        if (plan.measure_due) {
            if (absa_eigen_run(eigen, op, NULL, &r) || absa_controller_observe(ctl, &r, NULL))
                die(ctx);
            continue;
        }
        if (plan.epoch_done) {
            printf("epoch %2d  loss %.4f  batch %4d  lr %.3f  lambda %.4f\n",
                   (int)plan.epochs_ended + 1, loss / SAMPLES, (int)plan.batch, plan.lr, r.value);
            loss = 0.0;
            absa_controller_end_epoch(ctl);
            continue;
        }
        if (absa_controller_micro(ctl, 0, 1, &m))
            die(ctx);
        loss += gradient(&h, m.first, m.rows, m.weight, acc);
        absa_controller_advance(ctl, m.global_rows);
        if (!m.last)
            continue;
        for (int j = 0; j < FEATURES; j++) {
            velocity[j] = 0.9 * velocity[j] + acc[j];
            h.w[j] -= plan.lr * velocity[j];
            acc[j] = 0.0;
        }
    }
    printf("%d updates instead of %d\n", (int)plan.update, EPOCHS * SAMPLES / 32);
    absa_controller_destroy(&ctl);
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
    return 0;
}
