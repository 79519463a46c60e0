/* The two presets against traces worked out by hand from the paper's listing and from how its
 * authors ran it; options by name. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct row {
    double value; /* measured at the end of the epoch */
    int32_t reason;
    int64_t batch; /* after the decision */
    double gamma;  /* after the decision */
} row;

enum {
    F = ABSA_REASON_FIRST,
    E = ABSA_REASON_EIGENVALUE,
    P = ABSA_REASON_PATIENCE,
    N = ABSA_REASON_NOT_BELOW,
    Z = ABSA_REASON_NOT_POSITIVE
};

static void one_epoch(absa_controller *c)
{
    while (!plan_of(c).epoch_done) {
        absa_micro m = {.struct_size = sizeof m};
        absa_controller_micro(c, 0, 1, &m);
        absa_controller_advance(c, m.global_rows);
    }
    absa_controller_end_epoch(c);
}

static absa_controller *start(absa_context *ctx, int32_t preset, absa_controller_options *o)
{
    absa_controller *c;
    absa_controller_options_init(o, sizeof *o);
    o->strategy = ABSA_STRATEGY_ABSA;
    cr_assert_eq(absa_controller_options_preset(o, preset), ABSA_OK);
    o->samples = 1280;
    o->epochs = 80;
    o->batch = 10;
    o->batch_max = 160;
    o->patience = 3;
    o->lr = 0.1;
    o->decay_count = 1;
    o->decay[0] = 20;
    cr_assert_eq(absa_controller_create(ctx, o, &c), ABSA_OK, "%s", absa_context_message(ctx));
    return c;
}

static void follow(absa_controller *c, const row *trace, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        one_epoch(c);
        absa_decision d = {.struct_size = sizeof d};
        cr_assert(plan_of(c).measure_due, "row %zu", i);
        cr_assert_eq(absa_controller_observe_value(c, trace[i].value, &d), ABSA_OK);
        cr_assert_eq(d.reason, trace[i].reason, "row %zu: %s", i, absa_reason_name(d.reason));
        cr_assert_eq(d.batch, trace[i].batch, "row %zu: %d", i, (int)d.batch);
        cr_assert_float_eq(d.gamma, trace[i].gamma, 1e-15, "row %zu: %g", i, d.gamma);
        const double decayed = i + 1 >= 20 ? 0.2 : 1.0;
        cr_assert_float_eq(d.lr, 0.1 * decayed * (double)d.batch / 10.0, 1e-15, "row %zu", i);
    }
}

/* patience 3 here, else the paper's constants. By the listing: the first value only records; < is
 * strict; three misses grow batch and lr but neither gamma nor Eig; at batch_max triggers go on,
 * gamma with them, the batch stays; bad values are as if not measured; tau at epoch 40. */
