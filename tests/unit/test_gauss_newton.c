/* Gauss-Newton products from two forward passes and one backward pass: against J'LJ written out. */
#include "oper/oper.h"

#include "support/faulty_alloc.h"
#include "support/losses.h"
#include "support/processes.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { CELLS = LOSS_ROWS * LOSS_OUTPUTS };

typedef struct setting {
    loss_host h;
    absa_space space;
    absa_gauss_newton_options g;
    double theta[LOSS_N], v[LOSS_N], y[LOSS_N], before[LOSS_N];
} setting;

static setting make(int32_t element, int32_t loss)
{
    setting s = {.h = loss_whole(element)};
    absa_space_host(&s.space, sizeof s.space, element, LOSS_N);
    absa_gauss_newton_options_init(&s.g, sizeof s.g);
    s.g.rows = LOSS_ROWS;
    s.g.outputs = LOSS_OUTPUTS;
    s.g.loss = loss;
    s.g.forward = outputs_forward;
    s.g.backward = outputs_backward;
    loss_fill(&s.h, s.theta, s.v);
    memcpy(s.before, s.theta, sizeof s.theta);
    return s;
}

static absa_status create(absa_context *ctx, void *user, absa_operator **op)
{
    setting *s = user;
    return absa_operator_from_gauss_newton(ctx, &s->space, s->theta, &s->g, &s->h, NULL, op);
}

/* u = L w for one sample, from the definitions. */
static void curve(int32_t loss, const double *z, const double *w, double *u)
{
    double p[LOSS_OUTPUTS], total = 0.0;
    for (int k = 0; k < LOSS_OUTPUTS; k++)
        total += p[k] = exp(z[k]);
    for (int k = 0; k < LOSS_OUTPUTS; k++) {
        const double q = 1.0 / (1.0 + exp(-z[k]));
        u[k] = loss == ABSA_OUTPUT_SQUARED ? w[k] : loss == ABSA_OUTPUT_HOST ? (k + 1) * w[k] : 0.0;
        if (loss == ABSA_OUTPUT_LOGISTIC)
            u[k] = q * (1.0 - q) * w[k];
        /* p_k w_k - p_k sum p_j w_j, without a difference of what is nearly one. */
        for (int j = 0; j < LOSS_OUTPUTS && loss == ABSA_OUTPUT_SOFTMAX; j++)
            u[k] += p[k] * p[j] / total / total * (w[k] - w[j]);
    }
}

static int host_curvature(void *user, int64_t rows, const double *z, const double *w, double *u)
{
    (void)user;
    for (int64_t i = 0; i < rows * LOSS_OUTPUTS; i += LOSS_OUTPUTS)
        curve(ABSA_OUTPUT_HOST, z + i, w + i, u + i);
    return 0;
}

/* |G v - y| / |G v|; *vgv gets v'Gv. */
static double error_of(const setting *s, double *vgv)
{
    loss_host h = s->h;
    double z[CELLS], w[CELLS], u[CELLS], want[LOSS_N];
    int64_t rows;
    h.element = ABSA_ELEMENT_F64;
    double theta[LOSS_N], v[LOSS_N];
    for (int i = 0; i < LOSS_N; i++) {
        theta[i] = loss_at(&s->h, s->before, i);
        v[i] = loss_at(&s->h, s->v, i);
    }
    h.first = 0;
    h.rows = LOSS_ROWS;
    h.fail_at = h.nan_at = h.more_at = 0;
    s->g.forward(&h, theta, z, &rows);
    outputs_jvp(&h, theta, v, w);
    *vgv = 0.0;
    for (int i = 0; i < CELLS; i += LOSS_OUTPUTS)
        curve(s->g.loss, z + i, w + i, u + i);
    for (int i = 0; i < CELLS; i++) {
        u[i] /= LOSS_ROWS;
        *vgv += u[i] * w[i];
    }
    outputs_backward(&h, theta, u, LOSS_ROWS, want);
    return loss_error(&s->h, want, s->y);
}

/* The arguments of tanh move by at most 2.5e-3 |b| |theta| < 0.005: the difference of tanh misses
 * by 0.005^2 / 6 times its third derivative, at most 2, over its first, which is 0.4 at least where
 * |t| < 1: 2e-5. z, a mean of both ends, is off by half of 0.005^2 times the second derivative, at
 * most 0.8, and p by less: another 1e-5. In f32 theta + h v is rounded to 6e-8 of theta where h v
 * is 2.5e-3 of it: 3e-5 an element. */
Test(gauss_newton, the_product_is_that_of_j_l_j)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t loss = ABSA_OUTPUT_SOFTMAX; loss <= ABSA_OUTPUT_HOST; loss++)
        for (int32_t element = ABSA_ELEMENT_F32; element <= ABSA_ELEMENT_F64; element++) {
            setting s = make(element, loss);
            absa_operator *op;
            double vgv, halved = 0.0;
            s.g.curvature = loss == ABSA_OUTPUT_HOST ? host_curvature : NULL;
            cr_assert_eq(create(ctx, &s, &op), ABSA_OK, "%s", absa_context_message(ctx));
            cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
            const double error = error_of(&s, &vgv);
            cr_assert_lt(error, 1e-4, "loss %d, element %d: %g", (int)loss, (int)element, error);
            cr_assert_eq(s.h.calls, 3, "two forward passes and one backward");
            cr_assert_eq(absa__operator_halved(op, s.v, &halved), ABSA_OK);
            cr_assert_float_eq(halved, vgv, 1e-4 * vgv);
            cr_assert_eq(s.h.calls, 5, "no backward pass for the value");
            cr_assert_eq(memcmp(s.theta, s.before, sizeof s.theta), 0);
            absa_operator_destroy(&op);
        }
    absa_context_destroy(&ctx);
}

