/* Laws of the controller over random histories: random options, measurements of every kind, process
 * counts, micro-batches, saves and loads. ABSA_TEST_HISTORIES says how many (100,000 unless set;
 * the slow builds of CI take fewer, and then the reasons are not counted). */
#include "support/controllers.h"
#include "support/dice.h"
#include "support/growth.h"
#include "support/processes.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static absa_controller_options random_options(dice *d)
{
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    (void)absa_controller_options_preset(&o, (int32_t)pick(d, 0, 2));
    /* Mostly the strategies that decide something. */
    o.strategy =
        roll(d) < 0.7 ? ABSA_STRATEGY_ABS + (int32_t)pick(d, 0, 1) : (int32_t)pick(d, 0, 2);
    o.samples = pick(d, 1, 200);
    o.epochs = pick(d, 1, 12);
    o.batch = pick(d, 1, o.samples);
    o.batch_max = o.batch * pick(d, 1, 20) + (roll(d) < 0.2 ? pick(d, 0, o.batch - 1) : 0);
    o.batch_multiple = roll(d) < 0.2 ? pick(d, 1, o.batch) : 1;
    o.micro_batch = roll(d) < 0.5 ? pick(d, 1, 40) : 0;
    o.unit = (int32_t)pick(d, 0, 2);
    o.epoch_tail = (int32_t)pick(d, 0, 2);
    o.decay_count = pick(d, 0, 2);
    o.decay[0] = (double)pick(d, 0, 5);
    o.decay[1] = o.decay[0] + (double)pick(d, 1, 5);
    o.patience = pick(d, 1, 4);
    o.measure_every = roll(d) < 0.5 ? pick(d, 1, 100) : 0;
    o.dwell = roll(d) < 0.3 ? pick(d, 1, 400) : 0;
    o.batch_ratio = 1.0 + roll(d) * 3.0;
    o.growth = roll(d) < 0.5 ? ABSA_GROWTH_BATCH : ABSA_GROWTH_ACCUMULATION;
    if (o.growth == ABSA_GROWTH_ACCUMULATION && o.batch % o.batch_multiple != 0)
        o.batch_multiple = 1;
    o.batch_ratio = enough(&o);
    o.count_bad = roll(d) < 0.2;
    o.use_unconverged = roll(d) < 0.3;
    o.trigger = roll(d) < 0.5 ? ABSA_TRIGGER_INTERVAL : ABSA_TRIGGER_POINT;
    o.warmup = 0.0;
    if (roll(d) < 0.2) {
        o.shrink_ratio = 1.0 + roll(d) * 3.0;
        o.spill = roll(d) < 0.5;
        o.lr_cap = roll(d) < 0.5 ? 0.1 + roll(d) : 0.0;
        o.polynomial_end = roll(d) < 0.5 ? (double)pick(d, 1, 20) : 0.0;
    }
    return o;
}

static absa_eigen_result random_measurement(dice *d)
{
    absa_eigen_result r;
    const double kind = roll(d);
    absa_eigen_result_init(&r, sizeof r);
    r.value = kind < 0.03   ? (double)NAN
              : kind < 0.06 ? (double)INFINITY
              : kind < 0.09 ? -roll(d)
              : kind < 0.11 ? 0.0
                            : exp(6.0 * roll(d) - 3.0);
    r.lower = r.value == r.value ? r.value : 0.0;
    r.upper = r.lower * (1.0 + (roll(d) < 0.5 ? 0.0 : roll(d)));
    r.converged = roll(d) < 0.9;
    r.consistent = roll(d) < 0.95;
    return r;
}

typedef struct history {
    absa_context *ctx;
    absa_controller_options o;
    absa_controller *c;
    int64_t samples;    /* advanced by this test */
    int64_t taken_back; /* updates */
    int64_t *reasons;
    journal *journal;
    double noise; /* by which this process's measurements differ from the others' */
} history;

/* Another controller with the loaded state takes the place of this one: nothing may change. */
static void hop(history *h)
{
    unsigned char a[4096], b[4096];
    size_t na, nb;
    absa_controller *other;
    cr_assert_eq(absa_controller_save(h->c, a, sizeof a, &na), ABSA_OK);
    cr_assert_eq(absa_controller_create(h->ctx, &h->o, &other), ABSA_OK);
    cr_assert_eq(absa_controller_load(other, a, na, 0), ABSA_OK, "%s",
                 absa_context_message(h->ctx));
    cr_assert_eq(absa_controller_save(other, b, sizeof b, &nb), ABSA_OK);
    cr_assert(na == nb && memcmp(a, b, na) == 0);
    absa_controller_destroy(&h->c);
    h->c = other;
}

