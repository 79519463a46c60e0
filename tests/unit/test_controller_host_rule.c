/* lr_rule HOST: the host's own function of the batch, and what becomes of it when it fails. */
#include "support/controllers.h"
#include "support/processes.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { WITH_CODE, WITH_NAN, WITH_ZERO, WITH_INFINITY, WITH_OVERFLOW };

/* B / batch_ref to a power; from batch fail_from on it fails as fail says. */
typedef struct rule {
    double power;
    int64_t fail_from;
    int fail;
    int64_t calls;
    absa_controller *reenter;
    absa_status reentered, advanced;
} rule;

static int host_rule(void *user, int64_t batch, int64_t batch_ref, double *factor)
{
    static const double wrong[] = {
        [WITH_NAN] = (double)NAN, [WITH_INFINITY] = (double)INFINITY, [WITH_OVERFLOW] = 1e308};
    rule *r = user;
    r->calls++;
    if (r->reenter) {
        r->reentered = absa_controller_observe_value(r->reenter, 1.0, NULL);
        r->advanced = absa_controller_advance(r->reenter, 1);
    }
    if (r->fail_from > 0 && batch >= r->fail_from) {
        *factor = wrong[r->fail];
        return r->fail == WITH_CODE ? 42 : 0;
    }
    *factor = pow((double)batch / (double)batch_ref, r->power);
    return 0;
}

static absa_controller_options options(rule *r)
{
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.lr_rule = ABSA_LR_RULE_HOST;
    o.lr_function = host_rule;
    o.lr_user = r;
    o.lr = 0.4;
    return o;
}

static size_t bytes_of(const absa_controller *c, unsigned char bytes[4096])
{
    size_t size;
    cr_assert_eq(absa_controller_save(c, bytes, 4096, &size), ABSA_OK);
    return size;
}

Test(host_rule, the_learning_rate_is_what_the_host_says)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    rule r = {.power = 0.75};
    absa_controller_options o = options(&r);
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(plan_of(c).lr, 0.4);
    cr_assert_eq(absa_controller_observe_value(c, 8.0, NULL), ABSA_OK);
    for (int64_t batch = 64; batch <= 256; batch *= 2) {
        absa_decision d;
        absa_decision_init(&d, sizeof d);
        cr_assert_eq(absa_controller_observe_value(c, 8e3 / (double)(batch * batch), &d), ABSA_OK);
        cr_assert_eq(plan_of(c).batch, batch);
        /* pow() of the same arguments, then one product. */
        const double factor = pow((double)batch / 32.0, 0.75);
        cr_assert_eq(plan_of(c).lr, 0.4 * factor);
        cr_assert_eq(plan_of(c).lr_multiplier, factor);
        cr_assert_eq(d.lr, plan_of(c).lr);
    }
    cr_assert_eq(r.calls, 4, "asked %d times for four batches", (int)r.calls);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(host_rule, a_failure_is_told_and_changes_nothing)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int fail = WITH_CODE; fail <= WITH_OVERFLOW; fail++) {
        rule r = {.power = 1.0, .fail_from = 64, .fail = fail};
        absa_controller_options o = options(&r);
        if (fail == WITH_OVERFLOW)
            o.lr = 4.0;
        absa_controller *c = make_controller(ctx, &o);
        unsigned char before[4096], after[4096];
        absa_decision d;
        absa_decision_init(&d, sizeof d);
        d.batch = -7;
        cr_assert_eq(absa_controller_observe_value(c, 8.0, NULL), ABSA_OK);
        const size_t size = bytes_of(c, before);
        const absa_status wanted = fail == WITH_CODE ? ABSA_E_CALLBACK : ABSA_E_INVALID;
        cr_assert_eq(absa_controller_observe_value(c, 1.0, &d), wanted);
        cr_assert_not_null(strstr(absa_context_message(ctx), "lr_function"));
        if (fail == WITH_CODE)
            cr_assert_eq(absa_context_callback_code(ctx), 42);
        cr_assert_eq(d.batch, -7, "the decision is not written");
        cr_assert(bytes_of(c, after) == size && memcmp(before, after, size) == 0);

        /* Inside a window the growth waits, and is asked about when the window is full. */
        cr_assert_eq(absa_controller_advance(c, 31), ABSA_OK);
        cr_assert_eq(absa_controller_observe_value(c, 1.0, NULL), ABSA_OK);
        cr_assert_eq(absa_controller_advance(c, 1), wanted);
        cr_assert_eq(plan_of(c).rows_done, 31);
        r.fail_from = 0;
        cr_assert_eq(absa_controller_advance(c, 1), ABSA_OK);
        cr_assert_eq(plan_of(c).lr, 2.0 * o.lr);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

Test(host_rule, without_an_answer_for_the_first_batch_there_is_no_controller)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    rule r = {.power = 1.0, .fail_from = 1};
    absa_controller_options o = options(&r);
    absa_controller *c = (absa_controller *)&o;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_E_CALLBACK);
    cr_assert_null(c);
    o.lr_function = NULL;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "lr_function"));
    absa_context_destroy(&ctx);
}

