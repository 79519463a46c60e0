/* Any bytes as a training: the first ones choose options, the others are events, whatever a host
 * may tell a controller and in any order. What is refused must change nothing, samples must add up,
 * a saved state must go on as the original, under other options as far as they go, and the journal
 * must tell the whole story. */
#include "drive.h"

#include "support/growth.h"

enum { MOST_EVENTS = 400, MOST_DECISIONS = 2 * MOST_EVENTS, STATE = 4096, LARGE = 45 };

typedef struct journal {
    absa_decision seen[MOST_DECISIONS];
    int64_t count;
} journal;

typedef struct training {
    absa_context *ctx;
    absa_controller_options o;
    absa_controller *c;
    int64_t samples; /* counted here */
    journal *told;
    int moved; /* went on under other options: the journal is not one training's */
} training;

static int keep(void *user, const absa_decision *decision)
{
    journal *j = user;
    FUZZ_CHECK(j->count < MOST_DECISIONS);
    j->seen[j->count++] = *decision;
    return 0;
}

/* There is one process, whose sums are its own numbers. */
static int reduce(void *user, double *values, int64_t count)
{
    (void)user;
    FUZZ_CHECK(values && count > 0);
    return 0;
}

static void check_plan(const training *t, const absa_plan *p)
{
    const int64_t most = t->o.strategy == ABSA_STRATEGY_BL ? t->o.batch : t->o.batch_max;
    drive_check_plan(p);
    FUZZ_CHECK(p->samples == t->samples);
    FUZZ_CHECK(p->batch <= most);
}

/* The same training of samples that are each so many. */
static void enlarge(absa_controller_options *o)
{
    o->samples <<= LARGE;
    o->batch <<= LARGE;
    o->batch_max =
        o->batch_max < (int64_t)1 << (53 - LARGE) ? o->batch_max << LARGE : (int64_t)1 << 53;
    o->micro_batch <<= LARGE;
    o->measure_every <<= LARGE;
    o->dwell <<= LARGE;
}

/* Small trainings, so that ends of windows, epochs and of the training itself are met. */
static absa_controller_options choose(const uint8_t **data, size_t *size)
{
    absa_controller_options o;
    uint8_t b[16];
    absa_controller_options_init(&o, sizeof o);
    fuzz_take(data, size, b, sizeof b);
    (void)absa_controller_options_preset(&o, b[0] % 3);
    o.strategy = b[1] % 5;
    o.samples = 1 + b[2];
    o.epochs = 1 + b[3] % 8;
    o.batch = 1 + b[4] % o.samples;
    o.batch_max = o.batch * (1 + b[5] % 16);
    o.micro_batch = b[6] % 20;
    o.patience = 1 + b[7] % 4;
    o.measure_every = b[8] % 2 ? b[8] : 0;
    o.epoch_tail = b[9] % 3;
    o.unit = b[9] / 3 % 3;
    o.growth = b[9] / 9 % 2;
    o.trigger = b[10] % 2;
    o.spill = b[10] / 2 % 2;
    o.shrink_ratio = b[10] / 4 % 2 ? 1.5 : 0.0;
    o.lr_cap = b[10] / 8 % 2 ? 0.5 : 0.0;
    o.polynomial_end = b[10] / 16 % 2 ? 3.0 : 0.0;
    o.dwell = b[11] % 4 ? 0 : b[11];
    o.decay_count = b[11] % 3;
    o.decay[0] = 1;
    o.decay[1] = 4;
    o.momentum = b[12] % 3;
    o.lr_rule = b[12] / 3 % 3;
    o.warmup = b[12] / 9 % 2 ? 2.0 : -1.0;
    o.warmup_start = b[12] / 18 % 2 ? 1e-310 : 0.0;
    o.count_bad = b[12] / 36 % 2;
    o.use_unconverged = b[12] / 72 % 2;
    o.batch_ratio = b[13] % 4 < 2 ? 2.0 : 1.0 + (double)b[13] / 64.0;
    o.batch_multiple = b[13] % 8 < 6 ? 1 : 1 + b[13] % o.batch;
    if (o.growth == ABSA_GROWTH_ACCUMULATION && o.batch % o.batch_multiple)
        o.batch_multiple = 1;
    o.batch_ratio = enough(&o);
    o.lr_decay = b[14] % 4 ? 0.2 : 1e-300;
    o.gradient = b[14] / 4 % 2;
    o.across = b[14] / 8 % 2;
    if (b[15] % 4 == 3)
        enlarge(&o);
    o.reduce = b[15] / 4 % 2 ? reduce : NULL;
    return o;
}

