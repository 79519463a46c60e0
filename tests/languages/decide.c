/* A training whose Hessian is diagonal and shrinks, measured and decided upon by the C library:
 * what the programs and scripts of the other languages have to print as well. One line a
 * measurement: value, lower, upper, products, reason, batch, lr, gamma. */
#include <absa/absa.h>

#include <stdio.h>
#include <stdlib.h>

enum { N = 40 };

static double scale = 1.0;

static int product(void *user, const void *v, void *hv, int64_t *samples)
{
    (void)user;
    (void)samples;
    const double *x = v;
    double *y = hv;
    for (int i = 0; i < N; i++)
        y[i] = scale * ((i + 1) / (double)N) * x[i];
    return 0;
}

static void need(absa_status status, const absa_context *ctx)
{
    if (status == ABSA_OK)
        return;
    fprintf(stderr, "decide: %s\n", ctx ? absa_context_message(ctx) : absa_status_text(status));
    exit(1);
}

int main(void)
{
    absa_context *ctx = NULL;
    absa_controller *ctl = NULL;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_space space;
    absa_eigen_options e;
    absa_controller_options o;
    need(absa_context_create(NULL, &ctx), NULL);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    absa_eigen_options_init(&e, sizeof e);
    e.rule = ABSA_RULE_CERTIFIED;
    e.memory = ABSA_MEMORY_BASIS;
    e.tolerance = 1e-6;
    e.max_products = 100;
    e.seed = 5;
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_ABSA;
    o.samples = 1000;
    o.epochs = 12;
    o.batch = o.micro_batch = 20;
    o.batch_max = 320;
    o.lr = 0.1;
    o.patience = 2;
    need(absa_controller_create(ctx, &o, &ctl), ctx);
    need(absa_operator_from_hvp(ctx, &space, product, NULL, NULL, &op), ctx);
    need(absa_eigen_create(ctx, &space, &e, &eigen), ctx);
    for (uint64_t measured = 0;;) {
        absa_plan plan;
        absa_plan_init(&plan, sizeof plan);
        need(absa_controller_plan(ctl, 0, 1, &plan), ctx);
        if (plan.finished)
            break;
        if (plan.measure_due) {
            absa_eigen_args args;
            absa_eigen_result r;
            absa_decision d;
            absa_eigen_args_init(&args, sizeof args);
            absa_eigen_result_init(&r, sizeof r);
            absa_decision_init(&d, sizeof d);
            args.stream = measured++;
            need(absa_eigen_run(eigen, op, &args, &r), ctx);
            need(absa_controller_observe(ctl, &r, &d), ctx);
            printf("%.17g %.17g %.17g %lld %s %lld %.17g %.17g\n", r.value, r.lower, r.upper,
                   (long long)r.products, absa_reason_name(d.reason), (long long)d.batch, d.lr,
                   d.gamma);
            scale *= 0.75;
        } else if (plan.epoch_done) {
            need(absa_controller_end_epoch(ctl), ctx);
        } else {
            need(absa_controller_advance(ctl, plan.rows - plan.rows_done), ctx);
        }
    }
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_controller_destroy(&ctl);
    absa_context_destroy(&ctx);
    return fflush(stdout) != 0;
}
