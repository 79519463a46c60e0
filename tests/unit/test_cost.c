/* The time model against the paper's Table 3, against its formula at hand-made numbers, and its
 * refusals. */
#include <absa/absa.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Table 3's machine: ResNet-18 (11,689,512 parameters of 32 bits) on 512 processes. */
static absa_cost_options table_3(double update_time)
{
    absa_cost_options o;
    absa_cost_options_init(&o, sizeof o);
    o.processes = 512;
    o.parameters = 11689512;
    o.update_time = update_time;
    o.measurement_time = 1.15;
    return o;
}

static absa_cost_result estimate(const absa_cost_options *o, const absa_cost_run *run)
{
    absa_cost_result c;
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_cost_result_init(&c, sizeof c);
    cr_assert_eq(absa_cost_estimate(ctx, o, run, &c), ABSA_OK, "%s", absa_context_message(ctx));
    absa_context_destroy(&ctx);
    return c;
}

static absa_cost_run run_of(int64_t updates, int64_t measurements)
{
    absa_cost_run run;
    absa_cost_run_init(&run, sizeof run);
    run.updates = updates;
    run.measurements = measurements;
    return run;
}

/* The printed constants have two digits, so the paper's own figures carry up to 3 % of rounding
 * (1.45 to 1.55e-2 s); 5 % leaves room for that in both summands of a total and nothing more.
 * BL's updates are printed as 450,045; 450,450 = 90 * 5005 is what gives the printed total. */
Test(cost, the_papers_table_3_comes_out_within_five_percent)
{
    static const struct {
        const char *name;
        double update_time;
        int64_t updates, measurements;
        double total, speedup;
    } rows[] = {
        {"BL", 2.2e-2, 450450, 0, 16666, 1.0},
        {"GG", 2.2e-2, 166216, 0, 6150, 2.71},
        {"ABS", 2.2e-2, 66393, 90, 2666, 6.25},
        {"ABSA", 3.6e-2, 66393, 90, 3467, 4.80},
    };
    double slowest = 0.0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const absa_cost_options o = table_3(rows[i].update_time);
        const absa_cost_run run = run_of(rows[i].updates, rows[i].measurements);
        const absa_cost_result c = estimate(&o, &run);
        if (i == 0)
            slowest = c.total;
        cr_assert_float_eq(c.allreduce, 1.5e-2, 0.05 * 1.5e-2, "T_comm %g", c.allreduce);
        cr_assert_float_eq(c.total, rows[i].total, 0.05 * rows[i].total, "%s: %g", rows[i].name,
                           c.total);
        cr_assert_float_eq(slowest / c.total, rows[i].speedup, 0.05 * rows[i].speedup, "%s: %g",
                           rows[i].name, slowest / c.total);
    }
}

/* Numbers that the formula turns into short decimals: 4 processes, log2 = 2; 1000 elements of 32
 * bits over 64 kbit/s = 0.5 s; T_comm = 2 (0.25 * 2 + 3/4 * 0.5) = 1.75. */
Test(cost, every_term_of_the_formula_counts)
{
    absa_cost_options o;
    absa_cost_options_init(&o, sizeof o);
    o.processes = 4;
    o.parameters = 1000;
    o.latency = 0.25;
    o.bandwidth = 64000.0;
    o.update_time = 0.5;
    o.row_time = 0.125;
    o.adversarial_row_time = 0.0625;
    o.measurement_time = 3.0;
    o.product_time = 0.75;
    absa_cost_run run = run_of(10, 2);
    run.rows = 320;
    run.adversarial_rows = 64;
    run.products = 20;
    const absa_cost_result c = estimate(&o, &run);
    cr_assert_eq(c.allreduce, 1.75);
    cr_assert_eq(c.exchange, 17.5);
    cr_assert_eq(c.computing, 5.0 + (0.125 * 320 + 0.0625 * 64) / 4);
    cr_assert_eq(c.measuring, 6.0 + 15.0);
    cr_assert_eq(c.total, 17.5 + 16.0 + 21.0);
}