static double number(uint8_t b)
{
    static const double odd[] = {0.0,    -1.0,  (double)NAN, (double)INFINITY, -(double)INFINITY,
                                 1e-300, 1e300, 1e-320};
    return b < 8 ? odd[b] : exp2(((double)b - 128.0) / 16.0);
}

static absa_status observe(training *t, const uint8_t b[4])
{
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    r.value = number(b[0]);
    r.lower = b[1] % 16 ? r.value * (1.0 - (double)b[1] / 512.0) : number(b[1]);
    r.upper = b[2] % 16 ? r.value * (1.0 + (double)b[2] / 512.0) : number(b[2]);
    r.converged = b[3] % 4 != 0;
    r.consistent = b[3] / 4 % 4 != 0;
    r.answer = b[3] / 16 % 4;
    r.products = b[3] % 32 == 9 ? INT64_MAX : b[3];
    r.rule = b[3] / 64 ? ABSA_RULE_CHECKED : ABSA_RULE_POWER;
    return b[3] % 8 == 7 ? absa_controller_observe_value(t->c, r.value, NULL)
                         : absa_controller_observe_sampled(t->c, &r, b[3] % 2 ? 0.1 : 0.0, NULL);
}

/* Another controller with the saved state takes the place of this one. */
static void hop(training *t)
{
    unsigned char before[STATE], after[STATE];
    size_t size, again;
    absa_controller *other;
    FUZZ_CHECK(absa_controller_save(t->c, before, sizeof before, &size) == ABSA_OK);
    FUZZ_CHECK(absa_controller_create(t->ctx, &t->o, &other) == ABSA_OK);
    FUZZ_CHECK(absa_controller_load(other, before, size, 0) == ABSA_OK);
    FUZZ_CHECK(absa_controller_save(other, after, sizeof after, &again) == ABSA_OK);
    FUZZ_CHECK(size == again && memcmp(before, after, size) == 0);
    absa_controller_destroy(&t->c);
    t->c = other;
}

/* The saved state under other options, where they can take it. */
static void move(training *t, const uint8_t b[4])
{
    unsigned char bytes[STATE];
    size_t size;
    absa_controller *other;
    absa_controller_options o = t->o;
    const int64_t unit = o.samples >> LARGE ? (int64_t)1 << LARGE : 1;
    if (b[1] % 4 == 0)
        o.strategy = b[1] / 4 % 5;
    if (b[1] % 4 == 1)
        o.growth = b[1] / 4 % 2;
    if (b[1] % 4 == 2)
        o.measure_every = b[1] / 4 % 2 ? b[1] : 0;
    o.batch_multiple = 1;
    o.epochs = 1 + b[2] % 8;
    o.epoch_tail = b[2] / 8 % 3;
    o.samples = (1 + b[3]) * unit;
    o.batch = 1 + b[3] % 16 % o.samples * unit;
    o.batch_max = o.batch > t->o.batch_max ? o.batch : t->o.batch_max;
    o.batch_ratio = enough(&o);
    if (o.epoch_tail == ABSA_TAIL_DROP && o.batch > o.samples)
        return;
    FUZZ_CHECK(absa_controller_save(t->c, bytes, sizeof bytes, &size) == ABSA_OK);
    FUZZ_CHECK(absa_controller_create(t->ctx, &o, &other) == ABSA_OK);
    const absa_status status = absa_controller_load(other, bytes, size, 1);
    FUZZ_CHECK(status == ABSA_OK || status == ABSA_E_MISMATCH);
    if (status) {
        absa_controller_destroy(&other);
        return;
    }
    absa_controller_destroy(&t->c);
    t->c = other;
    t->o = o;
    t->moved = 1;
}

