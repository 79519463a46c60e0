/* Which rows are perturbed, and whether single-step training has collapsed. */
#include <absa/adversarial.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "support/processes.h"

Test(adversarial_select, the_count_is_the_floor_of_the_share)
{
    const struct {
        int64_t batch;
        double share;
        int64_t count;
    } cases[] = {{100, 0.2, 20},
                 {99, 0.2, 19},
                 {4, 0.2, 0},
                 {5, 0.2, 1},
                 {7, 0.0, 0},
                 {7, 1.0, 7},
                 {0, 0.5, 0},
                 {1, 0.999, 0},
                 {3, 0.5, 1},
                 {1, 1.0, 1},
                 {INT64_C(1) << 53, 0.5, INT64_C(1) << 52}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t count = -1;
        cr_assert_eq(
            absa_selection_count(cases[i].batch, cases[i].share, ABSA_ROUNDING_FLOOR, 0, 0, &count),
            ABSA_OK);
        cr_assert_eq(count, cases[i].count, "%lld of %lld", (long long)count,
                     (long long)cases[i].batch);
    }
}

Test(adversarial_select, stochastic_rounding_is_right_on_average_and_repeatable)
{
    enum { UPDATES = 20000 };
    int64_t sum = 0, other = 0;
    for (int64_t update = 0; update < UPDATES; update++) {
        int64_t a, b, c;
        cr_assert_eq(absa_selection_count(37, 0.07, ABSA_ROUNDING_STOCHASTIC, 3, update, &a),
                     ABSA_OK);
        cr_assert_eq(absa_selection_count(37, 0.07, ABSA_ROUNDING_STOCHASTIC, 3, update, &b),
                     ABSA_OK);
        cr_assert_eq(absa_selection_count(37, 0.07, ABSA_ROUNDING_STOCHASTIC, 4, update, &c),
                     ABSA_OK);
        cr_assert(a == 2 || a == 3);
        cr_assert_eq(a, b);
        sum += a;
        other += a != c;
    }
    /* 2.59 on average; five standard deviations of the mean of a coin of 0.59. */
    cr_assert_float_eq((double)sum / UPDATES, 37 * 0.07, 5 * sqrt(0.59 * 0.41 / UPDATES));
    cr_assert_gt(other, UPDATES / 4, "another seed rounds otherwise");
    int64_t whole;
    for (int64_t update = 0; update < 100; update++) {
        cr_assert_eq(absa_selection_count(40, 0.25, ABSA_ROUNDING_STOCHASTIC, 3, update, &whole),
                     ABSA_OK);
        cr_assert_eq(whole, 10, "nothing to round");
    }
}

Test(adversarial_select, counts_out_of_range_are_refused)
{
    int64_t count = 99;
    const double nan = (double)NAN;
    cr_assert_eq(absa_selection_count(-1, 0.5, 0, 0, 0, &count), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_count((INT64_C(1) << 53) + 1, 0.5, 0, 0, 0, &count),
                 ABSA_E_INVALID);
    cr_assert_eq(absa_selection_count(8, -0.1, 0, 0, 0, &count), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_count(8, 1.1, 0, 0, 0, &count), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_count(8, nan, 0, 0, 0, &count), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_count(8, 0.5, 2, 0, 0, &count), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_count(8, 0.5, 0, 0, -1, &count), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_count(8, 0.5, 0, 0, 0, NULL), ABSA_E_INVALID);
    cr_assert_eq(count, 99);
}

Test(adversarial_select, prefixes_of_the_parts_add_up_to_the_prefix_of_the_whole)
{
    for (int64_t count = 0; count <= 40; count++)
        for (int64_t part = 1; part <= 41; part++) {
            int64_t sum = 0;
            for (int64_t first = 0; first < 40; first += part) {
                const int64_t rows = part < 40 - first ? part : 40 - first;
                const int64_t here = absa_selection_prefix(count, first, rows);
                cr_assert(here >= 0 && here <= rows);
                /* Once a part is not full, later ones are empty. */
                cr_assert(here == 0 || sum == first);
                sum += here;
            }
            cr_assert_eq(sum, count);
        }
    cr_assert_eq(absa_selection_prefix(5, -1, 3), 0);
    cr_assert_eq(absa_selection_prefix(5, 0, -3), 0);
    cr_assert_eq(absa_selection_prefix(-5, 0, 3), 0);
    cr_assert_eq(absa_selection_prefix(INT64_MAX, 1, INT64_MAX), INT64_MAX - 1);
}