Test(host_rule, the_function_cannot_change_the_controller)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    rule r = {.power = 1.0};
    absa_controller_options o = options(&r);
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_observe_value(c, 8.0, NULL), ABSA_OK);
    r.reenter = c;
    cr_assert_eq(absa_controller_observe_value(c, 1.0, NULL), ABSA_OK);
    cr_assert_eq(r.reentered, ABSA_E_BUSY);
    cr_assert_eq(r.advanced, ABSA_E_BUSY);
    /* Nor where a load asks it, behind a plan that has shown the open window. */
    unsigned char bytes[4096];
    const size_t size = bytes_of(c, bytes);
    rule other = {.power = 1.0};
    o = options(&other);
    o.lr = 0.25;
    absa_controller *loaded = make_controller(ctx, &o);
    cr_assert_eq(plan_of(loaded).samples, 0);
    other.reenter = loaded;
    cr_assert_eq(absa_controller_load(loaded, bytes, size, 1), ABSA_OK);
    cr_assert_eq(other.advanced, ABSA_E_BUSY);
    absa_controller_destroy(&loaded);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(host_rule, a_saved_window_keeps_its_rate_and_a_failing_load_changes_nothing)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    rule r = {.power = 0.5}, other = {.power = 1.0};
    absa_controller_options o = options(&r);
    absa_controller *c = make_controller(ctx, &o);
    unsigned char bytes[4096], before[4096], after[4096];
    cr_assert_eq(absa_controller_observe_value(c, 8.0, NULL), ABSA_OK);
    cr_assert_eq(absa_controller_observe_value(c, 1.0, NULL), ABSA_OK);
    cr_assert_eq(absa_controller_advance(c, 3), ABSA_OK);
    const size_t size = bytes_of(c, bytes);
    o.lr_user = &other;
    absa_controller *loaded = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_load(loaded, bytes, size, 0), ABSA_OK);
    cr_assert_eq(plan_of(loaded).lr, 0.4 * pow(2.0, 0.5));
    cr_assert_eq(absa_controller_advance(loaded, 61), ABSA_OK);
    cr_assert_eq(plan_of(loaded).lr, 0.4 * 2.0);

    /* Under other options an empty window follows them: here to a batch that has no rate. */
    cr_assert_eq(absa_controller_restart_window(c), ABSA_OK);
    const size_t empty = bytes_of(c, bytes);
    rule failing = {.power = 1.0, .fail_from = 64};
    o.lr_user = &failing;
    o.lr = 0.1;
    absa_controller *third = make_controller(ctx, &o);
    const size_t mark = bytes_of(third, before);
    cr_assert_eq(absa_controller_load(third, bytes, empty, 1), ABSA_E_CALLBACK);
    cr_assert(bytes_of(third, after) == mark && memcmp(before, after, mark) == 0);
    absa_controller_destroy(&c);
    absa_controller_destroy(&loaded);
    absa_controller_destroy(&third);
    absa_context_destroy(&ctx);
}

/* On process 1 the function fails: there the call fails so, on the others as a peer's failure, and
 * all go on alike. */
static void one_rule_fails(process *p)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    rule r = {.power = 1.0, .fail_from = p->rank == 1 ? 64 : 0};
    absa_controller_options o = options(&r);
    o.reduce = process_reduce;
    o.reduce_user = p;
    o.process = p->rank;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_observe_value(c, 8.0, NULL), ABSA_OK);
    cr_assert_eq(absa_controller_observe_value(c, 1.0, NULL),
                 p->rank == 1 ? ABSA_E_CALLBACK : ABSA_E_PEER);
    cr_assert_eq(plan_of(c).batch, 32);
    r.fail_from = 0;
    cr_assert_eq(absa_controller_observe_value(c, 1.0, NULL), ABSA_OK);
    cr_assert_eq(plan_of(c).batch, 64);

    /* Inside a window only a process that wants the decision asks for the rate to come. */
    r.fail_from = p->rank == 1 ? 128 : 0;
    absa_decision d;
    absa_decision_init(&d, sizeof d);
    cr_assert_eq(absa_controller_advance(c, 5), ABSA_OK);
    cr_assert_eq(absa_controller_observe_value(c, 0.1, p->rank == 1 ? &d : NULL),
                 p->rank == 1 ? ABSA_E_CALLBACK : ABSA_E_PEER);
    cr_assert_eq(plan_of(c).threshold, 0.5);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(host_rule, a_failure_on_one_process_fails_all)
{
    processes_run(3, one_rule_fails, NULL);
}
