/* Spaces: what is refused, tables of operations, sums over processes. */
#include "linalg/space.h"
#include "support/faulty_alloc.h"
#include "support/processes.h"

#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static int no_reduce(void *user, double *values, int64_t count)
{
    (void)user;
    (void)values;
    (void)count;
    return 0;
}

static absa_space good(void)
{
    absa_space s;
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, 10);
    return s;
}

static void refused(absa_context *ctx, absa_space s, absa_status status, const char *word)
{
    absa__space out;
    cr_assert_eq(absa__space_open(ctx, &s, &out), status, "%s", word);
    cr_assert_not_null(strstr(absa_context_message(ctx), word), "'%s' not in '%s'", word,
                       absa_context_message(ctx));
}

Test(space, impossible_fields_are_refused_by_name)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_space s = good();
    s.element = 2;
    refused(ctx, s, ABSA_E_INVALID, "element");
    s = good();
    s.distribution = 3;
    refused(ctx, s, ABSA_E_INVALID, "distribution");
    s = good();
    s.n = 0;
    refused(ctx, s, ABSA_E_INVALID, "n is 0");
    s = good();
    s.n = s.n_global = INT64_MAX / 2;
    refused(ctx, s, ABSA_E_INVALID, "n is");
    s = good();
    s.n_global = 11;
    refused(ctx, s, ABSA_E_INVALID, "n_global");
    s = good();
    s.distribution = ABSA_DISTRIBUTION_SHARDED;
    refused(ctx, s, ABSA_E_INVALID, "reduce");
    s.reduce = no_reduce;
    s.first = 1;
    refused(ctx, s, ABSA_E_INVALID, "n_global");
    s = good();
    s.struct_size = 0;
    refused(ctx, s, ABSA_E_ABI, "absa_space");
    absa__space out;
    cr_assert_eq(absa__space_open(ctx, NULL, &out), ABSA_E_INVALID);
    absa_context_destroy(&ctx);
    cr_assert_eq(f.live_blocks, 0);
}

Test(space, segments_must_add_up)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    const int64_t lengths[3] = {4, 0, 6}, negative[2] = {11, -1};
    absa_space s = good();
    s.segments = lengths;
    refused(ctx, s, ABSA_E_INVALID, "segment_count");
    s.segment_count = 2;
    refused(ctx, s, ABSA_E_INVALID, "short");
    s.segments = negative;
    refused(ctx, s, ABSA_E_INVALID, "segments[0]");
    s.segments = lengths;
    s.segment_count = 3;
    absa__space out;
    cr_assert_eq(absa__space_open(ctx, &s, &out), ABSA_OK);
    cr_assert_neq((const void *)out.given.segments, (const void *)lengths, "lengths are copied");
    void *v;
    cr_assert_eq(absa__vector_alloc(&out, &v), ABSA_OK);
    absa_segment *list = v;
    cr_assert_eq(list[0].length, 4);
    cr_assert_eq(list[2].length, 6);
    cr_assert_eq((char *)list[2].data - (char *)list[0].data, 4 * 8);
    absa__vector_release(&out, v);
    absa__space_close(&out);
    absa_context_destroy(&ctx);
    cr_assert_eq(f.live_blocks, 0);
    cr_assert_eq(f.errors, 0);
}

Test(space, a_table_without_a_required_operation_is_refused_by_name)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_vector_ops ops = {.struct_size = sizeof ops};
    absa_space s = good();
    s.ops = &ops;
    refused(ctx, s, ABSA_E_UNSUPPORTED, "alloc");
    ops.struct_size = 0;
    refused(ctx, s, ABSA_E_ABI, "absa_vector_ops");
    absa_context_destroy(&ctx);
}

Test(space, every_failing_allocation_is_reported_and_leaks_nothing)
{
    const int64_t lengths[2] = {4, 6};
    absa_space s = good();
    s.segments = lengths;
    s.segment_count = 2;
    for (int64_t k = 2;; k++) {
        faulty_alloc f = {.fail_at = k};
        absa_context *ctx = faulty_context(&f);
        absa__space out;
        void *v = NULL;
        absa_status status = absa__space_open(ctx, &s, &out);
        const int opened = status == ABSA_OK;
        if (opened)
            status = absa__vector_alloc(&out, &v);
        const int64_t calls = f.calls;
        if (opened) {
            absa__vector_release(&out, v);
            absa__space_close(&out);
        }
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
        if (calls < k) {
            cr_assert_eq(status, ABSA_OK);
            cr_assert_eq(k, 5, "the context, the lengths, the block and the list");
            break;
        }
        cr_assert_eq(status, ABSA_E_MEMORY);
        cr_assert_null(v);
    }
}