Test(presets, paper_follows_the_printed_algorithm)
{
    static const row trace[] = {
        {8.0, F, 10, 0.2},                               /* 1: Eig = 8 */
        {5.0, N, 10, 0.2},                               /* 2: 5 >= 4, one miss */
        {4.0, N, 10, 0.2},                               /* 3: 4 is not < 4, two */
        {3.9, E, 20, 0.1},                               /* 4: Eig = 3.9, misses 0 */
        {2.0, N, 20, 0.1},                               /* 5: 1.95, one */
        {9.0, N, 20, 0.1},                               /* 6: two */
        {-1.0, Z, 20, 0.1},                              /* 7: bad, counts for nothing */
        {2.5, P, 40, 0.1},                               /* 8: three: batch and lr only */
        {2.5, N, 40, 0.1},                               /* 9: one */
        {1.9, E, 80, 0.05},                              /* 10: Eig is still 3.9 */
        {0.9, E, 160, 0.025},                            /* 11: at batch_max */
        {0.4, E, 160, 0.0125},                           /* 12: triggers, nothing to grow */
        {0.3, N, 160, 0.0125},                           /* 13: 0.2 */
        {0.3, N, 160, 0.0125},    {0.3, P, 160, 0.0125}, /* 15 */
        {0.3, N, 160, 0.0125},    {0.3, N, 160, 0.0125},    {0.3, P, 160, 0.0125},
        {0.19, E, 160, 0.00625}, /* 19 */
        {0.19, N, 160, 0.00625}, /* 20: lr decays by 0.2 from here */
        {0.19, N, 160, 0.00625},  {0.09, E, 160, 0.003125}, {0.05, N, 160, 0.003125},
        {0.05, N, 160, 0.003125}, {0.05, P, 160, 0.003125}, {0.05, N, 160, 0.003125},
        {0.0, Z, 160, 0.003125},  {0.05, N, 160, 0.003125}, {0.05, P, 160, 0.003125},
        {0.05, N, 160, 0.003125}, /* 30 */
    };
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o;
    absa_controller *c = start(ctx, ABSA_PRESET_PAPER, &o);
    follow(c, trace, sizeof trace / sizeof trace[0]);
    for (int epoch = 30; epoch < 40; epoch++) {
        cr_assert_gt(plan_of(c).gamma, 0.0, "epoch %d", epoch);
        one_epoch(c);
    }
    cr_assert_eq(plan_of(c).gamma, 0.0, "tau is half of the epochs");
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* As the authors ran it: <= compares; every measurement counts toward patience, the first one too;
 * a growth by patience shrinks gamma; batches are accumulated; at batch_max gamma is 0 and nothing
 * is measured any more. */
Test(presets, authors_follows_their_practice)
{
    static const row trace[] = {
        {8.0, F, 10, 0.2},                        /* 1: count 1 */
        {5.0, N, 10, 0.2},                        /* 2 */
        {5.0, P, 20, 0.1},                        /* 3: count 3: ratio 2, gamma too; Eig stays 8 */
        {4.0, E, 40, 0.05},                       /* 4: 4 <= 4 triggers; count 0; Eig = 4 */
        {2.1, N, 40, 0.05},                       /* 5: 1 */
        {-3.0, Z, 40, 0.05},                      /* 6: bad (theirs would have grown) */
        {2.1, N, 40, 0.05},                       /* 7: 2 */
        {2.0, E, 80, 0.025},                      /* 8: the trigger comes before patience */
        {1.5, N, 80, 0.025}, {1.5, N, 80, 0.025}, /* 10 */
        {1.5, P, 160, 0.0},                       /* 11: batch_max: gamma ends */
    };
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o;
    absa_controller *c = start(ctx, ABSA_PRESET_AUTHORS, &o);
    follow(c, trace, sizeof trace / sizeof trace[0]);
    for (int i = 0; i < 20; i++) {
        one_epoch(c);
        cr_assert_not(plan_of(c).measure_due, "no further measurement");
        cr_assert_eq(plan_of(c).batch, 160);
    }
    absa_controller_destroy(&c);
    /* Thirty measurements with a longer way to batch_max: patience alone, every third. */
    c = start(ctx, ABSA_PRESET_AUTHORS, &o);
    absa_controller_destroy(&c);
    o.batch_max = 1 << 14;
    o.samples = 1 << 14;
    o.epochs = 200;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK);
    for (int i = 1; i <= 30; i++) {
        one_epoch(c);
        absa_decision d = {.struct_size = sizeof d};
        absa_controller_observe_value(c, 1.0, &d);
        cr_assert_eq(d.reason, i == 1 ? F : i % 3 == 0 ? P : N, "measurement %d", i);
        cr_assert_eq(d.batch, 10 << (i / 3));
        cr_assert_float_eq(d.gamma, 0.2 / (1 << (i / 3)), 1e-15);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* First max(floor(B0 gamma), 1) rows of every micro-batch, while gamma > 1 / B0; tails dropped. */
Test(presets, authors_perturb_every_micro_batch_and_drop_the_tail)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o;
    absa_controller *c = start(ctx, ABSA_PRESET_AUTHORS, &o);
    absa_micro m = {.struct_size = sizeof m};
    absa_controller_destroy(&c);
    o.samples = 1289;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK);
    const struct {
        double value;
        int64_t rows, batch;
    } steps[] = {{8.0, 2, 10}, {4.0, 0, 20}}; /* gamma 0.2: 2 of 10; 0.1 is not > 1/10 */
    for (int i = 0; i < 2; i++) {
        absa_controller_observe_value(c, steps[i].value, NULL);
        cr_assert_eq(plan_of(c).batch, steps[i].batch);
        for (int64_t done = 0; done < steps[i].batch; done += 10) {
            absa_controller_micro(c, 0, 1, &m);
            cr_assert_eq(m.rows, 10);
            cr_assert_eq(m.adversarial_rows, steps[i].rows);
            absa_controller_advance(c, m.global_rows);
        }
    }
    int64_t used = 30;
    for (; !plan_of(c).epoch_done; used += m.global_rows) {
        absa_controller_micro(c, 0, 1, &m);
        absa_controller_advance(c, m.global_rows);
    }
    cr_assert_eq(used, 1280, "an epoch is floor(1289 / 10) batches");
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(presets, the_first_rows_of_the_window_are_perturbed_however_it_is_cut)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o;
    absa_controller *c = start(ctx, ABSA_PRESET_PAPER, &o);
    absa_controller_destroy(&c);
    o.batch = 50;
    o.micro_batch = 4;
    for (int64_t processes = 1; processes <= 3; processes++) {
        cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK);
        int64_t perturbed = 0;
        absa_micro m = {.struct_size = sizeof m};
        cr_assert_eq(plan_of(c).adversarial_rows, 10);
        do {
            for (int64_t q = 0; q < processes; q++) {
                absa_controller_micro(c, q, processes, &m);
                for (int64_t i = 0; i < m.rows; i++)
                    cr_assert_eq(i < m.adversarial_rows, m.first + i < 10);
                perturbed += m.adversarial_rows;
            }
            absa_controller_advance(c, m.global_rows);
        } while (!m.last);
        cr_assert_eq(perturbed, 10);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

Test(presets, every_option_is_reached_by_its_name)
{
    absa_controller_options o;
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options_init(&o, sizeof o);
    int32_t count = 0;
    for (const char *name; (name = absa_controller_options_name(count)); count++)
        cr_assert_eq(absa_controller_options_set(ctx, &o, name, "1"), ABSA_OK, "%s", name);
    cr_assert_gt(count, 30);
    cr_assert_null(absa_controller_options_name(-1));
    cr_assert_eq(o.strategy, ABSA_STRATEGY_FB);
    cr_assert_eq(o.epsilon, 1.0);
    cr_assert_eq(o.momentum, ABSA_MOMENTUM_LR_INSIDE);
    cr_assert_eq(absa_controller_options_set(ctx, &o, "decay", "60,120,160.5"), ABSA_OK);
    cr_assert_eq(o.decay_count, 3);
    cr_assert_eq(o.decay[2], 160.5);
    cr_assert_eq(absa_controller_options_set(ctx, &o, "decay", "1/2,3,7/2"), ABSA_OK);
    cr_assert_eq(o.decay_count, 3);
    cr_assert_eq(o.decay[0], 0.5);
    cr_assert_eq(o.decay[1], 3.0);
    cr_assert_eq(o.decay[2], 3.5);
    cr_assert_eq(absa_controller_options_set(ctx, &o, "epsilon", "8/255"), ABSA_OK);
    cr_assert_eq(o.epsilon, 8.0 / 255.0);
    cr_assert_eq(absa_controller_options_set(ctx, &o, "decay", ""), ABSA_OK);
    cr_assert_eq(o.decay_count, 0);
    cr_assert_eq(absa_controller_options_set(ctx, &o, "compare", "less_equal"), ABSA_OK);
    cr_assert_eq(o.compare, ABSA_COMPARE_LESS_EQUAL);
    absa_context_destroy(&ctx);
}

Test(presets, what_is_written_as_text_is_read_back)
{
    absa_controller_options o, other;
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options_init(&o, sizeof o);
    absa_controller_options_preset(&o, ABSA_PRESET_AUTHORS);
    o.samples = INT64_MAX;
    o.lr = 0.1 + 1e-17;
    o.lr_decay = 1.0 / 3.0;
    for (int64_t i = 0; i < ABSA_DECAY_POINTS; i++)
        o.decay[i] = -1e-300 * (double)(i + 1) / 3.0;
    o.decay_count = ABSA_DECAY_POINTS;
    absa_controller_options_init(&other, sizeof other);
    const char *name;
    for (int32_t i = 0; (name = absa_controller_options_name(i)); i++) {
        char text[1024];
        size_t need, size;
        cr_assert_eq(absa_controller_options_get(ctx, &o, name, NULL, 0, &need), ABSA_OK);
        cr_assert_eq(absa_controller_options_get(ctx, &o, name, text, need - 1, &size),
                     ABSA_E_SPACE);
        cr_assert_eq(absa_controller_options_get(ctx, &o, name, text, sizeof text, &size), ABSA_OK);
        cr_assert_eq(strlen(text) + 1, need);
        cr_assert_eq(absa_controller_options_set(ctx, &other, name, text), ABSA_OK, "%s = %s: %s",
                     name, text, absa_context_message(ctx));
    }
    cr_assert_eq(memcmp(&o, &other, sizeof o), 0);
    char word[32];
    size_t size;
    cr_assert_eq(absa_controller_options_get(ctx, &o, "compare", word, sizeof word, &size),
                 ABSA_OK);
    cr_assert_str_eq(word, "less_equal");
    cr_assert_eq(absa_controller_options_get(ctx, &o, "alpha", word, sizeof word, &size),
                 ABSA_E_INVALID);
    cr_assert_eq(absa_controller_options_get(ctx, &o, "lr", word, sizeof word, NULL),
                 ABSA_E_INVALID);
    absa_context_destroy(&ctx);
}

Test(presets, wrong_text_is_refused_and_changes_nothing)
{
    absa_controller_options o, mark;
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options_init(&o, sizeof o);
    mark = o;
    static const char *const wrong[][2] = {
        {"alpha", "2"},
        {"lr", "fast"},
        {"lr", ""},
        {"lr", "1e999"},
        {"epsilon", "8/"},
        {"epsilon", "/255"},
        {"epsilon", "1/2/3"},
        {"epsilon", "1/0"},
        {"epsilon", "8 / 255"},
        {"epsilon", " 8/255"},
        {"batch", "128/2"},
        {"decay", "1,1/0"},
        {"decay", "1/2/3"},
        {"decay", "1, 2"},
        {"batch", "12.5"},
        {"batch", "1e3"},
        {"batch", "99999999999999999999"},
        {"strategy", "adam"},
        {"strategy", ""},
        {"decay", "1,,2"},
        {"decay", "1,2,"},
        {"decay", "1;2"},
        {"unit", "99999999999"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(absa_controller_options_set(ctx, &o, wrong[i][0], wrong[i][1]), ABSA_E_INVALID,
                     "%s = %s", wrong[i][0], wrong[i][1]);
        cr_assert_not_null(strstr(absa_context_message(ctx), wrong[i][0]));
        cr_assert_eq(memcmp(&o, &mark, sizeof o), 0);
    }
    cr_assert_eq(absa_controller_options_set(ctx, &o, NULL, "1"), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_options_preset(&o, 3), ABSA_E_INVALID);
    o.struct_size = 0;
    cr_assert_eq(absa_controller_options_preset(&o, 0), ABSA_E_ABI);
    absa_context_destroy(&ctx);
}

Test(presets, options_out_of_range_are_refused_by_name)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    static const char *const wrong[][2] = {
        {"samples", "0"},
        {"epochs", "0"},
        {"epochs", "9223372036854775807"},
        {"batch", "0"},
        {"batch_max", "64"},
        {"batch_ref", "-1"},
        {"batch_multiple", "0"},
        {"batch_multiple", "200"},
        {"micro_batch", "-2"},
        {"lr", "0"},
        {"lr_decay", "0"},
        {"lr_decay", "1.5"},
        {"decay", "5,4"},
        {"decay", "-1"},
        {"warmup", "-2"},
        {"warmup_start", "2"},
        {"eigenvalue_ratio", "0.5"},
        {"batch_ratio", "1"},
        {"patience", "0"},
        {"measure_every", "-1"},
        {"dwell", "-1"},
        {"adversarial_share", "1.1"},
        {"share_ratio", "0"},
        {"adversarial_end", "-2"},
        {"epsilon", "-1"},
        {"strategy", "5"},
        {"trigger", "-1"},
        {"growth", "2"},
        {"momentum", "3"},
        {"use_unconverged", "2"},
        {"sampling_z", "-1"},
        {"batch_ratio", "2e6"},
        {"lr", "1e307"}, /* times 16384 / 128 */
        {"lr_rule", "4"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        absa_controller_options o;
        absa_controller *c = (absa_controller *)&o;
        absa_controller_options_init(&o, sizeof o);
        o.samples = 1000;
        o.epochs = 10;
        cr_assert_eq(absa_controller_options_set(ctx, &o, wrong[i][0], wrong[i][1]), ABSA_OK);
        cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_E_INVALID, "%s = %s", wrong[i][0],
                     wrong[i][1]);
        cr_assert_null(c);
        cr_assert_not_null(strstr(absa_context_message(ctx), wrong[i][0]), "%s",
                           absa_context_message(ctx));
    }
    absa_context_destroy(&ctx);
}

Test(presets, what_no_text_can_say_is_checked_too)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    const absa_controller_options good = small_training(ABSA_STRATEGY_ABS);
    for (int fault = 0; fault < 4; fault++) {
        static const char *const named[] = {"decay_count", "decay_count", "process", "batch"};
        absa_controller_options o = good;
        absa_controller *c;
        if (fault == 0)
            o.decay_count = ABSA_DECAY_POINTS + 1;
        if (fault == 1)
            o.decay_count = -1;
        if (fault == 2)
            o.process = -1;
        if (fault == 3) {
            o.epoch_tail = ABSA_TAIL_DROP; /* an epoch without a batch */
            o.samples = 31;
        }
        cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_E_INVALID, "fault %d", fault);
        cr_assert_not_null(strstr(absa_context_message(ctx), named[fault]), "%s",
                           absa_context_message(ctx));
    }
    absa_context_destroy(&ctx);
}

