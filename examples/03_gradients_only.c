/* A host with two flat arrays, parameters and their gradient, and nothing more. Its Hessian-vector
 * products are differences of gradients, checked once before they steer the batch. */
#include <absa/absa.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 8, HIDDEN = 16, SAMPLES = 6144, PROBE = 768, EPOCHS = 16 };
enum { OUTPUT = HIDDEN * (INPUTS + 1), PARAMETERS = OUTPUT + HIDDEN + 1 };

typedef struct host {
    float theta[PARAMETERS], g[PARAMETERS]; /* rows of weights, the bias behind each */
    float x[SAMPLES][INPUTS];
    int y[SAMPLES];
} host;

static double forward(const float *theta, const float *x, float *hidden)
{
    double sum = theta[OUTPUT + HIDDEN];
    for (int i = 0; i < HIDDEN; i++) {
        const float *w = theta + i * (INPUTS + 1);
        float z = w[INPUTS];
        for (int j = 0; j < INPUTS; j++)
            z += w[j] * x[j];
        hidden[i] = tanhf(z);
        sum += theta[OUTPUT + i] * hidden[i];
    }
    return 1.0 / (1.0 + exp(-sum));
}

/* g = gradient of the mean loss over rows first .. first + rows - 1; returns the sum of losses. */
static double gradient(const host *h, const float *theta, int64_t first, int64_t rows, float *g)
{
    double loss = 0.0;
    memset(g, 0, PARAMETERS * sizeof *g);
    for (int64_t r = first; r < first + rows; r++) {
        float hidden[HIDDEN];
        const double p = forward(theta, h->x[r], hidden);
        const float d = (float)((p - h->y[r]) / (double)rows);
        loss -= log(h->y[r] ? p : 1.0 - p);
        for (int i = 0; i < HIDDEN; i++) {
            const float back = d * theta[OUTPUT + i] * (1.0F - hidden[i] * hidden[i]);
            float *row = g + i * (INPUTS + 1);
            for (int j = 0; j < INPUTS; j++)
                row[j] += back * h->x[r][j];
            row[INPUTS] += back;
            g[OUTPUT + i] += d * hidden[i];
        }
        g[OUTPUT + HIDDEN] += d;
    }
    return loss;
}

/* What the library asks for: the gradient over the probe, at parameters that it has moved. */
static int probe_gradient(void *user, const void *theta, void *g, int64_t *samples)
{
    *samples = PROBE;
    gradient(user, theta, 0, PROBE, g);
    return 0;
}

/* Labels that another network of this shape would give, at random. */
static void make_data(host *h)
{
    float teacher[PARAMETERS], hidden[HIDDEN];
    static double coin[SAMPLES];
    absa_random_gaussian_f32(1, 0, 0, PARAMETERS, teacher);
    absa_random_gaussian_f32(1, 1, 0, PARAMETERS, h->theta);
    absa_random_gaussian_f32(1, 2, 0, SAMPLES * INPUTS, &h->x[0][0]);
    absa_random_uniform(1, 3, 0, SAMPLES, coin);
    for (int r = 0; r < SAMPLES; r++)
        h->y[r] = coin[r] < forward(teacher, h->x[r], hidden);
    for (int i = 0; i < PARAMETERS; i++)
        h->theta[i] *= 0.3F;
}

static absa_context *ctx;

static void check(absa_status status)
{
    if (status) {
        fprintf(stderr, "libabsa: %s\n", absa_context_message(ctx));
        exit(1);
    }
}

int main(void)
{
    static host h;
    float acc[PARAMETERS] = {0};
    double loss = 0.0;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_controller *ctl = NULL;
    absa_controller_options o;
    absa_check_result verdict;
    absa_eigen_result r;
    absa_space space;
    absa_plan plan;
    absa_micro m;

    make_data(&h);
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_ABS;
    o.samples = SAMPLES;
    o.epochs = EPOCHS;
    o.batch = o.micro_batch = 32;
    o.lr = 0.2;
    o.patience = 4;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, PARAMETERS);
    check(absa_context_create(NULL, &ctx));
    check(absa_controller_create(ctx, &o, &ctl));
    check(absa_operator_from_gradient(ctx, &space, h.theta, probe_gradient, &h, NULL, NULL, &op));
    check(absa_eigen_create(ctx, &space, NULL, &eigen));
    absa_check_result_init(&verdict, sizeof verdict);
    check(absa_operator_check(op, 0, &verdict));
    printf("products of differences: %s\n", absa_verdict_text(verdict.verdict));
    absa_plan_init(&plan, sizeof plan);
    absa_micro_init(&m, sizeof m);
    absa_eigen_result_init(&r, sizeof r);
    while (check(absa_controller_plan(ctl, 0, 1, &plan)), !plan.finished) {
        if (plan.epoch_done) {
            check(absa_controller_end_epoch(ctl));
        } else if (plan.measure_due) {
            check(absa_eigen_run(eigen, op, NULL, &r));
            check(absa_controller_observe(ctl, &r, NULL));
            printf("loss %.4f  lambda %.4f in [%.4f, %.4f]  batch %d  lr %.2f\n", loss / SAMPLES,
                   r.value, r.lower, r.upper, (int)plan.batch, plan.lr);
            loss = 0.0;
        } else {
            check(absa_controller_micro(ctl, 0, 1, &m));
            loss += gradient(&h, h.theta, m.first, m.rows, h.g);
            check(absa_controller_advance(ctl, m.global_rows));
            for (int i = 0; i < PARAMETERS; i++) {
                acc[i] += (float)m.weight * h.g[i];
                h.theta[i] -= m.last ? (float)plan.lr * acc[i] : 0.0F;
                acc[i] = m.last ? 0.0F : acc[i];
            }
        }
    }
    printf("%d updates instead of %d\n", (int)plan.update, EPOCHS * SAMPLES / 32);
    absa_controller_destroy(&ctl);
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
    return verdict.verdict != ABSA_VERDICT_GOOD;
}