/* The processes' shares are disjoint, ordered and complete. */
static int64_t deal(history *h, dice *d)
{
    const int64_t ranks = pick(d, 1, 4);
    int64_t rows = 0, first = 0;
    absa_micro m = {.struct_size = sizeof m};
    for (int64_t q = 0; q < ranks; q++) {
        cr_assert_eq(absa_controller_micro(h->c, q, ranks, &m), ABSA_OK);
        if (q == 0)
            first = m.first;
        cr_assert_eq(m.first, first + rows);
        cr_assert(m.adversarial_rows >= 0 && m.adversarial_rows <= m.rows);
        rows += m.rows;
    }
    cr_assert_eq(rows, m.global_rows);
    return rows;
}

/* updates_back is how many were taken back since the plan before. */
static void check_plan(const history *h, const absa_plan *before, const absa_plan *p,
                       int64_t updates_back)
{
    const absa_controller_options *o = &h->o;
    const int64_t most = o->strategy == ABSA_STRATEGY_BL ? o->batch : o->batch_max;
    cr_assert(p->batch >= o->batch && p->batch <= most);
    cr_assert(p->rows >= 1 && p->rows <= p->batch && p->rows_done < p->rows);
    /* An update taken back takes a schedule in updates back. */
    const int taken_back = updates_back > 0 && o->unit == ABSA_UNIT_UPDATES;
    cr_assert(p->gamma >= 0.0 && (p->gamma <= before->gamma || taken_back), "gamma never rises");
    cr_assert_eq(p->samples, h->samples, "no sample is lost or counted twice");
    cr_assert(p->progress >= 0.0 && p->progress <= 1.0);
    cr_assert(p->epoch >= (double)p->epochs_ended && p->epoch <= (double)p->epochs_ended + 1.0);
    if (o->shrink_ratio == 0.0 && !taken_back)
        cr_assert_geq(p->batch, before->batch);
    if (before->rows_done > 0 && p->update + updates_back == before->update) {
        cr_assert_eq(p->batch, before->batch, "B changes at boundaries only");
        cr_assert_eq(p->lr, before->lr, "one window, one learning rate");
    }
    /* lr / B is lr / batch_ref times a power of lr_decay that only grows. */
    const double scale =
        o->strategy == ABSA_STRATEGY_BL ? 1.0 : (double)p->batch / (double)o->batch;
    if (o->shrink_ratio > 0.0 || o->warmup > 0.0) {
        /* The extensions and the warm-up only lower it further. */
        cr_assert(p->lr > 0.0 && p->lr <= o->lr * scale * (1.0 + 1e-12));
        return;
    }
    const double decays = log(p->lr / (o->lr * scale)) / log(o->lr_decay);
    cr_assert_float_eq(decays, round(decays), 1e-9);
    cr_assert(round(decays) >= 0 && round(decays) <= (double)o->decay_count);
}

/* A measurement, in one of the three ways to tell of it. */
static void observe(const history *h, dice *d, absa_decision *decision)
{
    absa_eigen_result r = random_measurement(d);
    r.value *= 1.0 + h->noise;
    const double how = roll(d), standard_error = 0.3 * roll(d);
    cr_assert_eq(how < 0.3   ? absa_controller_observe_sampled(h->c, &r, standard_error, decision)
                 : how < 0.5 ? absa_controller_observe_value(h->c, r.value, decision)
                             : absa_controller_observe(h->c, &r, decision),
                 ABSA_OK);
}

