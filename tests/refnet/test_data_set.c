/* Datasets in memory, and the laws every reader shares: allocation through the context alone, the
 * struct protocol, limits, splits, gathers. */
#include "support/faulty_alloc.h"

#include <absa/refdata.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const float X[6] = {0.0f, 0.25f, 0.5f, 0.75f, 1.0f, 0.125f};
static const int32_t LABELS[3] = {2, 0, 1};

static absa_dataset_view small_view(void)
{
    absa_dataset_view v;
    absa_dataset_view_init(&v, sizeof v);
    v.rows = 3;
    v.channels = v.height = 1;
    v.width = 2;
    v.classes = 3;
    v.x = X;
    v.labels = LABELS;
    return v;
}

static absa_dataset_view view_of(const absa_dataset *d)
{
    absa_dataset_view v;
    absa_dataset_view_init(&v, sizeof v);
    cr_assert_eq(absa_dataset_view_get(d, &v), ABSA_OK);
    return v;
}

static absa_context *context(void)
{
    absa_context *ctx;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    return ctx;
}

Test(dataset, keeps_a_copy_of_what_it_was_made_from)
{
    absa_context *ctx = context();
    absa_dataset_view v = small_view();
    absa_dataset *d;
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_OK);
    const absa_dataset_view got = view_of(d);
    cr_assert_eq(got.rows, 3);
    cr_assert_eq(got.features, 2);
    cr_assert_eq(got.classes, 3);
    cr_assert_neq(got.x, X);
    cr_assert_eq(memcmp(got.x, X, sizeof X), 0);
    cr_assert_eq(memcmp(got.labels, LABELS, sizeof LABELS), 0);
    /* The dataset holds the context. */
    absa_context_destroy(&ctx);
    absa_dataset_destroy(&d);
    cr_assert_null(d);
    absa_dataset_destroy(&d);
    absa_dataset_destroy(NULL);
}

Test(dataset, refuses_impossible_sizes_and_labels)
{
    absa_context *ctx = context();
    absa_dataset *d = (absa_dataset *)(void *)&ctx;
    int64_t *fields[5];
    for (int i = 0; i < 5; i++) {
        absa_dataset_view v = small_view();
        fields[0] = &v.rows;
        fields[1] = &v.channels;
        fields[2] = &v.height;
        fields[3] = &v.width;
        fields[4] = &v.classes;
        *fields[i] = i % 2 ? 0 : -1;
        cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_E_INVALID, "field %d", i);
        cr_assert_null(d);
    }
    absa_dataset_view v = small_view();
    v.classes = 2;
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "labels[0] is 2, must be 0 to 1"));
    v = small_view();
    v.features = 3;
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_E_INVALID);
    v = small_view();
    v.x = NULL;
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_E_INVALID);
    v = small_view();
    v.width = INT64_MAX / 2;
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_E_MEMORY);
    v = small_view();
    v.struct_size = 0;
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_E_ABI);
    cr_assert_eq(absa_dataset_create(ctx, NULL, &d), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_create(ctx, &v, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_create(NULL, &v, &d), ABSA_E_INVALID);
    absa_context_destroy(&ctx);
}

Test(dataset, refuses_values_that_are_not_finite_and_names_them)
{
    absa_context *ctx = context();
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        float x[6];
        absa_dataset_view v = small_view();
        absa_dataset *d;
        memcpy(x, X, sizeof x);
        x[3] = bad[i];
        v.x = x;
        cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_E_NONFINITE);
        cr_assert_null(d);
        cr_assert_not_null(strstr(absa_context_message(ctx), "row 1, feature 1"), "%s",
                           absa_context_message(ctx));
    }
    absa_context_destroy(&ctx);
}

Test(dataset, limit_keeps_the_first_rows_and_never_adds_any)
{
    absa_context *ctx = context();
    absa_dataset_view v = small_view();
    absa_dataset *d;
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_OK);
    cr_assert_eq(absa_dataset_limit(d, 100), ABSA_OK);
    cr_assert_eq(view_of(d).rows, 3);
    cr_assert_eq(absa_dataset_limit(d, 0), ABSA_E_INVALID);
    cr_assert_eq(view_of(d).rows, 3);
    cr_assert_eq(absa_dataset_limit(d, 2), ABSA_OK);
    cr_assert_eq(view_of(d).rows, 2);
    cr_assert_eq(absa_dataset_limit(NULL, 1), ABSA_E_INVALID);
    const int64_t beyond = 2;
    cr_assert_eq(absa_dataset_gather(d, &beyond, 1, NULL, NULL), ABSA_E_INVALID);
    absa_dataset_destroy(&d);
    absa_context_destroy(&ctx);
}

Test(dataset, gather_copies_rows_in_the_order_asked_for)
{
    absa_context *ctx = context();
    absa_dataset_view v = small_view();
    absa_dataset *d;
    const int64_t rows[4] = {2, 0, 2, 1};
    float x[8];
    int32_t labels[4];
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_OK);
    cr_assert_eq(absa_dataset_gather(d, rows, 4, x, labels), ABSA_OK);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(labels[i], LABELS[rows[i]]);
        cr_assert_eq(x[2 * i], X[2 * rows[i]]);
        cr_assert_eq(x[2 * i + 1], X[2 * rows[i] + 1]);
    }
    const int64_t bad[2] = {0, 3};
    x[0] = 42.0f;
    cr_assert_eq(absa_dataset_gather(d, bad, 2, x, labels), ABSA_E_INVALID);
    cr_assert_eq(x[0], 42.0f, "written before all rows were checked");
    cr_assert_eq(absa_dataset_gather(d, rows, -1, x, labels), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_gather(d, NULL, 0, x, labels), ABSA_OK);
    cr_assert_eq(absa_dataset_gather(NULL, rows, 1, x, labels), ABSA_E_INVALID);
    absa_dataset_destroy(&d);
    absa_context_destroy(&ctx);
}