static int far_outputs(void *user, const void *theta, double *z, int64_t *rows)
{
    const int code = outputs_forward(user, theta, z, rows);
    for (int i = 0; i < CELLS; i++)
        z[i] += 1000.0 * (1 - i % LOSS_OUTPUTS);
    return code;
}

Test(gauss_newton, outputs_far_from_zero_do_not_overflow)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t loss = ABSA_OUTPUT_SOFTMAX; loss <= ABSA_OUTPUT_LOGISTIC; loss++) {
        setting s = make(ABSA_ELEMENT_F64, loss);
        absa_operator *op;
        s.g.forward = far_outputs;
        cr_assert_eq(create(ctx, &s, &op), ABSA_OK);
        cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
        for (int i = 0; i < LOSS_N; i++)
            cr_assert(isfinite(s.y[i]));
        absa_operator_destroy(&op);
    }
    absa_context_destroy(&ctx);
}

static int settled_outputs(void *user, const void *theta, double *z, int64_t *rows)
{
    const int code = outputs_forward(user, theta, z, rows);
    for (int i = 0; i < CELLS; i += LOSS_OUTPUTS)
        z[i] += 40.0;
    return code;
}

/* One output is sure to exp(-40), and what that leaves to the others is all there is. */
Test(gauss_newton, settled_rows_keep_their_digits)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64, ABSA_OUTPUT_SOFTMAX);
    absa_operator *op;
    double vgv, halved = 0.0;
    s.g.forward = settled_outputs;
    cr_assert_eq(create(ctx, &s, &op), ABSA_OK);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    cr_assert_lt(error_of(&s, &vgv), 1e-4);
    cr_assert_eq(absa__operator_halved(op, s.v, &halved), ABSA_OK);
    cr_assert_float_eq(halved, vgv, 1e-4 * vgv);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(gauss_newton, failures_leave_theta_and_say_which_callback)
{
    static const char *const names[] = {"forward", "forward", "backward"};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int64_t k = 1; k <= 3; k++) {
        setting s = make(ABSA_ELEMENT_F32, ABSA_OUTPUT_SOFTMAX);
        absa_operator *op;
        s.h.fail_at = k;
        cr_assert_eq(create(ctx, &s, &op), ABSA_OK);
        cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_E_CALLBACK);
        cr_assert_not_null(strstr(absa_context_message(ctx), names[k - 1]));
        cr_assert_eq(memcmp(s.theta, s.before, sizeof s.theta), 0);
        absa_operator_destroy(&op);
    }
    setting s = make(ABSA_ELEMENT_F64, ABSA_OUTPUT_SOFTMAX);
    absa_operator *op;
    s.h.more_at = 2;
    s.g.rows = LOSS_ROWS + 1;
    cr_assert_eq(create(ctx, &s, &op), ABSA_OK);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_E_INVALID, "30 rows, then 31");
    s.h.more_at = 1;
    s.h.rows = LOSS_ROWS;
    absa_operator_destroy(&op);
    s.g.rows = LOSS_ROWS;
    cr_assert_eq(create(ctx, &s, &op), ABSA_OK);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_E_INVALID, "more rows than have room");
    s.h.more_at = 0;
    s.h.rows = 0;
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_E_INVALID, "no rows");
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(gauss_newton, options_out_of_range_are_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int k = 0; k < 10; k++) {
        setting s = make(ABSA_ELEMENT_F64, ABSA_OUTPUT_SOFTMAX);
        absa_operator *op = (absa_operator *)&s;
        s.g.rows = k == 0 ? 0 : k == 1 ? INT64_MAX / 2 : s.g.rows;
        s.g.outputs = k == 2 ? -1 : s.g.outputs;
        s.g.loss = k == 3 ? 4 : k == 4 ? ABSA_OUTPUT_HOST : s.g.loss;
        s.g.curvature = k == 5 ? host_curvature : NULL;
        s.g.forward = k == 6 ? NULL : s.g.forward;
        s.g.backward = k == 7 ? NULL : s.g.backward;
        s.g.step = k == 8 ? 0.0 : s.g.step;
        s.g.struct_size = k == 9 ? 3 : s.g.struct_size;
        cr_assert_eq(create(ctx, &s, &op),
                     k == 1   ? ABSA_E_MEMORY
                     : k == 9 ? ABSA_E_ABI
                              : ABSA_E_INVALID,
                     "case %d", k);
        cr_assert_null(op);
        cr_assert(*absa_context_message(ctx));
    }
    absa_context_destroy(&ctx);
}

Test(gauss_newton, every_failing_allocation_is_reported_and_leaks_nothing)
{
    setting s = make(ABSA_ELEMENT_F32, ABSA_OUTPUT_SQUARED);
    cr_assert_eq(faulty_operators(create, &s), 0);
}

static void replicated(process *p)
{
    absa_context *ctx;
    absa_operator *op;
    absa_operator_options o;
    double vgv, halved = 0.0;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64, ABSA_OUTPUT_SOFTMAX);
    s.h.first = p->rank == 0 ? 0 : 11;
    s.h.rows = p->rank == 0 ? 11 : LOSS_ROWS - 11;
    process_replicate(p, &s.space, &o);
    cr_assert_eq(absa_operator_from_gauss_newton(ctx, &s.space, s.theta, &s.g, &s.h, &o, &op),
                 ABSA_OK);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    cr_assert_lt(error_of(&s, &vgv), 1e-4);
    cr_assert_eq(absa__operator_halved(op, s.v, &halved), ABSA_OK);
    cr_assert_float_eq(halved, vgv, 1e-4 * vgv);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(gauss_newton, replicated_processes_share_the_rows)
{
    processes_run(2, replicated, NULL);
}
