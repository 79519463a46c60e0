/* Spaces: checks what the host declared, and sends every vector operation to host memory or to the
 * host's table. Sums over processes carry a status word, so that a failure on one process ends the
 * call on all of them; who calls in which order is left to the layers above. */
#include "linalg/space.h"

#include "base/fail.h"
#include "base/structs.h"

#include <string.h>

enum { MOST_VALUES = 64 };

void absa_space_init(absa_space *space, size_t size)
{
    absa_space s = {0};
    absa__struct_init(space, size, &s, sizeof s);
}

void absa_space_host(absa_space *space, size_t size, int32_t element, int64_t n)
{
    absa_space s = {0};
    s.element = element;
    s.n = s.n_global = n;
    absa__struct_init(space, size, &s, sizeof s);
}

static absa_status check_shape(absa_context *ctx, const absa_space *g)
{
    if (g->element != ABSA_ELEMENT_F32 && g->element != ABSA_ELEMENT_F64)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_space: element %d is neither F32 nor F64",
                          (int)g->element);
    if (g->distribution < ABSA_DISTRIBUTION_NONE || g->distribution > ABSA_DISTRIBUTION_REPLICATED)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_space: distribution %d is unknown",
                          (int)g->distribution);
    const int sharded = g->distribution == ABSA_DISTRIBUTION_SHARDED;
    const int64_t most = (int64_t)(PTRDIFF_MAX / sizeof(double));
    if (g->n < (sharded ? 0 : 1) || g->n > most)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_space: n is %lld, must be %d to %lld",
                          (long long)g->n, sharded ? 0 : 1, (long long)most);
    if (!sharded && (g->n_global != g->n || g->first != 0))
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_space: n_global %lld and first %lld must be n = %lld and 0 unless "
                          "the vectors are sharded",
                          (long long)g->n_global, (long long)g->first, (long long)g->n);
    if (g->n_global < 1 || g->first < 0 || g->n > g->n_global || g->first > g->n_global - g->n)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_space: elements %lld to %lld do not lie in the %lld of n_global",
                          (long long)g->first, (long long)g->first + (long long)g->n,
                          (long long)g->n_global);
    if (g->distribution != ABSA_DISTRIBUTION_NONE && !g->reduce)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_space: reduce is NULL, but the vectors are %s",
                          sharded ? "sharded" : "replicated");
    return ABSA_OK;
}

static absa_status check_segments(absa_context *ctx, const absa_space *g)
{
    if (!g->segments != (g->segment_count == 0) || g->segment_count < 0)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_space: segment_count is %lld, but segments is %s",
                          (long long)g->segment_count, g->segments ? "set" : "NULL");
    if (g->segments && g->ops)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_space: segments and ops exclude each other");
    if (!g->segments)
        return ABSA_OK;
    int64_t rest = g->n;
    for (int64_t i = 0; i < g->segment_count; i++) {
        if (g->segments[i] < 0 || g->segments[i] > rest)
            return absa__fail(ctx, ABSA_E_INVALID,
                              "absa_space: segments[%lld] is %lld, must be 0 to %lld", (long long)i,
                              (long long)g->segments[i], (long long)rest);
        rest -= g->segments[i];
    }
    if (rest)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_space: segments fall %lld short of n = %lld",
                          (long long)rest, (long long)g->n);
    return ABSA_OK;
}

static absa_status read_ops(absa_context *ctx, absa__space *s)
{
    memset(&s->ops, 0, sizeof s->ops);
    absa_status status =
        absa__struct_read(ctx, "absa_vector_ops", s->given.ops, &s->ops, sizeof s->ops);
    if (status)
        return status;
    const char *missing = !s->ops.alloc      ? "alloc"
                          : !s->ops.release  ? "release"
                          : !s->ops.axpby    ? "axpby"
                          : !s->ops.dots     ? "dots"
                          : !s->ops.gaussian ? "gaussian"
                                             : NULL;
    if (missing)
        return absa__fail(ctx, ABSA_E_UNSUPPORTED, "absa_vector_ops: %s is NULL, but required",
                          missing);
    s->given.ops = &s->ops;
    return ABSA_OK;
}

