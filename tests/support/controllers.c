#include "support/controllers.h"

#include <criterion/criterion.h>

absa_controller_options small_training(int32_t strategy)
{
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    o.strategy = strategy;
    o.samples = 1000;
    o.epochs = 10;
    o.batch = 32;
    o.batch_max = 256;
    o.patience = 10;
    return o;
}

absa_controller *make_controller(absa_context *ctx, const absa_controller_options *o)
{
    absa_controller *c;
    cr_assert_eq(absa_controller_create(ctx, o, &c), ABSA_OK, "%s", absa_context_message(ctx));
    return c;
}

absa_plan plan_of(const absa_controller *c)
{
    absa_plan p;
    absa_plan_init(&p, sizeof p);
    cr_assert_eq(absa_controller_plan(c, 0, 1, &p), ABSA_OK);
    return p;
}

absa_micro micro_of(const absa_controller *c)
{
    absa_micro m;
    absa_micro_init(&m, sizeof m);
    cr_assert_eq(absa_controller_micro(c, 0, 1, &m), ABSA_OK);
    return m;
}

absa_decision observe_interval(absa_controller *c, double lower, double value, double upper)
{
    absa_eigen_result r;
    absa_decision d;
    absa_eigen_result_init(&r, sizeof r);
    absa_decision_init(&d, sizeof d);
    r.value = value;
    r.lower = lower;
    r.upper = upper;
    r.converged = r.consistent = 1;
    r.products = 7;
    cr_assert_eq(absa_controller_observe(c, &r, &d), ABSA_OK);
    return d;
}

absa_decision observe_exact(absa_controller *c, double value)
{
    absa_decision d;
    absa_decision_init(&d, sizeof d);
    cr_assert_eq(absa_controller_observe_value(c, value, &d), ABSA_OK);
    return d;
}

int journal_keep(void *user, const absa_decision *decision)
{
    journal *j = user;
    cr_assert_lt(j->count, JOURNAL_ROOM);
    j->seen[j->count++] = *decision;
    return j->code;
}

const absa_decision *journal_last(const journal *j)
{
    cr_assert_gt(j->count, 0);
    return &j->seen[j->count - 1];
}
