/* What a plan says, each number from first principles: how far training is, how many micro-batches
 * are left, which rows are perturbed, what momentum is multiplied by. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>

static absa_plan plan_for(const absa_controller *c, int64_t process, int64_t processes)
{
    absa_plan p;
    absa_plan_init(&p, sizeof p);
    cr_assert_eq(absa_controller_plan(c, process, processes, &p), ABSA_OK);
    return p;
}

/* 2 epochs, of 1000 samples or, where the tail is dropped, of 31 * 32 = 992. */
Test(plan, says_how_far_training_is)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t tail = ABSA_TAIL_CARRY; tail <= ABSA_TAIL_SHORT; tail++) {
        const int64_t size = tail == ABSA_TAIL_DROP ? 992 : 1000;
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        o.epochs = 2;
        o.epoch_tail = tail;
        absa_controller *c = make_controller(ctx, &o);
        int64_t used = 0, ended = 0;
        absa_plan p;
        while (!(p = plan_of(c)).finished) {
            const int64_t in_epoch = used - ended * size;
            cr_assert_eq(p.samples, used);
            cr_assert_eq(p.epochs_ended, ended);
            cr_assert_float_eq(p.progress, (double)used / (2.0 * (double)size), 1e-15);
            cr_assert_float_eq(p.epoch, (double)ended + (double)in_epoch / (double)size, 1e-15);
            cr_assert_eq(p.epoch_done, in_epoch == size);
            if (p.epoch_done) {
                cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
                ended++;
                cr_assert_eq(plan_of(c).measure_due, ended < 2, "nothing is due at the end");
                continue;
            }
            const int64_t rows = micro_of(c).global_rows, step = rows > 5 ? 5 : rows;
            cr_assert_eq(absa_controller_advance(c, step), ABSA_OK);
            used += step;
        }
        cr_assert_eq(p.progress, 1.0);
        cr_assert_eq(p.epoch, 2.0);
        cr_assert_not(p.epoch_done);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* A host that draws more than it said is at the end of its epoch, and no further. */
Test(plan, keeps_progress_in_its_range_when_more_is_drawn_than_planned)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    o.epochs = 1;
    absa_controller *c = make_controller(ctx, &o);
    for (int i = 0; i < 40; i++)
        cr_assert_eq(absa_controller_advance(c, plan_of(c).rows), ABSA_OK);
    const absa_plan p = plan_of(c);
    cr_assert_gt(p.samples, 1000);
    cr_assert_eq(p.progress, 1.0);
    cr_assert_eq(p.epoch, 1.0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Windows of 100 rows in rounds of 7 on each process; the first advance breaks a round. */
Test(plan, counts_the_micro_batches_that_every_process_makes)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int64_t processes = 1; processes <= 20; processes++)
        for (int64_t broken = 0; broken <= 3; broken++) {
            absa_controller_options o = small_training(ABSA_STRATEGY_BL);
            o.batch = 100;
            o.micro_batch = 7;
            absa_controller *c = make_controller(ctx, &o);
            if (broken > 0)
                cr_assert_eq(absa_controller_advance(c, broken), ABSA_OK);
            const int64_t round = 7 * processes, left = 100 - broken;
            const int64_t rounds = left / round + (left % round > 0);
            for (int64_t made = 0; made < rounds; made++) {
                absa_micro m;
                absa_micro_init(&m, sizeof m);
                cr_assert_eq(plan_for(c, processes - 1, processes).micro_batches, rounds - made);
                cr_assert_eq(absa_controller_micro(c, 0, processes, &m), ABSA_OK);
                cr_assert_eq(m.last, made + 1 == rounds);
                cr_assert_eq(absa_controller_advance(c, m.global_rows), ABSA_OK);
            }
            cr_assert_eq(plan_of(c).update, 1);
            absa_controller_destroy(&c);
        }
    absa_context_destroy(&ctx);
}

/* Rows to perturb of every micro-batch, gamma 0.3 of batch 10: the first 3 of each that has so
 * many. The plan tells their sum. */
Test(plan, sums_the_rows_that_its_micro_batches_perturb)
{
    static const int64_t micros[] = {1, 2, 3, 4, 10, 33};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (size_t k = 0; k < sizeof micros / sizeof micros[0]; k++)
        for (int64_t processes = 1; processes <= 4; processes++) {
            absa_controller_options o = small_training(ABSA_STRATEGY_ABSA);
            o.batch = 10;
            o.batch_max = 40;
            o.batch_ratio = 4.0;
            o.patience = 1;
            o.micro_batch = micros[k];
            o.adversarial_share = 0.3;
            o.adversarial_rows = ABSA_ROWS_MICRO;
            absa_controller *c = make_controller(ctx, &o);
            observe_exact(c, 8.0);
            observe_exact(c, 8.0); /* patience: gamma stays */
            const absa_plan p = plan_for(c, 0, processes);
            cr_assert_eq(p.batch, 40);
            int64_t perturbed = 0;
            absa_micro m;
            absa_micro_init(&m, sizeof m);
            do {
                for (int64_t q = 0; q < processes; q++) {
                    cr_assert_eq(absa_controller_micro(c, q, processes, &m), ABSA_OK);
                    cr_assert_eq(m.adversarial_rows, m.rows < 3 ? m.rows : 3);
                    perturbed += m.adversarial_rows;
                }
                cr_assert_eq(absa_controller_advance(c, m.global_rows), ABSA_OK);
            } while (!m.last);
            cr_assert_eq(p.adversarial_rows, perturbed, "%d of micro-batches of %d on %d: %d",
                         (int)p.adversarial_rows, (int)micros[k], (int)processes, (int)perturbed);
            absa_controller_destroy(&c);
        }
    absa_context_destroy(&ctx);
}