absa_status absa__space_open(absa_context *ctx, const absa_space *in, absa__space *out)
{
    memset(out, 0, sizeof *out);
    if (!in)
        return absa__fail(ctx, ABSA_E_INVALID, "space is NULL");
    out->ctx = ctx;
    absa_space_init(&out->given, sizeof out->given);
    absa_status status = absa__struct_read(ctx, "absa_space", in, &out->given, sizeof out->given);
    if (!status)
        status = check_shape(ctx, &out->given);
    if (!status)
        status = check_segments(ctx, &out->given);
    if (!status && out->given.ops)
        status = read_ops(ctx, out);
    const int64_t pieces = out->given.segment_count;
    if (!status && pieces > 0 && ctx) {
        status = absa_context_alloc(ctx, pieces, sizeof(int64_t), (void **)&out->segments);
        if (!status) {
            memcpy(out->segments, out->given.segments, (size_t)pieces * sizeof(int64_t));
            out->given.segments = out->segments;
        }
    }
    if (status) {
        memset(out, 0, sizeof *out);
        return status;
    }
    out->shape = (absa__shape){out->given.element, out->given.n, out->given.first,
                               out->given.segments, pieces};
    return ABSA_OK;
}

void absa__space_close(absa__space *s)
{
    absa_context_release(s->ctx, s->segments, s->given.segment_count, sizeof(int64_t));
    memset(s, 0, sizeof *s);
}

absa_status absa__space_match(const absa__space *a, const absa__space *b)
{
    const absa_space *p = &a->given, *q = &b->given;
    const char *field = p->element != q->element               ? "element"
                        : p->n != q->n                         ? "n"
                        : p->n_global != q->n_global           ? "n_global"
                        : p->first != q->first                 ? "first"
                        : p->distribution != q->distribution   ? "distribution"
                        : !p->ops != !q->ops                   ? "ops"
                        : p->segment_count != q->segment_count ? "segment_count"
                                                               : NULL;
    for (int64_t i = 0; !field && i < p->segment_count; i++)
        if (p->segments[i] != q->segments[i])
            field = "segments";
    return field ? absa__fail(a->ctx, ABSA_E_INVALID, "two spaces that must be alike differ in %s",
                              field)
                 : ABSA_OK;
}

int64_t absa__space_vector_bytes(const absa_space *g)
{
    if (g->ops)
        return 0;
    const int64_t n = g->n > 0 ? g->n : 1;
    return n * (int64_t)absa__element_size(g->element) +
           (g->segments ? (g->segment_count + 1) * (int64_t)sizeof(absa_segment) : 0);
}

static absa_status done(absa__space *s, const char *what, int code)
{
    return code ? absa__callback_failed(s->ctx, what, code) : ABSA_OK;
}

/* A segmented vector is a list with one entry more than the space has: the whole block. */
static absa_status alloc_host(absa__space *s, void **out)
{
    const size_t size = absa__element_size(s->shape.element);
    const int64_t n = s->shape.n > 0 ? s->shape.n : 1;
    const int64_t pieces = s->shape.segment_count;
    void *block;
    absa_status status = absa_context_alloc(s->ctx, n, size, &block);
    if (status || !s->shape.segments) {
        *out = block;
        return status;
    }
    absa_segment *list;
    status = absa_context_alloc(s->ctx, pieces + 1, sizeof *list, (void **)&list);
    if (status) {
        absa_context_release(s->ctx, block, n, size);
        return status;
    }
    char *data = block;
    for (int64_t i = 0; i < pieces; i++) {
        list[i] = (absa_segment){data, s->shape.segments[i]};
        data += (size_t)s->shape.segments[i] * size;
    }
    list[pieces] = (absa_segment){block, n};
    *out = list;
    return ABSA_OK;
}