/* Growth that rounding takes back each time would be told of and never come. */
Test(presets, a_batch_ratio_that_leads_nowhere_is_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    static const struct {
        int64_t batch, batch_max, multiple;
        int32_t growth, strategy;
        double ratio;
        int good;
    } cases[] = {
        {2, 99, 1, ABSA_GROWTH_BATCH, ABSA_STRATEGY_ABS, 1.5, 1},    /* 3, 4, 6 */
        {1, 99, 1, ABSA_GROWTH_BATCH, ABSA_STRATEGY_ABS, 1.5, 0},    /* 1 */
        {32, 99, 16, ABSA_GROWTH_BATCH, ABSA_STRATEGY_ABS, 1.5, 1},  /* 48, 64, 96 */
        {32, 99, 32, ABSA_GROWTH_BATCH, ABSA_STRATEGY_ABS, 1.5, 0},  /* 32 */
        {63, 999, 32, ABSA_GROWTH_BATCH, ABSA_STRATEGY_ABS, 1.1, 0}, /* 64, 64 */
        {63, 64, 32, ABSA_GROWTH_BATCH, ABSA_STRATEGY_ABS, 1.1, 1},  /* 64 is the largest */
        {32, 99, 1, ABSA_GROWTH_ACCUMULATION, ABSA_STRATEGY_ABSA, 1.9, 0},
        {32, 99, 1, ABSA_GROWTH_ACCUMULATION, ABSA_STRATEGY_ABSA, 2.0, 1},
        {32, 63, 1, ABSA_GROWTH_ACCUMULATION, ABSA_STRATEGY_ABSA, 1.9, 1}, /* 32 is the largest */
        {32, 99, 32, ABSA_GROWTH_BATCH, ABSA_STRATEGY_GG, 1.5, 1}, /* grows by its schedule */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        absa_controller_options o = small_training(cases[i].strategy);
        absa_controller *c = NULL;
        o.batch = cases[i].batch;
        o.batch_max = cases[i].batch_max;
        o.batch_multiple = cases[i].multiple;
        o.growth = cases[i].growth;
        o.batch_ratio = cases[i].ratio;
        cr_assert_eq(absa_controller_create(ctx, &o, &c), cases[i].good ? ABSA_OK : ABSA_E_INVALID,
                     "case %zu", i);
        if (!cases[i].good)
            cr_assert_not_null(strstr(absa_context_message(ctx), "batch_ratio is 1."));
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* The authors' way ends at batch_max: 3 batches of 32 where 100 is asked for. */
Test(presets, a_batch_max_between_two_batches_is_reached_at_the_lower_one)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABSA);
    cr_assert_eq(absa_controller_options_preset(&o, ABSA_PRESET_AUTHORS), ABSA_OK);
    o.batch_max = 100;
    absa_controller *c = make_controller(ctx, &o);
    observe_exact(c, 8.0);
    cr_assert_eq(observe_exact(c, 4.0).batch, 64);
    cr_assert_gt(plan_of(c).gamma, 0.0);
    cr_assert_eq(observe_exact(c, 2.0).batch, 96);
    cr_assert_eq(plan_of(c).gamma, 0.0);
    while (!plan_of(c).epoch_done) {
        const absa_plan p = plan_of(c);
        cr_assert_eq(absa_controller_advance(c, p.rows - p.rows_done), ABSA_OK);
    }
    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    cr_assert_not(plan_of(c).measure_due);
    absa_controller_destroy(&c);
    /* FB's batch is one that the host can take, too. */
    o = small_training(ABSA_STRATEGY_FB);
    o.batch_max = 100;
    o.batch_multiple = 32;
    c = make_controller(ctx, &o);
    cr_assert_eq(plan_of(c).batch, 96);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* 3 * 10 rows would be no multiple of 4. */
Test(presets, accumulation_needs_a_batch_that_is_such_a_multiple)
{
    absa_context *ctx;
    absa_controller *c;
    absa_context_create(NULL, &ctx);
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    o.samples = 1000;
    o.epochs = 10;
    o.batch = 10;
    o.growth = ABSA_GROWTH_ACCUMULATION;
    o.batch_multiple = 4;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "batch_multiple"));
    o.batch_multiple = 5;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}