/* 150 samples in windows of 100: the second has 50 rows, fewer than the 90 that gamma asks for. */
Test(plan, perturbs_no_more_rows_than_a_short_window_has)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABSA);
    o.samples = 150;
    o.epochs = 1;
    o.batch = 100;
    o.adversarial_share = 0.9;
    o.adversarial_end = 2;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(plan_of(c).adversarial_rows, 90);
    cr_assert_eq(absa_controller_advance(c, 100), ABSA_OK);
    cr_assert_eq(plan_of(c).rows, 50);
    cr_assert_eq(plan_of(c).batch, 100);
    cr_assert_eq(plan_of(c).adversarial_rows, 50);
    cr_assert_eq(micro_of(c).weight, 0.5);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(plan, hands_the_estimator_its_threshold_and_the_attack_its_size)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t compare = ABSA_COMPARE_LESS; compare <= ABSA_COMPARE_LESS_EQUAL; compare++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABSA);
        o.compare = compare;
        o.eigenvalue_ratio = 4.0;
        o.epsilon = 0.125;
        absa_controller *c = make_controller(ctx, &o);
        cr_assert(isnan(plan_of(c).threshold));
        observe_exact(c, 6.0);
        cr_assert_eq(plan_of(c).threshold, 1.5);
        cr_assert_eq(plan_of(c).threshold_closed, compare == ABSA_COMPARE_LESS_EQUAL);
        cr_assert_eq(plan_of(c).epsilon, 0.125);
        cr_assert_eq(observe_exact(c, 1.5).reason,
                     compare == ABSA_COMPARE_LESS ? ABSA_REASON_NOT_BELOW : ABSA_REASON_EIGENVALUE);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* v = mu v + lr g: what is made again is multiplied as it was, what comes behind it by 1. */
Test(plan, multiplies_momentum_once_for_a_change_and_again_for_an_update_taken_back)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t form = ABSA_MOMENTUM_PLAIN; form <= ABSA_MOMENTUM_SUM; form++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        const double once = form == ABSA_MOMENTUM_PLAIN ? 1.0 : 2.0;
        o.momentum = form;
        absa_controller *c = make_controller(ctx, &o);
        observe_exact(c, 8.0);
        cr_assert_eq(plan_of(c).momentum_multiplier, 1.0, "there is no velocity yet");
        cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
        observe_exact(c, 1.0);
        for (int again = 0; again < 2; again++) {
            cr_assert_eq(plan_of(c).momentum_multiplier, once);
            cr_assert_eq(absa_controller_advance(c, 64), ABSA_OK);
            cr_assert_eq(plan_of(c).momentum_multiplier, 1.0);
            if (!again)
                cr_assert_eq(absa_controller_update_skipped(c), ABSA_OK);
        }
        for (int i = 0; i < 3; i++) {
            cr_assert_eq(absa_controller_advance(c, 64), ABSA_OK);
            cr_assert_eq(plan_of(c).momentum_multiplier, 1.0);
        }
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* The first update has a rate of 1e-311: what 3e-3 is of it is no number any more. */
Test(plan, leaves_momentum_alone_where_a_rate_rises_from_nothing)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    o.momentum = ABSA_MOMENTUM_LR_INSIDE;
    o.warmup = 1.0;
    o.warmup_start = 1e-310;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
    cr_assert_gt(plan_of(c).lr, 1e-3);
    cr_assert_eq(plan_of(c).momentum_multiplier, 1.0);
    cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
    cr_assert_float_eq(plan_of(c).momentum_multiplier, 2.0, 1e-15);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* 70 samples an epoch: 32, 32 and 6. */
Test(plan, forgets_that_an_update_was_short_when_it_is_taken_back)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    o.samples = 70;
    o.epoch_tail = ABSA_TAIL_SHORT;
    absa_controller *c = make_controller(ctx, &o);
    for (int64_t rows = 32; rows > 0; rows = plan_of(c).epoch_done ? 0 : plan_of(c).rows)
        cr_assert_eq(absa_controller_advance(c, rows), ABSA_OK);
    cr_assert_eq(plan_of(c).update, 3);
    cr_assert_eq(plan_of(c).short_updates, 1);
    cr_assert_eq(absa_controller_update_skipped(c), ABSA_OK);
    cr_assert_eq(plan_of(c).update, 2);
    cr_assert_eq(plan_of(c).short_updates, 0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* A window of 2500 in epochs of 1000, restarted in the third: back to the first row of all. */
Test(plan, goes_back_over_several_epochs_when_a_window_is_restarted)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    o.batch = o.micro_batch = 2500;
    absa_controller *c = make_controller(ctx, &o);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(absa_controller_advance(c, micro_of(c).global_rows), ABSA_OK);
        cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    }
    cr_assert_eq(absa_controller_advance(c, 123), ABSA_OK);
    cr_assert_eq(absa_controller_restart_window(c), ABSA_OK);
    const int64_t first[] = {-2000, -1000, 0}, rows[] = {1000, 1000, 500};
    for (int i = 0; i < 3; i++) {
        const absa_micro m = micro_of(c);
        cr_assert_eq(m.first, first[i]);
        cr_assert_eq(m.global_rows, rows[i]);
        cr_assert_eq(absa_controller_advance(c, m.global_rows), ABSA_OK);
    }
    cr_assert_eq(plan_of(c).update, 1);
    cr_assert_eq(plan_of(c).samples, 2500);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}
