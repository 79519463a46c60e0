/* Any bytes as a training: the first ones choose options, the others are events, whatever a host
 * may tell a controller and in any order. What is refused must change nothing, samples must add up,
 * a saved state must go on as the original. */
#include "fuzz.h"

#include <absa/controller.h>
#include <math.h>

enum { MOST_EVENTS = 400, STATE = 4096 };

typedef struct training {
    absa_context *ctx;
    absa_controller_options o;
    absa_controller *c;
    int64_t samples; /* counted here */
} training;

static absa_plan plan_of(const absa_controller *c, int64_t process, int64_t processes)
{
    absa_plan p = {.struct_size = sizeof p};
    FUZZ_CHECK(absa_controller_plan(c, process, processes, &p) == ABSA_OK);
    return p;
}

static void check_plan(const training *t, const absa_plan *p)
{
    const int64_t most = t->o.strategy == ABSA_STRATEGY_BL ? t->o.batch : t->o.batch_max;
    FUZZ_CHECK(p->samples == t->samples);
    FUZZ_CHECK(p->batch >= 1 && p->batch <= most);
    FUZZ_CHECK(p->rows >= 1 && p->rows <= p->batch);
    FUZZ_CHECK(p->rows_done >= 0 && p->rows_done < p->rows);
    FUZZ_CHECK(p->lr >= 0 && isfinite(p->lr) && p->gamma >= 0 && p->gamma <= 1);
    FUZZ_CHECK(p->adversarial_rows >= 0 && p->adversarial_rows <= p->rows);
    FUZZ_CHECK(p->progress >= 0 && p->progress <= 1);
    FUZZ_CHECK(p->update >= 0 && p->short_updates >= 0 && p->short_updates <= p->update);
}

/* Small trainings, so that ends of windows, epochs and of the training itself are met. */
static absa_controller_options choose(const uint8_t **data, size_t *size)
{
    absa_controller_options o;
    uint8_t b[12];
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
    r.answer = b[3] / 16 % 3;
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

static absa_status tell(training *t, uint8_t event, const uint8_t b[4], const absa_plan *p)
{
    absa_micro m = {.struct_size = sizeof m};
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
        FUZZ_CHECK(absa_controller_micro(t->c, b[0] % 3, 3, &m) == ABSA_OK);
        FUZZ_CHECK(m.rows >= 0 && m.rows <= m.global_rows && m.weight >= 0);
        FUZZ_CHECK(m.adversarial_rows >= 0 && m.adversarial_rows <= m.rows);
        if (m.global_rows == 0)
            return ABSA_OK;
        status = absa_controller_advance(t->c, m.global_rows);
        t->samples += status ? 0 : m.global_rows;
        return status;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    training t = {.ctx = faulty_context(&f)};
    t.o = choose(&data, &size);
    FUZZ_CHECK(absa_controller_create(t.ctx, &t.o, &t.c) == ABSA_OK);
    for (int k = 0; k < MOST_EVENTS && size > 0; k++) {
        unsigned char before[STATE], after[STATE];
        size_t was, is;
        uint8_t event, b[4];
        fuzz_take(&data, &size, &event, 1);
        fuzz_take(&data, &size, b, sizeof b);
        const absa_plan p = plan_of(t.c, event % 5, 5);
        check_plan(&t, &p);
        FUZZ_CHECK(absa_controller_save(t.c, before, sizeof before, &was) == ABSA_OK);
        if (tell(&t, event, b, &p) == ABSA_OK)
            continue;
        FUZZ_CHECK(*absa_context_message(t.ctx));
        FUZZ_CHECK(absa_controller_save(t.c, after, sizeof after, &is) == ABSA_OK);
        FUZZ_CHECK(was == is && memcmp(before, after, is) == 0);
    }
    absa_controller_destroy(&t.c);
    fuzz_finish(&f, t.ctx);
    return 0;
}
