/* Windows, micro-batches and weights: what a host does with them comes to the same parameters. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>

/* Every row of every epoch exactly once, weights of a window add up to rows / B, whatever the
 * batch, the micro-batch, the number of ranks and the tail. */
Test(windows, micro_batches_deal_out_every_row_once)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    const int64_t batches[] = {1, 7, 32, 999, 1000, 1001, 2500};
    const int64_t micros[] = {1, 5, 32, 4000};
    for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++)
        for (size_t k = 0; k < sizeof micros / sizeof micros[0]; k++)
            for (int64_t ranks = 1; ranks <= 3; ranks++)
                for (int32_t tail = ABSA_TAIL_CARRY; tail <= ABSA_TAIL_SHORT; tail++) {
                    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
                    o.epochs = 3;
                    o.batch = batches[b];
                    o.micro_batch = micros[k];
                    o.epoch_tail = tail;
                    if (tail == ABSA_TAIL_DROP && o.batch > o.samples)
                        continue;
                    absa_controller *c = make_controller(ctx, &o);
                    int64_t next_row = 0, in_window = 0, total = 0;
                    double weight = 0.0;
                    absa_plan p;
                    while (!(p = plan_of(c)).finished) {
                        if (p.epoch_done) {
                            cr_assert_eq(next_row,
                                         tail == ABSA_TAIL_DROP ? 1000 - 1000 % o.batch : 1000);
                            next_row = 0;
                            absa_controller_end_epoch(c);
                            continue;
                        }
                        absa_micro m = {.struct_size = sizeof m};
                        int64_t rows = 0;
                        for (int64_t q = 0; q < ranks; q++) {
                            cr_assert_eq(absa_controller_micro(c, q, ranks, &m), ABSA_OK);
                            cr_assert_eq(m.first, next_row + rows);
                            cr_assert(m.rows >= 0 && m.rows <= o.micro_batch);
                            rows += m.rows;
                            weight += m.weight;
                        }
                        cr_assert_eq(rows, m.global_rows);
                        cr_assert_gt(rows, 0);
                        next_row += rows;
                        in_window += rows;
                        total += rows;
                        cr_assert_eq(absa_controller_advance(c, rows), ABSA_OK);
                        if (m.last) {
                            cr_assert_eq(in_window, p.rows);
                            cr_assert_float_eq(weight, (double)p.rows / (double)p.batch, 1e-12);
                            in_window = 0;
                            weight = 0.0;
                        }
                    }
                    cr_assert_eq(in_window, 0, "the last window is flushed");
                    cr_assert_eq(total, p.samples);
                    absa_controller_destroy(&c);
                }
    absa_context_destroy(&ctx);
}

/* A quadratic sample loss with gradient (theta - z_i): the mean over a window is known, so every
 * convention of gradients and ranks must lead to the same parameters. */
static double fit_mean(absa_context *ctx, int32_t gradient, int32_t across, int64_t ranks)
{
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    o.gradient = gradient;
    o.across = across;
    o.micro_batch = 5;
    o.epochs = 2;
    absa_controller *c = make_controller(ctx, &o);
    double theta = 3.0, acc = 0.0;
    absa_plan p;
    while (!(p = plan_of(c)).finished) {
        if (p.epoch_done) {
            absa_controller_end_epoch(c);
            continue;
        }
        absa_micro m = {.struct_size = sizeof m};
        double exchanged = 0.0;
        for (int64_t q = 0; q < ranks; q++) {
            absa_controller_micro(c, q, ranks, &m);
            double g = 0.0;
            for (int64_t i = 0; i < m.rows; i++)
                g += theta - sin((double)(m.first + i));
            if (gradient == ABSA_GRADIENT_MEAN && m.rows > 0)
                g /= (double)m.rows;
            exchanged += m.weight * g;
        }
        acc += across == ABSA_ACROSS_MEAN ? exchanged / (double)ranks : exchanged;
        absa_controller_advance(c, m.global_rows);
        if (m.last) {
            theta -= p.lr * acc;
            acc = 0.0;
        }
    }
    absa_controller_destroy(&c);
    return theta;
}

Test(windows, every_gradient_convention_leads_to_the_same_parameters)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    const double want = fit_mean(ctx, ABSA_GRADIENT_MEAN, ABSA_ACROSS_SUM, 1);
    for (int64_t ranks = 1; ranks <= 3; ranks++)
        for (int32_t gradient = 0; gradient < 2; gradient++)
            for (int32_t across = 0; across < 2; across++)
                cr_assert_float_eq(fit_mean(ctx, gradient, across, ranks), want, 1e-12);
    absa_context_destroy(&ctx);
}

/* 32 rows in micro-batches of 5 on three processes: 15, 15 and 2, of which the third has none. */
Test(windows, a_process_without_rows_has_no_weight_in_any_convention)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t gradient = 0; gradient < 2; gradient++)
        for (int32_t across = 0; across < 2; across++) {
            absa_controller_options o = small_training(ABSA_STRATEGY_BL);
            o.gradient = gradient;
            o.across = across;
            o.micro_batch = 5;
            absa_controller *c = make_controller(ctx, &o);
            cr_assert_eq(absa_controller_advance(c, 30), ABSA_OK);
            for (int64_t q = 0; q < 3; q++) {
                absa_micro m = {.struct_size = sizeof m};
                cr_assert_eq(absa_controller_micro(c, q, 3, &m), ABSA_OK);
                cr_assert_eq(m.rows, q < 2);
                const double weight = (q < 2) * (across == ABSA_ACROSS_MEAN ? 3.0 : 1.0) / 32.0;
                cr_assert_float_eq(m.weight, weight, 1e-17);
            }
            absa_controller_destroy(&c);
        }
    absa_context_destroy(&ctx);
}

/* The three forms of momentum through a growth and a decay, against the plain one. */
static double with_momentum(absa_context *ctx, int32_t form)
{
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.momentum = form;
    o.decay_count = 1;
    o.decay[0] = 1;
    o.epochs = 3;
    absa_controller *c = make_controller(ctx, &o);
    double theta = 1.0, v = 0.0;
    absa_plan p;
    int measured = 0;
    while (!(p = plan_of(c)).finished) {
        if (p.measure_due) {
            absa_controller_observe_value(c, measured++ ? 0.1 : 1.0, NULL);
            continue;
        }
        if (p.epoch_done) {
            absa_controller_end_epoch(c);
            continue;
        }
        const absa_micro m = micro_of(c);
        absa_controller_advance(c, m.global_rows);
        if (!m.last)
            continue;
        const double g = theta - 0.5, batch = (double)p.batch;
        v *= p.momentum_multiplier;
        switch (form) {
        case ABSA_MOMENTUM_PLAIN:
            v = 0.9 * v + g;
            theta -= p.lr * v;
            break;
        case ABSA_MOMENTUM_LR_INSIDE:
            v = 0.9 * v + p.lr * g;
            theta -= v;
            break;
        default:
            v = 0.9 * v + batch * g;
            theta -= p.lr / batch * v;
        }
    }
    cr_assert_eq(p.batch, 64, "it has grown");
    absa_controller_destroy(&c);
    return theta;
}

Test(windows, momentum_multipliers_make_the_three_forms_one)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    const double want = with_momentum(ctx, ABSA_MOMENTUM_PLAIN);
    cr_assert_float_eq(with_momentum(ctx, ABSA_MOMENTUM_LR_INSIDE), want, 1e-12);
    cr_assert_float_eq(with_momentum(ctx, ABSA_MOMENTUM_SUM), want, 1e-12);
    absa_context_destroy(&ctx);
}