typedef struct keyed {
    uint64_t high, low;
    int64_t id;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *p = a, *q = b;
    if (p->high != q->high)
        return p->high < q->high ? -1 : 1;
    return (p->low > q->low) - (p->low < q->low);
}

/* The key as the header says. */
static keyed key_of(uint64_t seed, int64_t update, int64_t id)
{
    const uint32_t words[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)}, one[4] = {1, 0, 0, 0};
    uint32_t k[4], w[4] = {(uint32_t)update, (uint32_t)((uint64_t)update >> 32), (uint32_t)id,
                           (uint32_t)((uint64_t)id >> 32)};
    absa_random_philox(words, one, k);
    absa_random_philox(k, w, w);
    return (keyed){w[0] | (uint64_t)w[1] << 32, w[2] | (uint64_t)w[3] << 32, id};
}

enum { BATCH = 200 };

static absa_selection selection(int64_t count)
{
    absa_selection s;
    absa_selection_init(&s, sizeof s);
    s.seed = 0xFEDCBA9876543210u;
    s.update = 12;
    s.count = count;
    return s;
}

Test(adversarial_select, the_smallest_keys_are_chosen_exactly_as_many_as_wanted)
{
    const int64_t batches[] = {1, 2, 3, 64, BATCH};
    for (int b = 0; b < 5; b++)
        for (int64_t count = 0; count <= batches[b]; count++) {
            int64_t ids[BATCH], chosen;
            keyed keys[BATCH];
            uint8_t selected[BATCH];
            absa_selection s = selection(count);
            for (int i = 0; i < batches[b]; i++) {
                ids[i] = (int64_t)i * 7919 - 30;
                keys[i] = key_of(s.seed, s.update, ids[i]);
            }
            qsort(keys, (size_t)batches[b], sizeof keys[0], by_key);
            cr_assert_eq(absa_selection_keyed(&s, batches[b], ids, NULL, NULL), ABSA_OK);
            cr_assert_eq(absa_selection_rows(&s, batches[b], ids, 0, selected, &chosen), ABSA_OK);
            cr_assert_eq(chosen, count);
            for (int i = 0; i < batches[b]; i++) {
                int wanted = 0;
                for (int64_t k = 0; k < count; k++)
                    wanted |= keys[k].id == ids[i];
                cr_assert_eq(selected[i], wanted);
            }
        }
}

Test(adversarial_select, another_update_or_seed_chooses_others)
{
    uint8_t a[BATCH], b[BATCH], c[BATCH];
    absa_selection s = selection(BATCH / 2);
    cr_assert_eq(absa_selection_keyed(&s, BATCH, NULL, NULL, NULL), ABSA_OK);
    cr_assert_eq(absa_selection_rows(&s, BATCH, NULL, 0, a, NULL), ABSA_OK);
    s.update++;
    cr_assert_eq(absa_selection_keyed(&s, BATCH, NULL, NULL, NULL), ABSA_OK);
    cr_assert_eq(absa_selection_rows(&s, BATCH, NULL, 0, b, NULL), ABSA_OK);
    s.seed++;
    cr_assert_eq(absa_selection_keyed(&s, BATCH, NULL, NULL, NULL), ABSA_OK);
    cr_assert_eq(absa_selection_rows(&s, BATCH, NULL, 0, c, NULL), ABSA_OK);
    int ab = 0, bc = 0;
    for (int i = 0; i < BATCH; i++) {
        ab += a[i] && b[i];
        bc += b[i] && c[i];
    }
    /* A quarter is common by chance, 50 of 200; six standard deviations of about 3.5. */
    cr_assert_float_eq(ab, BATCH / 4.0, 21);
    cr_assert_float_eq(bc, BATCH / 4.0, 21);
}

