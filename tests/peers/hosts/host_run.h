/* What every third-party trainer is put through: the check of its products, a certified top
 * eigenvalue, a training that the controller steers, and the Hessian as a table, column by column
 * from differences of the trainer's gradients, for a dense solver to judge by. */
#ifndef ABSA_TEST_HOST_RUN_H
#define ABSA_TEST_HOST_RUN_H

#include <absa/absa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct trainer {
    void *user;
    void *theta; /* the trainer's own parameters, in place */
    int64_t n;
    int32_t element;
    int64_t rows, probe; /* the probe batch is the first of the rows */
    /* Mean gradient over rows first .. first + rows - 1; returns their mean loss. */
    double (*gradient)(void *user, int64_t first, int64_t rows, void *g);
    absa_hvp_fn hvp;  /* NULL: by differences of gradients */
    double lr, nudge; /* of the training; of one parameter, for the table */
    int64_t epochs;
} trainer;

static absa_context *host_context;

static void host_check(absa_status status)
{
    if (status) {
        fprintf(stderr, "libabsa: %s\n", absa_context_message(host_context));
        exit(1);
    }
}

static double host_get(const trainer *t, const void *v, int64_t i)
{
    return t->element == ABSA_ELEMENT_F64 ? ((const double *)v)[i] : (double)((const float *)v)[i];
}

static void host_set(const trainer *t, void *v, int64_t i, double x)
{
    if (t->element == ABSA_ELEMENT_F64)
        ((double *)v)[i] = x;
    else
        ((float *)v)[i] = (float)x;
}

static int host_probe_gradient(void *user, const void *theta, void *g, int64_t *samples)
{
    const trainer *t = (const trainer *)user;
    (void)theta; /* moved where it lies */
    t->gradient(t->user, 0, t->probe, g);
    *samples = t->probe;
    return 0;
}

static void host_table(const trainer *t)
{
    double *g[2];
    for (int k = 0; k < 2; k++)
        g[k] = (double *)calloc((size_t)t->n, sizeof(double));
    for (int64_t j = 0; j < t->n; j++) {
        const double at = host_get(t, t->theta, j);
        double moved[2];
        for (int k = 0; k < 2; k++) {
            host_set(t, t->theta, j, at + (k ? -t->nudge : t->nudge));
            moved[k] = host_get(t, t->theta, j);
            t->gradient(t->user, 0, t->probe, g[k]);
        }
        host_set(t, t->theta, j, at);
        for (int64_t i = 0; i < t->n; i++)
            printf(" %.17g", (host_get(t, g[0], i) - host_get(t, g[1], i)) / (moved[0] - moved[1]));
        printf("\n");
    }
    for (int k = 0; k < 2; k++)
        free(g[k]);
}

static void host_train(const trainer *t, absa_eigen *eigen, absa_operator *op)
{
    absa_controller *ctl;
    absa_controller_options o;
    absa_eigen_result r;
    absa_plan plan;
    absa_micro m;
    double *g = (double *)calloc((size_t)t->n, sizeof *g),
           *acc = (double *)calloc((size_t)t->n, sizeof *acc);
    const double before = t->gradient(t->user, 0, t->rows, g);
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_ABS;
    o.samples = t->rows;
    o.epochs = t->epochs;
    o.batch = o.micro_batch = 16;
    o.batch_max = 128;
    o.lr = t->lr;
    o.patience = 2;
    host_check(absa_controller_create(host_context, &o, &ctl));
    absa_eigen_result_init(&r, sizeof r);
    absa_plan_init(&plan, sizeof plan);
    absa_micro_init(&m, sizeof m);
    while (host_check(absa_controller_plan(ctl, 0, 1, &plan)), !plan.finished) {
        if (plan.epoch_done) {
            host_check(absa_controller_end_epoch(ctl));
        } else if (plan.measure_due) {
            host_check(absa_eigen_run(eigen, op, NULL, &r));
            host_check(absa_controller_observe(ctl, &r, NULL));
        } else {
            host_check(absa_controller_micro(ctl, 0, 1, &m));
            t->gradient(t->user, m.first, m.rows, g);
            for (int64_t i = 0; i < t->n; i++)
                acc[i] += m.weight * host_get(t, g, i);
            host_check(absa_controller_advance(ctl, m.global_rows));
            for (int64_t i = 0; m.last && i < t->n; i++) {
                host_set(t, t->theta, i, host_get(t, t->theta, i) - plan.lr * acc[i]);
                acc[i] = 0.0;
            }
        }
    }
    printf("loss %.17g %.17g\n", before, t->gradient(t->user, 0, t->rows, g));
    printf("updates %lld of %lld, batch %lld\n", (long long)plan.update,
           (long long)(t->epochs * t->rows / 16), (long long)plan.batch);
    absa_controller_destroy(&ctl);
    free(acc);
    free(g);
}

static int host_run(trainer *t)
{
    absa_operator *op;
    absa_eigen *eigen;
    absa_eigen_options o;
    absa_eigen_result r;
    absa_check_result verdict;
    absa_space space;
    absa_space_host(&space, sizeof space, t->element, t->n);
    host_check(absa_context_create(NULL, &host_context));
    if (t->hvp)
        host_check(absa_operator_from_hvp(host_context, &space, t->hvp, t->user, NULL, &op));
    else
        host_check(absa_operator_from_gradient(host_context, &space, t->theta, host_probe_gradient,
                                               t, NULL, NULL, &op));
    absa_eigen_options_init(&o, sizeof o);
    o.rule = ABSA_RULE_CERTIFIED;
    host_check(absa_eigen_create(host_context, &space, &o, &eigen));
    absa_check_result_init(&verdict, sizeof verdict);
    host_check(absa_operator_check(op, 0, &verdict));
    printf("check %s\n", absa_verdict_text(verdict.verdict));
    host_train(t, eigen, op);
    absa_eigen_result_init(&r, sizeof r);
    host_check(absa_eigen_run(eigen, op, NULL, &r));
    printf("top %.17g %.17g %.17g\n", r.value, r.lower, r.upper);
    host_table(t);
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_context_destroy(&host_context);
    return 0;
}

#endif
