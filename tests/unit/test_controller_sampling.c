/* The standard error over probe batches widens what is compared, and nothing else. */
#include "support/controllers.h"
#include "support/processes.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static absa_controller *make(absa_context *ctx, journal *s, int32_t trigger, double z)
{
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.trigger = trigger;
    o.sampling_z = z;
    o.shrink_ratio = 1.5;
    o.lr_cap = 0.01;
    o.journal = journal_keep;
    o.journal_user = s;
    return make_controller(ctx, &o);
}

static absa_status observe(absa_controller *c, double lower, double value, double upper,
                           double standard_error)
{
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    r.lower = lower;
    r.value = value;
    r.upper = upper;
    r.converged = r.consistent = 1;
    return absa_controller_observe_sampled(c, &r, standard_error, NULL);
}

/* What follows from one measurement after a growth. */
static int32_t reason_of(int32_t trigger, double z, double lower, double value, double upper,
                         double standard_error)
{
    absa_context *ctx;
    journal s = {.count = 0};
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, &s, trigger, z);
    cr_assert_eq(observe(c, 8.0, 8.0, 8.0, 0.0), ABSA_OK);
    cr_assert_eq(observe(c, 7.0, 7.0, 7.0, 0.0), ABSA_OK);
    /* Grow first, so that there is something to shrink: Eig is 3.95 from here on. */
    cr_assert_eq(observe(c, 3.9, 3.95, 3.99, 0.0), ABSA_OK);
    cr_assert_eq(journal_last(&s)->reason, ABSA_REASON_EIGENVALUE);
    cr_assert_eq(observe(c, lower, value, upper, standard_error), ABSA_OK);
    cr_assert_eq(journal_last(&s)->lower, lower, "the journal has the interval as measured");
    cr_assert_eq(journal_last(&s)->upper, upper);
    cr_assert_eq(journal_last(&s)->standard_error, standard_error);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
    return journal_last(&s)->reason;
}

Test(sampling, a_growth_has_to_be_clear_of_the_error)
{
    const int32_t interval = ABSA_TRIGGER_INTERVAL, point = ABSA_TRIGGER_POINT;
    /* The mark is 3.95 / 2 = 1.975. */
    cr_assert_eq(reason_of(interval, 2.0, 1.7, 1.75, 1.8, 0.0), ABSA_REASON_EIGENVALUE);
    cr_assert_eq(reason_of(interval, 2.0, 1.7, 1.75, 1.8, 0.0625), ABSA_REASON_EIGENVALUE);
    cr_assert_eq(reason_of(interval, 2.0, 1.7, 1.75, 1.8, 0.125), ABSA_REASON_UNSETTLED);
    cr_assert_eq(reason_of(interval, 1.0, 1.7, 1.75, 1.8, 0.125), ABSA_REASON_EIGENVALUE);
    cr_assert_eq(reason_of(interval, 0.0, 1.7, 1.75, 1.8, 5.0), ABSA_REASON_EIGENVALUE);
    cr_assert_eq(reason_of(point, 2.0, 1.7, 1.75, 1.8, 5.0), ABSA_REASON_EIGENVALUE);
}

Test(sampling, so_has_a_shrinking)
{
    /* The mark is 1.5 * 3.95 = 5.925. */
    cr_assert_eq(reason_of(ABSA_TRIGGER_INTERVAL, 2.0, 6.0, 6.1, 6.2, 0.0), ABSA_REASON_SHRINK);
    cr_assert_eq(reason_of(ABSA_TRIGGER_INTERVAL, 2.0, 6.0, 6.1, 6.2, 0.125),
                 ABSA_REASON_NOT_BELOW);
}