static int64_t without_restarts(journal *j)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < j->count; i++)
        if (j->seen[i].event != ABSA_EVENT_RESTART)
            j->seen[kept++] = j->seen[i];
    return kept;
}

/* A replay under the same options is the training again, but for restarts that it need not make. */
static void check_journal(training *t, journal *again)
{
    absa_controller_options o = t->o;
    absa_controller *c;
    absa_replay r;
    absa_replay_init(&r, sizeof r);
    again->count = 0;
    o.journal_user = again;
    FUZZ_CHECK(absa_controller_create(t->ctx, &o, &c) == ABSA_OK);
    FUZZ_CHECK(absa_controller_replay(c, t->told->seen, t->told->count, sizeof t->told->seen[0],
                                      &r) == ABSA_OK);
    FUZZ_CHECK(r.undetermined < 0);
    const int64_t first = without_restarts(t->told), second = without_restarts(again);
    /* What is told of a training that has ended is not replayed. */
    FUZZ_CHECK(second == first || drive_plan(c, 0, 1).finished);
    FUZZ_CHECK(second <= first &&
               memcmp(again->seen, t->told->seen, (size_t)second * sizeof again->seen[0]) == 0);
    absa_controller_destroy(&c);
}

static absa_status tell(training *t, uint8_t event, const uint8_t b[4], const absa_plan *p)
{
    absa_micro m;
    absa_status status;
    switch (event % 16) {
    case 0:
        return absa_controller_end_epoch(t->c);
    case 1:
        return observe(t, b);
    case 2:
        return absa_controller_skip_measurement(t->c);
    case 3:
        return absa_controller_update_skipped(t->c);
    case 4:
        if (b[0] % 16 == 1)
            move(t, b);
        return b[0] == 0 ? absa_controller_adversarial_collapse(t->c) : ABSA_OK;
    case 5:
        status = absa_controller_restart_window(t->c);
        t->samples -= status ? 0 : p->rows_done;
        return status;
    case 6:
        hop(t);
        return ABSA_OK;
    case 7: /* more or less than the window takes */
        status = absa_controller_advance(t->c, (int64_t)b[0] - 3);
        t->samples += status ? 0 : (int64_t)b[0] - 3;
        return status;
    default:
        m = drive_check_micros(t->c, 1 + b[0] % 4);
        if (m.global_rows == 0)
            return ABSA_OK;
        status = absa_controller_advance(t->c, m.global_rows);
        t->samples += status ? 0 : m.global_rows;
        return status;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static journal told, again;
    faulty_alloc f = {0};
    training t = {.ctx = faulty_context(&f), .told = &told};
    t.o = choose(&data, &size);
    /* A quiet controller's calls go other ways. */
    const int quiet = size % 3 == 0;
    told.count = 0;
    t.o.journal = quiet ? NULL : keep;
    t.o.journal_user = &told;
    FUZZ_CHECK(absa_controller_create(t.ctx, &t.o, &t.c) == ABSA_OK);
    for (int k = 0; k < MOST_EVENTS && size > 0; k++) {
        unsigned char before[STATE], after[STATE];
        size_t was, is;
        uint8_t event, b[4];
        fuzz_take(&data, &size, &event, 1);
        fuzz_take(&data, &size, b, sizeof b);
        const absa_plan p = drive_plan(t.c, event % 5, 5);
        check_plan(&t, &p);
        FUZZ_CHECK(absa_controller_save(t.c, before, sizeof before, &was) == ABSA_OK);
        if (tell(&t, event, b, &p) == ABSA_OK)
            continue;
        FUZZ_CHECK(*absa_context_message(t.ctx));
        FUZZ_CHECK(absa_controller_save(t.c, after, sizeof after, &is) == ABSA_OK);
        FUZZ_CHECK(was == is && memcmp(before, after, is) == 0);
    }
    if (!quiet && !t.moved)
        check_journal(&t, &again);
    absa_controller_destroy(&t.c);
    fuzz_finish(&f, t.ctx);
    return 0;
}