Test(cost, many_processes_and_no_latency_tend_to_the_bandwidth_alone)
{
    absa_cost_options o = table_3(0.0);
    const absa_cost_run run = run_of(1, 0);
    o.collective = ABSA_COLLECTIVE_BANDWIDTH;
    const double limit = estimate(&o, &run).total;
    o.collective = ABSA_COLLECTIVE_RING;
    o.latency = 0.0;
    o.processes = (int64_t)1 << 40;
    /* (p - 1) / p is 1 - 1e-12 there. */
    cr_assert_float_eq(estimate(&o, &run).total, limit, 1e-11 * limit);
    o.processes = 2;
    /* Half as much: (2 - 1) / 2. */
    cr_assert_float_eq(estimate(&o, &run).total, 0.5 * limit, 1e-15 * limit);
}

Test(cost, one_process_exchanges_nothing)
{
    absa_cost_options o = table_3(1.0);
    const absa_cost_run run = run_of(3, 0), none = run_of(0, 0);
    o.processes = 1;
    for (int32_t kind = ABSA_COLLECTIVE_RING; kind <= ABSA_COLLECTIVE_BANDWIDTH; kind++) {
        o.collective = kind;
        cr_assert_eq(estimate(&o, &run).exchange, 0.0);
        cr_assert_eq(estimate(&o, &run).total, 3.0);
    }
    cr_assert_eq(estimate(&o, &none).total, 0.0);
}

Test(cost, where_nothing_is_summed_no_message_is_sent)
{
    absa_cost_options o = table_3(1.0);
    const absa_cost_run run = run_of(3, 0);
    o.parameters = 0;
    for (int32_t kind = ABSA_COLLECTIVE_RING; kind <= ABSA_COLLECTIVE_BANDWIDTH; kind++) {
        o.collective = kind;
        cr_assert_eq(estimate(&o, &run).exchange, 0.0);
    }
}

/* Walks a schedule to its end without training. */
static absa_plan walk(const absa_controller_options *o)
{
    absa_context *ctx;
    absa_controller *ctl;
    absa_plan plan;
    absa_context_create(NULL, &ctx);
    cr_assert_eq(absa_controller_create(ctx, o, &ctl), ABSA_OK);
    absa_plan_init(&plan, sizeof plan);
    while (absa_controller_plan(ctl, 0, 1, &plan) == ABSA_OK && !plan.finished) {
        absa_micro m;
        absa_micro_init(&m, sizeof m);
        absa_controller_micro(ctl, 0, 1, &m);
        cr_assert_eq(plan.epoch_done ? absa_controller_end_epoch(ctl)
                                     : absa_controller_advance(ctl, m.global_rows),
                     ABSA_OK);
    }
    absa_controller_destroy(&ctl);
    absa_context_destroy(&ctx);
    return plan;
}

static absa_plan walk_fixed(int64_t samples, int64_t epochs, int64_t batch, int32_t tail)
{
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_BL;
    o.samples = samples;
    o.epochs = epochs;
    o.batch = o.micro_batch = batch;
    o.epoch_tail = tail;
    return walk(&o);
}

/* Table 1's C3 row at 2048: 4882 complete updates, 10,000,000 rows. */
Test(cost, a_controller_walked_to_its_end_prices_a_schedule)
{
    const absa_plan plan = walk_fixed(50000, 200, 2048, ABSA_TAIL_CARRY);
    absa_cost_run run = run_of(plan.update - plan.short_updates, 0);
    run.rows = plan.samples;
    absa_cost_options o;
    absa_cost_options_init(&o, sizeof o);
    o.update_time = 1.0;
    o.row_time = 1e-3;
    /* The sum is exact up to a few units of 2e-12. */
    cr_assert_float_eq(estimate(&o, &run).total, 4882.0 + 1e-3 * 10000000.0, 1e-9);
}

/* Table 3's BL: an update for the short end of every epoch of ImageNet too, 90 * ceil(1281167 /
 * 256) = 450450, and the printed 16,666 seconds. */