Test(sampling, the_ceiling_of_lr_goes_by_the_value_and_its_error)
{
    absa_context *ctx;
    journal s = {.count = 0};
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, &s, ABSA_TRIGGER_INTERVAL, 2.0);
    cr_assert_eq(observe(c, 7.0, 7.5, 8.0, 1.0), ABSA_OK);
    /* 0.01 * 2 (1 + 0.9) / (7.5 + 2 * 1), four roundings. */
    cr_assert_float_eq(plan_of(c).lr, 0.004, 4 * 0x1p-52 * 0.004);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(sampling, a_journal_is_replayed_under_another_width)
{
    absa_context *ctx;
    journal s = {.count = 0}, again = {.count = 0};
    absa_replay r;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, &s, ABSA_TRIGGER_INTERVAL, 2.0);
    cr_assert_eq(observe(c, 8.0, 8.0, 8.0, 0.0), ABSA_OK);
    cr_assert_eq(observe(c, 3.7, 3.75, 3.8, 0.125), ABSA_OK);
    cr_assert_eq(journal_last(&s)->reason, ABSA_REASON_UNSETTLED);
    char line[1024];
    size_t size;
    cr_assert_eq(absa_decision_format(journal_last(&s), line, sizeof line, &size), ABSA_OK);
    cr_assert_not_null(strstr(line, "\"standard_error\":0.125}"), "%s", line);
    const struct {
        double z;
        int32_t reason;
    } other[] = {{2.0, ABSA_REASON_UNSETTLED}, {1.0, ABSA_REASON_EIGENVALUE}};
    for (int k = 0; k < 2; k++) {
        absa_controller *twin = make(ctx, &again, ABSA_TRIGGER_INTERVAL, other[k].z);
        absa_replay_init(&r, sizeof r);
        cr_assert_eq(absa_controller_replay(twin, s.seen, 2, sizeof s.seen[0], &r), ABSA_OK);
        cr_assert_eq(r.replayed, 2);
        cr_assert_eq(journal_last(&again)->reason, other[k].reason);
        absa_controller_destroy(&twin);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* A longer run could bring [3, 3.9] down to 3, which is 3.25 with two standard errors: 8 / 2.5
 * = 3.2 stays below that, 8 / 2.4 = 3.33 does not. */
Test(sampling, a_replay_is_undetermined_only_where_a_longer_run_would_settle_it)
{
    absa_context *ctx;
    journal s = {.count = 0};
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, &s, ABSA_TRIGGER_INTERVAL, 2.0);
    cr_assert_eq(observe(c, 8.0, 8.0, 8.0, 0.0), ABSA_OK);
    cr_assert_eq(observe(c, 3.0, 3.5, 3.9, 0.125), ABSA_OK);
    const struct {
        double ratio;
        int64_t undetermined;
    } other[] = {{2.5, -1}, {2.4, 1}, {1.95, 1}, {1.9, -1}};
    for (int k = 0; k < 4; k++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        absa_replay r;
        absa_replay_init(&r, sizeof r);
        o.eigenvalue_ratio = other[k].ratio;
        absa_controller *twin = make_controller(ctx, &o);
        cr_assert_eq(absa_controller_replay(twin, s.seen, 2, sizeof s.seen[0], &r), ABSA_OK);
        cr_assert_eq(r.undetermined, other[k].undetermined, "ratio %g", o.eigenvalue_ratio);
        absa_controller_destroy(&twin);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(sampling, an_error_that_is_none_is_refused)
{
    absa_context *ctx;
    journal s = {.count = 0};
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, &s, ABSA_TRIGGER_INTERVAL, 2.0);
    const double wrong[] = {-0.1, (double)NAN, (double)INFINITY};
    for (int k = 0; k < 3; k++) {
        cr_assert_eq(observe(c, 8.0, 8.0, 8.0, wrong[k]), ABSA_E_INVALID);
        cr_assert_not_null(strstr(absa_context_message(ctx), "standard_error"));
    }
    cr_assert_eq(s.count, 0);
    cr_assert(isnan(plan_of(c).threshold));
    cr_assert_eq(absa_controller_observe_sampled(c, NULL, 0.0, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_observe_sampled(NULL, NULL, 0.0, NULL), ABSA_E_INVALID);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Process 0 measured 3.5 +- 0.5, which settles nothing; the others think that they know better. */
static void measured_apart(process *p)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal s = {.count = 0};
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.reduce = process_reduce;
    o.reduce_user = p;
    o.process = p->rank;
    o.journal = journal_keep;
    o.journal_user = &s;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(observe(c, 8.0, 8.0, 8.0, 0.0), ABSA_OK);
    cr_assert_eq(observe(c, 3.5, 3.5, 3.5, p->rank == 0 ? 0.5 : 0.0), ABSA_OK);
    cr_assert_eq(journal_last(&s)->reason, ABSA_REASON_UNSETTLED);
    cr_assert_eq(journal_last(&s)->standard_error, 0.5);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(sampling, every_process_takes_the_error_of_process_0)
{
    processes_run(3, measured_apart, NULL);
}
