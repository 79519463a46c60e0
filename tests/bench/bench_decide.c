/* What DECIDE costs in training, by the weight of its hint, beside a full estimate each time. lenet
 * and mlp learn glyphs; after every 16 updates the question is whether the eigenvalue has fallen
 * below the last full value divided by RATIO, as the controller asks it, with the eigenvector of
 * the measurement before as hint. Answers are compared with CERTIFIED's interval: they may differ
 * where the eigenvalue lies within the tolerance of the threshold, and nowhere else. */
#include "support/problems.h"

#include <math.h>

enum { MEASUREMENTS = 80, WEIGHTS = 5 };

static const double ratio = 1.2, weights[WEIGHTS] = {0.0, 1.0, 3.0, 10.0, 30.0};

typedef struct asker {
    absa_eigen *eigen;
    float *hint;
    double value; /* the last full one */
    int has_hint, answers, full, differ;
    int64_t answer_products, full_products;
} asker;

static void make(problem *p, int32_t rule, asker *a)
{
    absa_space space;
    absa_eigen_options o;
    memset(a, 0, sizeof *a);
    a->value = (double)NAN;
    a->hint = problem_array(p->n, sizeof *a->hint);
    absa_refnet_space(p->train, &space, sizeof space);
    absa_eigen_options_init(&o, sizeof o);
    o.rule = rule;
    o.memory = ABSA_MEMORY_BASIS;
    problem_check(p, absa_eigen_create(p->ctx, &space, &o, &a->eigen));
}

/* 1 when the eigenvalue is below the threshold as far as this asker knows. */
static int ask(problem *p, absa_operator *op, asker *a, double weight, uint64_t number,
               absa_eigen_result *r)
{
    absa_eigen_args args;
    absa_eigen_args_init(&args, sizeof args);
    absa_eigen_result_init(r, sizeof *r);
    args.stream = number;
    args.threshold = a->value / ratio;
    if (a->has_hint && weight > 0.0) {
        args.hint = a->hint;
        args.hint_stream = number - 1;
        args.hint_weight = weight;
    }
    problem_check(p, absa_eigen_run(a->eigen, op, &args, r));
    problem_check(p, absa_eigen_vector(a->eigen, a->hint));
    a->has_hint = 1;
    const int decided = r->stop == ABSA_STOP_DECIDED;
    a->answers += decided;
    a->full += !decided;
    *(decided ? &a->answer_products : &a->full_products) += r->products;
    return isnan(a->value) || (!decided && r->upper < a->value / ratio);
}

static void network(const recipe *r)
{
    problem p;
    absa_space space;
    absa_operator *op;
    asker certified, deciding[WEIGHTS];
    absa_eigen_result full, mine;
    int triggers = 0;
    problem_open(&p, r);
    absa_refnet_space(p.train, &space, sizeof space);
    problem_check(
        &p, absa_operator_from_hvp(p.ctx, &space, absa_refnet_hvp_callback, p.train, NULL, &op));
    make(&p, ABSA_RULE_CERTIFIED, &certified);
    for (int k = 0; k < WEIGHTS; k++)
        make(&p, ABSA_RULE_DECIDE, &deciding[k]);
    for (uint64_t m = 0; m < MEASUREMENTS; m++) {
        problem_train(&p, (int64_t)m);
        problem_probe(&p);
        const int below = ask(&p, op, &certified, 0.0, m, &full);
        triggers += below;
        for (int k = 0; k < WEIGHTS; k++) {
            deciding[k].value = certified.value;
            deciding[k].differ += ask(&p, op, &deciding[k], weights[k], m, &mine) != below;
        }
        if (below)
            certified.value = full.value;
    }
    printf("%s, %d measurements, %d full values wanted; CERTIFIED takes %.2f products\n", r->name,
           MEASUREMENTS, triggers, (double)certified.full_products / MEASUREMENTS);
    for (int k = 0; k < WEIGHTS; k++) {
        const asker *a = &deciding[k];
        const int64_t all = a->answer_products + a->full_products;
        const double share = (double)all / (double)certified.full_products;
        printf("  weight %4.0f: %5.2f products an answer (%d), %5.2f a full estimate (%d), in all "
               "%.3f of CERTIFIED's, %d decisions differ\n",
               weights[k], (double)a->answer_products / (a->answers > 0 ? a->answers : 1),
               a->answers, (double)a->full_products / (a->full > 0 ? a->full : 1), a->full, share,
               a->differ);
        printf("  {\"bench\": \"decide\", \"network\": \"%s\", \"weight\": %.0f, \"answer\": %.2f, "
               "\"share\": %.3f, \"differ\": %d}\n",
               r->name, weights[k], (double)a->answer_products / (a->answers > 0 ? a->answers : 1),
               share, a->differ);
        absa_eigen_destroy(&deciding[k].eigen);
        free(deciding[k].hint);
    }
    fflush(stdout);
    absa_eigen_destroy(&certified.eigen);
    free(certified.hint);
    absa_operator_destroy(&op);
    problem_close(&p);
}

int main(void)
{
    /* 512 rows are 16 updates. */
    const recipe mlp = {.name = "mlp",
                        .activation = ABSA_REFNET_RELU,
                        .size = 16,
                        .rows = 512,
                        .probe_rows = 128,
                        .lr = 0.01};
    const recipe lenet = {.name = "lenet",
                          .activation = ABSA_REFNET_RELU,
                          .size = 16,
                          .rows = 512,
                          .probe_rows = 128,
                          .lr = 0.01};
    network(&mlp);
    network(&lenet);
    return 0;
}