Test(cost, the_walked_base_line_of_table_3_has_its_updates_and_its_time)
{
    const absa_plan plan = walk_fixed(1281167, 90, 256, ABSA_TAIL_SHORT);
    cr_assert_eq(plan.update, 450450);
    cr_assert_eq(plan.short_updates, 90);
    const absa_cost_run run = run_of(plan.update, 0);
    const absa_cost_options o = table_3(2.2e-2);
    cr_assert_float_eq(estimate(&o, &run).total, 16666.0, 0.05 * 16666.0);
}

/* Table 3's GG: epochs of 5005 batches of 256, a decay by 10 at 30, 60 and 80; 30 * 5005 + 30 *
 * 500.5 + 20 * 50.05 + 10 * 5.005 = 166216.05, and the printed 6,150 seconds. */
Test(cost, the_walked_growth_of_table_3_has_its_updates_and_its_time)
{
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_GG;
    o.samples = (int64_t)5005 * 256;
    o.epochs = 90;
    o.batch = 256;
    o.batch_max = o.micro_batch = 256000;
    o.lr_decay = 0.1;
    o.decay_count = 3;
    o.decay[0] = 30;
    o.decay[1] = 60;
    o.decay[2] = 80;
    const absa_plan plan = walk(&o);
    cr_assert_eq(plan.update - plan.short_updates, 166216);
    const absa_cost_run run = run_of(plan.update - plan.short_updates, 0);
    const absa_cost_options machine = table_3(2.2e-2);
    cr_assert_float_eq(estimate(&machine, &run).total, 6150.0, 0.05 * 6150.0);
}

Test(cost, fields_out_of_range_are_refused_by_name_and_nothing_is_written)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_cost_options o = table_3(1.0);
    absa_cost_run run = run_of(1, 1);
    absa_cost_result c;
    absa_cost_result_init(&c, sizeof c);
    c.total = -7.0;
#define WRONG(name, change)                                                                        \
    do {                                                                                           \
        const absa_cost_options o_was = o;                                                         \
        const absa_cost_run run_was = run;                                                         \
        change;                                                                                    \
        cr_assert_eq(absa_cost_estimate(ctx, &o, &run, &c), ABSA_E_INVALID, name);                 \
        cr_assert_not_null(strstr(absa_context_message(ctx), name), "%s",                          \
                           absa_context_message(ctx));                                             \
        cr_assert_eq(absa_cost_estimate(NULL, &o, &run, &c), ABSA_E_INVALID);                      \
        cr_assert_eq(c.total, -7.0);                                                               \
        o = o_was;                                                                                 \
        run = run_was;                                                                             \
    } while (0)
    WRONG("processes", o.processes = 0);
    WRONG("parameters", o.parameters = -1);
    WRONG("parameter_bits", o.parameter_bits = 0);
    WRONG("collective", o.collective = 2);
    WRONG("latency", o.latency = -1e-9);
    WRONG("bandwidth", o.bandwidth = 0.0);
    WRONG("bandwidth", o.bandwidth = (double)NAN);
    WRONG("update_time", o.update_time = (double)NAN);
    WRONG("row_time", o.row_time = (double)INFINITY);
    WRONG("adversarial_row_time", o.adversarial_row_time = -1.0);
    WRONG("measurement_time", o.measurement_time = -1.0);
    WRONG("product_time", o.product_time = -1.0);
    WRONG("updates", run.updates = -1);
    WRONG("rows", run.rows = -1);
    WRONG("adversarial_rows", run.adversarial_rows = -1);
    WRONG("measurements", run.measurements = -1);
    WRONG("products", run.products = -1);
    WRONG("more than a double", (run.products = 5, o.product_time = 1e308));
    cr_assert_eq(absa_cost_estimate(ctx, NULL, &run, &c), ABSA_E_INVALID);
    cr_assert_eq(absa_cost_estimate(ctx, &o, NULL, &c), ABSA_E_INVALID);
    cr_assert_eq(absa_cost_estimate(ctx, &o, &run, NULL), ABSA_E_INVALID);
    o.struct_size = 0;
    cr_assert_eq(absa_cost_estimate(ctx, &o, &run, &c), ABSA_E_ABI);
    absa_context_destroy(&ctx);
}