absa_status absa__vector_alloc(absa__space *s, void **out)
{
    *out = NULL;
    if (!s->given.ops)
        return alloc_host(s, out);
    absa__callback_begin(s->ctx);
    const int code = s->ops.alloc(s->given.ops_user, out);
    if (!code && *out)
        return ABSA_OK;
    *out = NULL;
    return absa__fail(s->ctx, ABSA_E_MEMORY, "absa_vector_ops: alloc returned %d and no vector",
                      code);
}

void absa__vector_release(absa__space *s, void *v)
{
    if (!v)
        return;
    if (s->given.ops) {
        s->ops.release(s->given.ops_user, v);
        return;
    }
    const size_t size = absa__element_size(s->shape.element);
    void *block = v;
    if (s->shape.segments) {
        absa_segment *list = v;
        block = list[s->shape.segment_count].data;
        absa_context_release(s->ctx, list, s->shape.segment_count + 1, sizeof *list);
    }
    absa_context_release(s->ctx, block, s->shape.n > 0 ? s->shape.n : 1, size);
}

absa_status absa__vector_axpby(absa__space *s, double a, const void *x, double b, void *y)
{
    if (s->given.ops) {
        absa__callback_begin(s->ctx);
        return done(s, "axpby", s->ops.axpby(s->given.ops_user, a, x, b, y));
    }
    absa__host_combine(&s->shape, 1, &a, &x, b, y, NULL);
    return ABSA_OK;
}

absa_status absa__vector_combine(absa__space *s, int64_t count, const double *a,
                                 const void *const *x, double b, void *y, double *square)
{
    if (!s->given.ops) {
        absa__host_combine(&s->shape, count, a, x, b, y, square);
        return ABSA_OK;
    }
    if (s->ops.combine) {
        absa__callback_begin(s->ctx);
        return done(s, "combine", s->ops.combine(s->given.ops_user, count, a, x, b, y, square));
    }
    absa_status status = ABSA_OK;
    for (int64_t i = 0; i < count && !status; i++)
        status = absa__vector_axpby(s, a[i], x[i], i == 0 ? b : 1.0, y);
    const void *self = y;
    if (!status && square)
        status = absa__vector_dots(s, 1, &self, y, square);
    return status;
}

absa_status absa__vector_dots(absa__space *s, int64_t count, const void *const *x, const void *y,
                              double *out)
{
    for (int64_t i = 0; i < count; i += MOST_VALUES) {
        const int64_t part = count - i < MOST_VALUES ? count - i : MOST_VALUES;
        if (!s->given.ops) {
            absa__host_dots(&s->shape, part, x + i, y, out + i);
            continue;
        }
        absa__callback_begin(s->ctx);
        absa_status status =
            done(s, "dots", s->ops.dots(s->given.ops_user, part, x + i, y, out + i));
        if (status)
            return status;
    }
    return ABSA_OK;
}

/* One reduction: values and, behind them, the count of processes that have failed. */
static absa_status reduce(absa__space *s, absa_status local, double *values, int64_t count)
{
    double all[MOST_VALUES];
    for (int64_t i = 0; i < count; i++)
        all[i] = local ? 0.0 : values[i];
    all[count] = local ? 1.0 : 0.0;
    /* A message of this process's own failure must survive the callback. */
    if (!local)
        absa__callback_begin(s->ctx);
    const int code = s->given.reduce(s->given.reduce_user, all, count + 1);
    if (local)
        return local;
    if (code)
        return done(s, "reduce", code);
    if (all[count] != 0.0)
        return absa__fail(s->ctx, ABSA_E_PEER, "another process failed; its message says why");
    for (int64_t i = 0; i < count; i++)
        values[i] = all[i];
    return ABSA_OK;
}

