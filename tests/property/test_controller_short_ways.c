/* A controller that nobody listens to answers the usual calls in a short way. Whatever it is told,
 * it has to end in the state, to the byte, and in the plan of one with a journal, which never does.
 * The options and events here are those where the two ways part: batches at their end, multiples of
 * measure_every about as long as windows, measurements at the threshold. ABSA_TEST_HISTORIES as in
 * test_controller_histories.c. */
#include "support/controllers.h"
#include "support/dice.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int one_in(dice *d, int64_t n)
{
    return pick(d, 1, n) == 1;
}

static absa_controller_options random_options(dice *d)
{
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    (void)absa_controller_options_preset(&o, (int32_t)pick(d, 0, 2));
    o.strategy = ABSA_STRATEGY_ABS + (int32_t)pick(d, 0, 1);
    o.samples = pick(d, 40, 400);
    o.epochs = pick(d, 1, 6);
    o.batch = pick(d, 4, 16);
    o.batch_max = o.batch * pick(d, 1, 3);
    o.batch_multiple = 1;
    o.micro_batch = one_in(d, 4) ? pick(d, 1, 8) : 0;
    o.momentum = (int32_t)pick(d, 0, 2);
    o.epoch_tail = (int32_t)pick(d, 0, 2);
    o.measure_every = one_in(d, 4) ? 0 : o.batch + pick(d, -2, 2);
    o.patience = pick(d, 1, 4);
    o.dwell = one_in(d, 3) ? pick(d, 1, 100) : 0;
    o.eigenvalue_ratio = 2.0; /* so that halves are the threshold to the bit */
    o.compare = (int32_t)pick(d, 0, 1);
    o.trigger = (int32_t)pick(d, 0, 1);
    o.use_unconverged = one_in(d, 2);
    o.patience_shrinks_share = one_in(d, 2);
    o.finish_at_batch_max = one_in(d, 3);
    o.spill = one_in(d, 3);
    o.shrink_ratio = one_in(d, 4) ? 1.5 : 0.0;
    o.lr_cap = one_in(d, 4) ? 0.5 : 0.0;
    o.unit = (int32_t)pick(d, 0, 2);
    o.decay_count = 1;
    o.decay[0] = (double)pick(d, 0, 20);
    return o;
}

/* One of the two, and what both are told. */
typedef struct pair {
    absa_context *ctx;
    absa_controller_options quiet, telling;
    absa_controller *c[2];
    journal heard;
} pair;

static void begin(pair *p, const absa_controller_options *o)
{
    p->quiet = p->telling = *o;
    p->telling.journal = journal_keep;
    p->telling.journal_user = &p->heard;
    p->c[0] = make_controller(p->ctx, &p->quiet);
    p->c[1] = make_controller(p->ctx, &p->telling);
}

static absa_eigen_result random_result(dice *d, const absa_plan *plan)
{
    static const double near[] = {0.5, 1.0 - 0x1p-50, 1.0, 1.0 + 0x1p-50, 1.2, 2.0, 4.0};
    const double base = isnan(plan->threshold) ? 8.0 : plan->threshold;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    r.value = base * near[one_in(d, 4) ? pick(d, 0, 6) : pick(d, 3, 6)];
    r.lower = one_in(d, 8) ? r.value * 1.1 : r.value * (1.0 - 0.1 * (double)pick(d, 0, 2));
    r.upper = one_in(d, 8) ? r.value * 0.9 : r.value * (1.0 + 0.1 * (double)pick(d, 0, 2));
    if (one_in(d, 10))
        r.value = one_in(d, 2) ? (double)INFINITY : -r.value;
    if (one_in(d, 10))
        r.upper = (double)INFINITY;
    r.converged = !one_in(d, 10);
    r.consistent = !one_in(d, 10);
    r.answer = one_in(d, 6) ? (int32_t)pick(d, ABSA_ANSWER_NOT_BELOW, ABSA_ANSWER_CLOSE)
                            : ABSA_ANSWER_NONE;
    r.rule = one_in(d, 12) ? ABSA_RULE_POWER : ABSA_RULE_CERTIFIED;
    return r;
}

/* What both answer; they have to agree. */
static void tell(pair *p, dice *d, const absa_plan *plan)
{
    const absa_eigen_result r = random_result(d, plan);
    const int64_t kind = pick(d, 0, 20), rest = plan->rows - plan->rows_done;
    const int64_t rows = one_in(d, 3) ? pick(d, 1, rest) : rest;
    absa_status status[2];
    for (int i = 0; i < 2; i++) {
        absa_controller *c = p->c[i];
        status[i] = plan->epoch_done || kind == 0 ? absa_controller_end_epoch(c)
                    : kind < 6                    ? absa_controller_observe(c, &r, NULL)
                    : kind < 10                   ? absa_controller_observe_value(c, r.value, NULL)
                    : kind == 10                  ? absa_controller_restart_window(c)
                    : kind == 11                  ? absa_controller_update_skipped(c)
                    : kind == 12 && rows % 5 == 0 ? absa_controller_adversarial_collapse(c)
                    : kind == 12                  ? absa_controller_skip_measurement(c)
                                                  : absa_controller_advance(c, rows);
    }
    cr_assert_eq(status[0], status[1], "%s", absa_context_message(p->ctx));
}

static absa_plan check_same(const pair *p)
{
    unsigned char bytes[2][4096];
    size_t size[2];
    const absa_plan plan = plan_of(p->c[0]), other = plan_of(p->c[1]);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(absa_controller_save(p->c[i], bytes[i], sizeof bytes[i], &size[i]), ABSA_OK);
    cr_assert(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0, "the states differ");
    cr_assert_eq(memcmp(&plan, &other, sizeof plan), 0, "the plans differ");
    return plan;
}

static void end(pair *p)
{
    absa_controller_destroy(&p->c[0]);
    absa_controller_destroy(&p->c[1]);
}

/* Both go on under another schedule, of which no decision has told yet. */
static void go_on_under_others(pair *p, dice *d)
{
    absa_controller_options o = p->quiet;
    unsigned char bytes[4096];
    size_t size;
    cr_assert_eq(absa_controller_save(p->c[0], bytes, sizeof bytes, &size), ABSA_OK);
    end(p);
    o.decay[0] = (double)pick(d, 0, 20);
    begin(p, &o);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(absa_controller_load(p->c[i], bytes, size, 1), ABSA_OK, "%s",
                     absa_context_message(p->ctx));
}

Test(short_ways, lead_where_the_long_ones_do)
{
    const char *text = getenv("ABSA_TEST_HISTORIES");
    const int64_t count = (text ? strtoll(text, NULL, 10) : 100000) / 20;
    static pair p;
    cr_assert_eq(absa_context_create(NULL, &p.ctx), ABSA_OK);
    for (int64_t i = 0; i < count; i++) {
        dice d = {(uint64_t)i, 0};
        const absa_controller_options o = random_options(&d);
        begin(&p, &o);
        for (int events = 0; events < 80 && !check_same(&p).finished; events++) {
            const absa_plan plan = plan_of(p.c[0]);
            p.heard.count = 0;
            tell(&p, &d, &plan);
            if (one_in(&d, 40))
                go_on_under_others(&p, &d);
        }
        end(&p);
    }
    absa_context_destroy(&p.ctx);
}