/* Shards of 1, 2, 3 and 7 processes, one of them empty: sums agree to the pairwise error. */
enum { N = 12345 };

static int64_t shard_start(int rank, int count)
{
    /* The second process, if any, holds nothing. */
    if (rank == 0)
        return 0;
    if (rank == 1)
        return count == 2 ? N : 100;
    return 100 + (int64_t)(rank - 2) * (N - 100) / (count - 2);
}

static void shard_sum(process *p)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_space s;
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, 0);
    s.distribution = ABSA_DISTRIBUTION_SHARDED;
    s.n_global = N;
    s.first = p->rank == 0 ? 0 : shard_start(p->rank, p->count);
    int64_t end = N;
    if (p->count > 1)
        end = p->rank == 0   ? (p->count == 2 ? N : 100)
              : p->rank == 1 ? s.first
                             : shard_start(p->rank + 1, p->count);
    s.n = end - s.first;
    s.reduce = process_reduce;
    s.reduce_user = p;
    absa__space space;
    void *v;
    double sum;
    cr_assert_eq(absa__space_open(ctx, &s, &space), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(absa__space_agree(&space), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(absa__vector_alloc(&space, &v), ABSA_OK);
    cr_assert_eq(absa__vector_gaussian(&space, 1, 2, v), ABSA_OK);
    const void *x = v;
    cr_assert_eq(absa__vector_dots(&space, 1, &x, v, &sum), ABSA_OK);
    cr_assert_eq(absa__vector_sum(&space, ABSA_OK, &sum, 1), ABSA_OK);
    ((double *)p->user)[p->rank] = sum;
    absa__vector_release(&space, v);
    absa__space_close(&space);
    absa_context_destroy(&ctx);
}

Test(space, shards_of_any_size_sum_to_the_whole)
{
    double one, sums[7];
    processes_run(1, shard_sum, &one);
    const int counts[] = {2, 3, 7};
    for (int k = 0; k < 3; k++) {
        processes_run(counts[k], shard_sum, sums);
        for (int r = 0; r < counts[k]; r++)
            cr_assert_float_eq(sums[r], one, 1e-12 * one);
    }
}

static void fail_on_rank_one(process *p)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_space s;
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, 4);
    s.distribution = ABSA_DISTRIBUTION_SHARDED;
    s.n_global = 4 * p->count;
    s.first = 4 * p->rank;
    s.reduce = process_reduce;
    s.reduce_user = p;
    absa__space space;
    cr_assert_eq(absa__space_open(ctx, &s, &space), ABSA_OK);
    double values[130];
    for (int i = 0; i < 130; i++)
        values[i] = i;
    const absa_status local = p->rank == 1 ? absa_context_fail(ctx, ABSA_E_IO, "my disk") : ABSA_OK;
    const absa_status got = absa__vector_sum(&space, local, values, 130);
    cr_assert_eq(got, p->rank == 1 ? ABSA_E_IO : ABSA_E_PEER);
    if (p->rank == 1)
        cr_assert_str_eq(absa_context_message(ctx), "my disk");
    cr_assert_eq(absa__vector_sum(&space, ABSA_OK, values, 130), ABSA_OK, "nobody hangs after it");
    absa__space_close(&space);
    absa_context_destroy(&ctx);
}

Test(space, a_failure_on_one_process_reaches_all)
{
    processes_run(3, fail_on_rank_one, NULL);
}

static void declared_wrongly(process *p)
{
    const int as_sharded = *(int *)p->user;
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_space s;
    /* Truth: as_sharded: replicated vectors of 6; else: unequal shards of 4, 5, 6. */
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, as_sharded ? 6 : 4 + p->rank);
    s.distribution = as_sharded ? ABSA_DISTRIBUTION_SHARDED : ABSA_DISTRIBUTION_REPLICATED;
    s.reduce = process_reduce;
    s.reduce_user = p;
    absa__space space;
    cr_assert_eq(absa__space_open(ctx, &s, &space), ABSA_OK);
    cr_assert_eq(absa__space_agree(&space), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), as_sharded ? "sharded" : "replicated"));
    absa__space_close(&space);
    absa_context_destroy(&ctx);
}

Test(space, sharded_and_replicated_taken_for_each_other_are_caught)
{
    for (int as_sharded = 0; as_sharded < 2; as_sharded++)
        processes_run(3, declared_wrongly, &as_sharded);
}