static void event(history *h, dice *d, const absa_plan *p)
{
    absa_decision decision;
    absa_decision_init(&decision, sizeof decision);
    if (p->measure_due && roll(d) < 0.03) {
        cr_assert_eq(absa_controller_skip_measurement(h->c), ABSA_OK);
    } else if (p->measure_due || roll(d) < 0.05) {
        /* Nobody asks a quiet controller what it decided. */
        observe(h, d, h->o.journal ? &decision : NULL);
        decision.reason = plan_of(h->c).reason;
        h->reasons[decision.reason]++;
        if (decision.reason >= ABSA_REASON_NONFINITE && decision.reason <= ABSA_REASON_FIXED)
            cr_assert_eq(decision.batch, decision.batch_before, "a bad value never grows B");
    } else if (p->epoch_done) {
        cr_assert_eq(absa_controller_end_epoch(h->c), ABSA_OK);
        h->reasons[plan_of(h->c).reason]++;
    } else {
        const int64_t rows = deal(h, d), part = roll(d) < 0.3 ? pick(d, 1, rows) : rows;
        cr_assert_gt(rows, 0);
        cr_assert_eq(absa_controller_advance(h->c, part), ABSA_OK);
        h->samples += part;
        if (roll(d) < 0.02 && absa_controller_update_skipped(h->c) == ABSA_OK)
            h->taken_back++;
    }
    if (roll(d) < 0.002 && !plan_of(h->c).finished)
        cr_assert_eq(absa_controller_adversarial_collapse(h->c), ABSA_OK);
    if (roll(d) < 0.01) {
        const absa_plan open = plan_of(h->c);
        cr_assert_eq(absa_controller_restart_window(h->c), ABSA_OK);
        h->samples -= open.rows_done;
    }
}

/* A replay does not know of rows that were drawn after the last decision before a restart. */
static void forget_restarts(journal *j)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < j->count; i++)
        if (j->seen[i].event != ABSA_EVENT_RESTART)
            j->seen[kept++] = j->seen[i];
    j->count = kept;
}

/* The journal of a history, fed to a controller with the same options, is that controller's. */
static void check_replay(const history *h)
{
    static journal again;
    absa_controller_options o = h->o;
    absa_controller *c;
    absa_replay r;
    absa_replay_init(&r, sizeof r);
    again.count = 0;
    o.journal_user = &again;
    cr_assert_eq(absa_controller_create(h->ctx, &o, &c), ABSA_OK);
    cr_assert_eq(absa_controller_replay(c, h->journal->seen, h->journal->count,
                                        sizeof h->journal->seen[0], &r),
                 ABSA_OK, "%s", absa_context_message(h->ctx));
    cr_assert_eq(r.replayed, h->journal->count);
    forget_restarts(&again);
    forget_restarts(h->journal);
    cr_assert_eq(again.count, h->journal->count);
    cr_assert_eq(memcmp(again.seen, h->journal->seen, (size_t)again.count * sizeof again.seen[0]),
                 0);
    absa_controller_destroy(&c);
}

/* A quiet controller keeps no journal; its calls take other ways. */
static void begin(history *h, const absa_controller_options *o, int quiet)
{
    h->o = *o;
    h->samples = h->taken_back = 0;
    h->journal->count = 0;
    h->o.journal = quiet ? NULL : journal_keep;
    h->o.journal_user = h->journal;
    cr_assert_eq(absa_controller_create(h->ctx, &h->o, &h->c), ABSA_OK, "%s",
                 absa_context_message(h->ctx));
}

/* One event happens to the controller, and to a twin that has just been loaded and so knows nothing
 * but the state: what a controller remembers between windows, so as not to compute it again, must
 * not show. */
static void event_with_twin(history *h, history *twin, dice *d, const absa_plan *p)
{
    unsigned char a[4096], b[4096];
    size_t na, nb;
    cr_assert_eq(absa_controller_save(h->c, a, sizeof a, &na), ABSA_OK);
    cr_assert_eq(absa_controller_load(twin->c, a, na, 0), ABSA_OK);
    twin->samples = h->samples;
    twin->journal->count = h->journal->count;
    dice same = *d;
    event(twin, &same, p);
    event(h, d, p);
    cr_assert_eq(absa_controller_save(h->c, a, sizeof a, &na), ABSA_OK);
    cr_assert_eq(absa_controller_save(twin->c, b, sizeof b, &nb), ABSA_OK);
    cr_assert(na == nb && memcmp(a, b, na) == 0, "the twin's state is another one");
    const absa_plan plan = plan_of(h->c), twins = plan_of(twin->c);
    cr_assert_eq(memcmp(&plan, &twins, sizeof plan), 0, "the twin's plan is another one");
    const int64_t told = h->journal->count;
    cr_assert_eq(twin->journal->count, told);
    if (told > 0)
        cr_assert_eq(memcmp(&h->journal->seen[told - 1], &twin->journal->seen[told - 1],
                            sizeof h->journal->seen[0]),
                     0);
}