Test(adversarial_select, an_id_that_occurs_twice_is_refused_where_it_matters)
{
    const int64_t ids[2] = {5, 5};
    absa_selection s = selection(1);
    cr_assert_eq(absa_selection_keyed(&s, 2, ids, NULL, NULL), ABSA_E_INVALID);
    cr_assert_eq(s.threshold_high, 0, "nothing was written");
    s.count = 2;
    cr_assert_eq(absa_selection_keyed(&s, 2, ids, NULL, NULL), ABSA_OK);
    s.count = 3;
    cr_assert_eq(absa_selection_keyed(&s, 2, ids, NULL, NULL), ABSA_E_INVALID);
}

Test(adversarial_select, selections_out_of_range_are_refused)
{
    uint8_t selected[2];
    absa_selection s = selection(1);
    cr_assert_eq(absa_selection_keyed(NULL, 2, NULL, NULL, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_keyed(&s, -1, NULL, NULL, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_rows(NULL, 2, NULL, 0, selected, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_rows(&s, 2, NULL, 0, NULL, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_selection_rows(&s, -1, NULL, 0, selected, NULL), ABSA_E_INVALID);
    s.count = -1;
    cr_assert_eq(absa_selection_keyed(&s, 2, NULL, NULL, NULL), ABSA_E_INVALID);
    s = selection(1);
    s.update = -1;
    cr_assert_eq(absa_selection_keyed(&s, 2, NULL, NULL, NULL), ABSA_E_INVALID);
    s = selection(1);
    s.struct_size = 0;
    cr_assert_eq(absa_selection_keyed(&s, 2, NULL, NULL, NULL), ABSA_E_ABI);
    cr_assert_eq(absa_selection_rows(&s, 2, NULL, 0, selected, NULL), ABSA_E_ABI);
    s = selection(0);
    cr_assert_eq(absa_selection_keyed(&s, 0, NULL, NULL, NULL), ABSA_OK, "an empty batch");
}

/* One of the processes cannot go on: it says so, nobody waits for ever. */
static void one_is_wrong(process *p)
{
    absa_selection s = selection(4);
    const int wrong = p->rank == 1;
    const absa_status status = absa_selection_keyed(&s, wrong ? -1 : 10, NULL, process_reduce, p);
    cr_assert_eq(status, wrong ? ABSA_E_INVALID : ABSA_E_PEER);
}

Test(adversarial_select, a_failure_of_one_process_fails_the_others)
{
    processes_run(3, one_is_wrong, NULL);
}

static int failing_reduce(void *user, double *values, int64_t count)
{
    (void)user;
    (void)values;
    return count == 64 ? 5 : 6;
}

Test(adversarial_select, a_failing_reduction_is_reported)
{
    absa_selection s = selection(4);
    cr_assert_eq(absa_selection_keyed(&s, 10, NULL, failing_reduce, NULL), ABSA_E_CALLBACK);
}

/* Says that all is well, and gives values that are no sums of counts. */
typedef struct liar {
    double value;
    int calls;
} liar;

static int lying_reduce(void *user, double *values, int64_t count)
{
    liar *l = user;
    for (int64_t i = 0; i < count - 1; i++)
        values[i] = l->value;
    l->calls++;
    return 0;
}

Test(adversarial_select, a_reduction_that_gives_no_counts_is_refused)
{
    const double lies[] = {(double)NAN, HUGE_VAL, -1.0, 1e300};
    for (int i = 0; i < 4; i++) {
        absa_selection s = selection(4);
        liar l = {lies[i], 0};
        cr_assert_eq(absa_selection_keyed(&s, 10, NULL, lying_reduce, &l), ABSA_E_INVALID);
        cr_assert_eq(l.calls, 1, "the first one is not believed");
        cr_assert_eq(s.threshold_high, 0, "nothing was written");
    }
}

static absa_collapse_result judged(int64_t rows, const double *clean, const double *one,
                                   const double *many)
{
    absa_collapse_result r;
    absa_collapse_result_init(&r, sizeof r);
    cr_assert_eq(absa_collapse_check(NULL, rows, clean, one, many, &r), ABSA_OK);
    return r;
}

Test(adversarial_select, collapse_is_a_rise_that_one_step_does_not_see)
{
    const double clean[4] = {0.5, 0.6, 0.4, 0.5};
    const double linear[4] = {1.0, 1.1, 0.9, 1.0}, little_more[4] = {1.1, 1.3, 1.0, 1.2};
    const double blind[4] = {0.51, 0.6, 0.42, 0.5}, low[4] = {0.3, 0.2, 0.3, 0.1};
    const double broken[4] = {6.0, 7.0, 5.5, 6.5}, quiet[4] = {0.55, 0.65, 0.45, 0.55};
    cr_assert_eq(judged(4, clean, linear, little_more).collapsed, 0);
    cr_assert_eq(judged(4, clean, blind, broken).collapsed, 1);
    cr_assert_eq(judged(4, clean, low, broken).collapsed, 1, "one step may even lower the loss");
    cr_assert_eq(judged(4, clean, low, quiet).collapsed, 0, "below the margin nothing is said");
    cr_assert_eq(judged(1, clean, blind, broken).collapsed, 1, "means alone will do");
    const absa_collapse_result r = judged(4, clean, linear, little_more);
    /* Sums of four decimal fractions: a few units in the last place. */
    cr_assert_float_eq(r.one_step_rise, 0.5, 1e-15);
    cr_assert_float_eq(r.many_step_rise, 0.65, 1e-15);
    cr_assert_float_eq(r.excess, 0.65 - 4 * 0.5, 1e-14);
    /* Deviations of the rises 0.6, 0.7, 0.6, 0.7: 0.05 each; variance of the mean 0.01 / 12. */
    cr_assert_float_eq(r.standard_error, sqrt(0.01 / 12), 1e-14);
    cr_assert_float_eq(judged(4, clean, low, broken).excess, 6.25 - 0.5, 1e-14);
}

Test(adversarial_select, a_rise_within_its_error_is_no_collapse)
{
    /* One row in four carries it all: two standard errors are more than the mean. */
    const double clean[4] = {0}, one[4] = {0}, many[4] = {4, 0, 0, 0};
    cr_assert_eq(judged(4, clean, one, many).collapsed, 0);
    absa_collapse_options o;
    absa_collapse_result r;
    absa_collapse_options_init(&o, sizeof o);
    absa_collapse_result_init(&r, sizeof r);
    o.confidence = 0;
    cr_assert_eq(absa_collapse_check(&o, 4, clean, one, many, &r), ABSA_OK);
    cr_assert_eq(r.collapsed, 1);
    o.margin = 1.5;
    cr_assert_eq(absa_collapse_check(&o, 4, clean, one, many, &r), ABSA_OK);
    cr_assert_eq(r.collapsed, 0);
}

Test(adversarial_select, collapse_checks_are_refused_what_they_cannot_use)
{
    const double good[1] = {1}, bad[1] = {(double)NAN};
    absa_collapse_options o;
    absa_collapse_result r;
    absa_collapse_options_init(&o, sizeof o);
    absa_collapse_result_init(&r, sizeof r);
    cr_assert_eq(absa_collapse_check(&o, 0, good, good, good, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_collapse_check(&o, 1, NULL, good, good, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_collapse_check(&o, 1, good, good, good, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_collapse_check(&o, 1, good, bad, good, &r), ABSA_E_NONFINITE);
    o.ratio = 0.5;
    cr_assert_eq(absa_collapse_check(&o, 1, good, good, good, &r), ABSA_E_INVALID);
    absa_collapse_options_init(&o, sizeof o);
    o.margin = -1;
    cr_assert_eq(absa_collapse_check(&o, 1, good, good, good, &r), ABSA_E_INVALID);
    absa_collapse_options_init(&o, sizeof o);
    o.confidence = (double)NAN;
    cr_assert_eq(absa_collapse_check(&o, 1, good, good, good, &r), ABSA_E_INVALID);
    o.struct_size = 0;
    cr_assert_eq(absa_collapse_check(&o, 1, good, good, good, &r), ABSA_E_ABI);
    r.struct_size = 0;
    cr_assert_eq(absa_collapse_check(NULL, 1, good, good, good, &r), ABSA_E_ABI);
}
