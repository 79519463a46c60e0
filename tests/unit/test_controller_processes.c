/* What the processes of a run tell each other: the whole measurement of process 0, and a digest of
 * which no part may differ. */
#include "support/controllers.h"
#include "support/processes.h"

#include <criterion/criterion.h>
#include <math.h>

/* Each process measures something else in every field. */
static void measure_apart(process *p)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.trigger = ABSA_TRIGGER_POINT;
    o.reduce = process_reduce;
    o.reduce_user = p;
    o.process = p->rank;
    absa_controller *c = make_controller(ctx, &o);
    for (int good = 0; good <= 1; good++) {
        const int mine = p->rank == 0;
        absa_eigen_result r;
        absa_decision d;
        absa_eigen_result_init(&r, sizeof r);
        absa_decision_init(&d, sizeof d);
        r.value = mine ? 3.0 : 4.0;
        r.lower = mine ? 2.5 : 3.5;
        r.upper = mine ? 3.5 : 4.5;
        r.converged = mine == good;
        r.consistent = mine == good;
        r.answer = mine ? ABSA_ANSWER_BELOW : ABSA_ANSWER_CLOSE;
        r.products = mine ? 17 : 18;
        cr_assert_eq(absa_controller_observe_sampled(c, &r, mine ? 0.25 : 0.5, &d), ABSA_OK, "%s",
                     absa_context_message(ctx));
        cr_assert_eq(d.reason, good ? ABSA_REASON_FIRST : ABSA_REASON_INCONSISTENT);
        cr_assert_eq(d.value, 3.0);
        cr_assert_eq(d.lower, 2.5);
        cr_assert_eq(d.upper, 3.5);
        cr_assert_eq(d.converged, good);
        cr_assert_eq(d.consistent, good);
        cr_assert_eq(d.answer, ABSA_ANSWER_BELOW);
        cr_assert_eq(d.products, 17);
        cr_assert_eq(d.standard_error, 0.25);
        /* The sum is one of doubles, of which the next above 2^63 - 1 is 2^63. */
        r.products = INT64_MAX;
        cr_assert_eq(absa_controller_observe(c, &r, &d), ABSA_OK);
        cr_assert_eq(d.products, INT64_MAX);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(processes, all_take_every_field_of_process_0s_measurement)
{
    processes_run(3, measure_apart, NULL);
}

enum { SHARED = 9, DIGEST = 10 };

/* The sum with a second process, which is this one's twin but for one of the digest's parts. */
typedef struct twin {
    int part, calls;
} twin;

static int reduce_with_twin(void *user, double *values, int64_t count)
{
    twin *t = user;
    t->calls++;
    if (count == SHARED)
        return 0; /* it leaves its own measurement out */
    cr_assert_eq(count, DIGEST);
    for (int i = 0; i < 4; i++) {
        double other = values[1 + i];
        if (i == t->part)
            other += other < 65535.0 ? 1.0 : -1.0;
        values[1 + i] += other;
        values[5 + i] += other * other;
    }
    values[0] += 1.0;
    return 0;
}

Test(processes, a_difference_in_any_part_of_the_digest_is_found)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int part = 0; part <= 4; part++) {
        twin t = {.part = part};
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        o.reduce = reduce_with_twin;
        o.reduce_user = &t;
        absa_controller *c = make_controller(ctx, &o);
        cr_assert_eq(absa_controller_observe_value(c, 8.0, NULL), part < 4 ? ABSA_E_PEER : ABSA_OK,
                     "part %d", part);
        cr_assert_eq(t.calls, 2);
        cr_assert(isnan(plan_of(c).threshold) == (part < 4), "nothing is kept where they differ");
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

typedef struct meddler {
    absa_controller *self;
    int calls;
} meddler;

static int reduce_and_meddle(void *user, double *values, int64_t count)
{
    meddler *m = user;
    (void)values;
    (void)count;
    m->calls++;
    cr_assert_eq(plan_of(m->self).samples, 0, "a look is allowed");
    cr_assert_eq(absa_controller_advance(m->self, 1), ABSA_E_BUSY);
    return 0;
}

Test(processes, a_reduction_cannot_change_the_controller)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    meddler m = {NULL, 0};
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.reduce = reduce_and_meddle;
    o.reduce_user = &m;
    m.self = make_controller(ctx, &o);
    cr_assert_eq(plan_of(m.self).samples, 0);
    cr_assert_eq(absa_controller_observe_value(m.self, 8.0, NULL), ABSA_OK);
    cr_assert_eq(m.calls, 2);
    cr_assert_eq(plan_of(m.self).samples, 0);
    cr_assert_eq(absa_controller_advance(m.self, 1), ABSA_OK);
    absa_controller_destroy(&m.self);
    absa_context_destroy(&ctx);
}