static int64_t run_history(history *h, history *twin, dice *d)
{
    int64_t events = 0;
    absa_controller_options o = random_options(d);
    if (twin)
        o.warmup = roll(d) < 0.3 ? (double)pick(d, 1, 3) : 0.0;
    const int quiet = twin && roll(d) < 0.5;
    begin(h, &o, quiet);
    if (twin)
        begin(twin, &o, quiet);
    absa_plan before = plan_of(h->c), p = before;
    /* Small batches with large epochs are long; what matters has happened after 60 events. */
    while (!p.finished && events++ < 60) {
        const int64_t taken_back = h->taken_back;
        if (twin)
            event_with_twin(h, twin, d, &p);
        else
            event(h, d, &p);
        if (roll(d) < 0.02)
            hop(h);
        before = p;
        p = plan_of(h->c);
        /* A restarted window may take back rows of the plan before. */
        if (p.samples >= before.samples)
            check_plan(h, &before, &p, h->taken_back - taken_back);
    }
    absa_controller_destroy(&h->c);
    if (twin)
        absa_controller_destroy(&twin->c);
    if (!quiet)
        check_replay(h);
    return events;
}

Test(histories, keep_every_law)
{
    const char *text = getenv("ABSA_TEST_HISTORIES");
    const int64_t count = text ? strtoll(text, NULL, 10) : 100000;
    int64_t reasons[16] = {0};
    static journal kept;
    history h = {.reasons = reasons, .journal = &kept};
    absa_context_create(NULL, &h.ctx);
    for (int64_t i = 0; i < count; i++) {
        dice d = {(uint64_t)i, 0};
        run_history(&h, NULL, &d);
    }
    for (int32_t r = ABSA_REASON_NONE; r <= ABSA_REASON_SHRINK && count >= 100000; r++)
        cr_assert_geq(reasons[r], 100, "%s happened %d times", absa_reason_name(r),
                      (int)reasons[r]);
    absa_context_destroy(&h.ctx);
}

Test(histories, are_the_same_whatever_a_controller_remembers)
{
    const char *text = getenv("ABSA_TEST_HISTORIES");
    const int64_t count = (text ? strtoll(text, NULL, 10) : 100000) / 20;
    int64_t reasons[16] = {0};
    static journal kept, twins;
    history h = {.reasons = reasons, .journal = &kept};
    absa_context_create(NULL, &h.ctx);
    history twin = {.ctx = h.ctx, .reasons = reasons, .journal = &twins};
    for (int64_t i = 0; i < count; i++) {
        dice d = {(uint64_t)i, 1};
        run_history(&h, &twin, &d);
    }
    absa_context_destroy(&h.ctx);
}

static double hash(const journal *j)
{
    const unsigned char *bytes = (const unsigned char *)j->seen;
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < (size_t)j->count * sizeof j->seen[0]; i++)
        h = (h ^ bytes[i]) * 16777619u;
    return h;
}

/* The same history on every process, but for the last bits of what is measured. */
static void live_in_company(process *p)
{
    const int64_t count = *(const int64_t *)p->user;
    int64_t reasons[16] = {0};
    journal *kept = calloc(1, sizeof *kept);
    history h = {.reasons = reasons, .journal = kept, .noise = (double)p->rank * 0x1p-50};
    absa_context_create(NULL, &h.ctx);
    for (int64_t i = 0; i < count; i++) {
        dice d = {(uint64_t)i, 2};
        absa_controller_options o = random_options(&d);
        o.reduce = process_reduce;
        o.reduce_user = p;
        o.process = p->rank;
        begin(&h, &o, 0);
        absa_plan plan = plan_of(h.c);
        for (int events = 0; events < 40 && !plan.finished; events++) {
            event(&h, &d, &plan);
            if (roll(&d) < 0.02)
                hop(&h);
            plan = plan_of(h.c);
        }
        absa_controller_destroy(&h.c);
        double sums[2] = {1.0, hash(kept)};
        cr_assert_eq(process_reduce(p, sums, 2), 0);
        cr_assert_eq(sums[1], sums[0] * hash(kept), "history %d differs", (int)i);
    }
    absa_context_destroy(&h.ctx);
    free(kept);
}

Test(histories, are_the_same_on_every_process)
{
    const char *text = getenv("ABSA_TEST_HISTORIES");
    int64_t count = (text ? strtoll(text, NULL, 10) : 100000) / 100;
    processes_run(3, live_in_company, &count);
}