/* A dataset whose row r holds the number r. */
static absa_dataset *numbered(absa_context *ctx, int64_t rows)
{
    static float x[512];
    static int32_t labels[512];
    absa_dataset_view v = small_view();
    absa_dataset *d;
    for (int i = 0; i < rows; i++) {
        x[i] = (float)i;
        labels[i] = i % 7;
    }
    v.rows = rows;
    v.width = 1;
    v.classes = 7;
    v.x = x;
    v.labels = labels;
    cr_assert_eq(absa_dataset_create(ctx, &v, &d), ABSA_OK);
    return d;
}

Test(dataset, split_deals_every_row_exactly_once_with_its_label)
{
    absa_context *ctx = context();
    absa_dataset *all = numbered(ctx, 512), *a, *b;
    int seen[512] = {0};
    int moved = 0;
    cr_assert_eq(absa_dataset_split(all, 100, 7, &a, &b), ABSA_OK);
    absa_dataset *const parts[2] = {a, b};
    for (int p = 0; p < 2; p++) {
        const absa_dataset_view v = view_of(parts[p]);
        cr_assert_eq(v.rows, p == 0 ? 100 : 412);
        for (int64_t r = 0; r < v.rows; r++) {
            const int number = (int)v.x[r];
            seen[number]++;
            moved += number != (int)r + 100 * p;
            cr_assert_eq(v.labels[r], number % 7);
        }
    }
    for (int i = 0; i < 512; i++)
        cr_assert_eq(seen[i], 1);
    /* A random permutation has one fixed point on average; 20 are beyond 1e-18. */
    cr_assert_gt(moved, 492);
    absa_dataset_destroy(&a);
    absa_dataset_destroy(&b);
    absa_dataset_destroy(&all);
    absa_context_destroy(&ctx);
}

/* 24 orders of four rows, each 200 times on average; beyond 5 standard deviations of 14 is a chance
 * of 1e-5 over all. */
Test(dataset, split_deals_every_order_equally_often)
{
    absa_context *ctx = context();
    absa_dataset *all = numbered(ctx, 4), *a, *b;
    int counts[256] = {0}, orders = 0;
    for (uint64_t seed = 0; seed < 24 * 200; seed++) {
        cr_assert_eq(absa_dataset_split(all, 2, seed, &a, &b), ABSA_OK);
        const float *x = view_of(a).x, *y = view_of(b).x;
        counts[(int)x[0] << 6 | (int)x[1] << 4 | (int)y[0] << 2 | (int)y[1]]++;
        absa_dataset_destroy(&a);
        absa_dataset_destroy(&b);
    }
    for (int k = 0; k < 256; k++) {
        orders += counts[k] > 0;
        cr_assert(!counts[k] || (counts[k] > 200 - 70 && counts[k] < 200 + 70), "order %d: %d", k,
                  counts[k]);
    }
    cr_assert_eq(orders, 24);
    absa_dataset_destroy(&all);
    absa_context_destroy(&ctx);
}

Test(dataset, split_depends_on_the_seed_alone)
{
    absa_context *ctx = context();
    absa_dataset *all = numbered(ctx, 64), *first[3], *second[3];
    const uint64_t seeds[3] = {1, 1, 2};
    for (int i = 0; i < 3; i++)
        cr_assert_eq(absa_dataset_split(all, 32, seeds[i], &first[i], &second[i]), ABSA_OK);
    cr_assert_eq(memcmp(view_of(first[0]).x, view_of(first[1]).x, 32 * sizeof(float)), 0);
    cr_assert_neq(memcmp(view_of(first[0]).x, view_of(first[2]).x, 32 * sizeof(float)), 0);
    for (int i = 0; i < 3; i++) {
        absa_dataset_destroy(&first[i]);
        absa_dataset_destroy(&second[i]);
    }
    for (int64_t rows = -1; rows <= 65; rows += rows == 0 ? 64 : 1) {
        cr_assert_eq(absa_dataset_split(all, rows, 0, &first[0], &second[0]), ABSA_E_INVALID,
                     "%lld rows", (long long)rows);
        cr_assert_null(first[0]);
        cr_assert_null(second[0]);
    }
    absa_dataset_destroy(&all);
    absa_context_destroy(&ctx);
}

Test(dataset, gives_everything_back_when_any_allocation_fails)
{
    for (int64_t k = 2;; k++) { /* the first one is the context */
        faulty_alloc f = {.fail_at = k};
        absa_context *ctx = faulty_context(&f);
        absa_dataset *d = NULL, *a = NULL, *b = NULL;
        absa_dataset_view v = small_view();
        absa_status status = absa_dataset_create(ctx, &v, &d);
        if (!status)
            status = absa_dataset_split(d, 1, 0, &a, &b);
        cr_assert(status == ABSA_OK || status == ABSA_E_MEMORY);
        const int done = status == ABSA_OK;
        cr_assert_eq(a == NULL, !done);
        cr_assert_eq(b == NULL, !done);
        absa_dataset_destroy(&a);
        absa_dataset_destroy(&b);
        absa_dataset_destroy(&d);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
        cr_assert_eq(f.errors, 0);
        if (done) {
            cr_assert_gt(k, 8, "fewer allocations than parts");
            break;
        }
    }
}