absa_status absa__space_sum(absa__space *s, absa_status local, double *values, int64_t count)
{
    if (s->given.distribution == ABSA_DISTRIBUTION_NONE)
        return local;
    for (int64_t i = 0;; i += MOST_VALUES - 1) {
        const int64_t rest = count - i;
        const int64_t part = rest < MOST_VALUES - 1 ? rest : MOST_VALUES - 1;
        /* Every part is reduced even after a failure: all processes count the same calls. */
        const absa_status status = reduce(s, local, values + i, part);
        local = local ? local : status;
        if (rest == part)
            return local;
    }
}

absa_status absa__vector_sum(absa__space *s, absa_status local, double *values, int64_t count)
{
    return s->given.distribution == ABSA_DISTRIBUTION_SHARDED
               ? absa__space_sum(s, local, values, count)
               : local;
}

absa_status absa__space_status(absa__space *s, absa_status local)
{
    double nothing = 0.0;
    return absa__space_sum(s, local, &nothing, 0);
}

absa_status absa__vector_status(absa__space *s, absa_status local)
{
    return s->given.distribution == ABSA_DISTRIBUTION_SHARDED ? absa__space_status(s, local)
                                                              : local;
}

absa_status absa__replica_status(absa__space *s, absa_status local)
{
    return s->given.distribution == ABSA_DISTRIBUTION_REPLICATED ? absa__space_status(s, local)
                                                                 : local;
}

absa_status absa__space_agree(absa__space *s)
{
    if (s->given.distribution == ABSA_DISTRIBUTION_NONE)
        return ABSA_OK;
    /* Relative to n_global the numbers are exact enough for any size: a sum of P terms. */
    const double n = (double)s->given.n, all = (double)s->given.n_global;
    double v[5] = {1.0, n, all, n * n, all * all};
    absa_status status = absa__space_sum(s, ABSA_OK, v, 5);
    if (status)
        return status;
    const double p = v[0];
    const int same_global = v[2] == p * all && v[4] == p * all * all;
    const int same_n = v[1] == p * n && v[3] == p * n * n;
    if (s->given.distribution == ABSA_DISTRIBUTION_SHARDED && (!same_global || v[1] != all))
        return absa__fail(
            s->ctx, ABSA_E_INVALID,
            "sharded vectors: the shards of %g processes hold %.0f elements, n_global "
            "is %.0f; replicated vectors must be declared as such",
            p, v[1], all);
    if (s->given.distribution == ABSA_DISTRIBUTION_REPLICATED && !same_n)
        return absa__fail(s->ctx, ABSA_E_INVALID,
                          "replicated vectors: n is %.0f here but %.0f on the average of %g "
                          "processes; sharded vectors must be declared as such",
                          n, v[1] / p, p);
    return ABSA_OK;
}

absa_status absa__vector_gaussian(absa__space *s, uint64_t seed, uint64_t stream, void *y)
{
    if (!s->given.ops) {
        absa__host_gaussian(&s->shape, seed, stream, y);
        return ABSA_OK;
    }
    absa__callback_begin(s->ctx);
    return done(s, "gaussian", s->ops.gaussian(s->given.ops_user, seed, stream, y));
}

absa_status absa__vector_read(absa__space *s, const void *x, int64_t first, int64_t count,
                              double *out)
{
    if (!s->given.ops) {
        absa__host_read(&s->shape, x, first, count, out);
        return ABSA_OK;
    }
    if (!s->ops.read)
        return absa__fail(s->ctx, ABSA_E_UNSUPPORTED, "the vector table has no read");
    absa__callback_begin(s->ctx);
    return done(s, "read", s->ops.read(s->given.ops_user, x, first, count, out));
}

absa_status absa__vector_write(absa__space *s, int64_t first, int64_t count, const double *in,
                               void *y)
{
    if (!s->given.ops) {
        absa__host_write(&s->shape, first, count, in, y);
        return ABSA_OK;
    }
    if (!s->ops.write)
        return absa__fail(s->ctx, ABSA_E_UNSUPPORTED, "the vector table has no write");
    absa__callback_begin(s->ctx);
    return done(s, "write", s->ops.write(s->given.ops_user, first, count, in, y));
}
