/* The estimator's bytes: magic, format, length, the options and the space they belong to, the run's
 * numbers, the vectors it still needs, and a CRC; little-endian. Fields are written in the order of
 * a table that only grows at its end. What a run does with them is eigen.c's. */
#include "eigen/eigen_impl.h"

#include "base/bytes.h"
#include "base/fail.h"

#include <math.h>
#include <string.h>

enum { FORMAT = 1, MAGIC_BYTES = 8, CHUNK = 2048 };
static const char magic[MAGIC_BYTES + 1] = "absa-eig";

/* l: int64_t, u: uint64_t, i: int32_t, n: int, d: double. */
typedef struct field {
    const char *name;
    size_t offset;
    char kind;
} field;

#define FIELD(kind, name)                                                                          \
    {                                                                                              \
#name, offsetof(absa_eigen, name), kind                                                    \
    }

/* What saved bytes must share with the handle they are loaded into. */
static const field identity[] = {
    FIELD('i', space.given.element),
    FIELD('i', space.given.distribution),
    FIELD('l', space.given.n),
    FIELD('l', space.given.n_global),
    FIELD('l', space.given.first),
    FIELD('i', options.rule),
    FIELD('i', options.which),
    FIELD('i', memory),
    FIELD('l', slots),
    FIELD('l', options.max_products),
    FIELD('d', options.tolerance),
    FIELD('d', options.eta),
    FIELD('u', options.seed),
    FIELD('i', options.keep_hint),
};

static const field state[] = {
    FIELD('i', phase),
    FIELD('n', finished),
    FIELD('l', steps),
    FIELD('l', have),
    FIELD('l', held),
    FIELD('i', low_is_main),
    FIELD('d', delta),
    FIELD('d', threshold),
    FIELD('i', threshold_closed),
    FIELD('d', inconsistency),
    FIELD('u', next_stream),
    FIELD('d', end[0].value),
    FIELD('d', end[0].lower),
    FIELD('d', end[0].upper),
    FIELD('d', end[0].residual),
    FIELD('d', end[1].value),
    FIELD('d', end[1].lower),
    FIELD('d', end[1].upper),
    FIELD('d', end[1].residual),
    FIELD('d', now.value),
    FIELD('d', now.lower),
    FIELD('d', now.upper),
    FIELD('d', now.eta),
    FIELD('d', now.residual),
    FIELD('d', now.inconsistency),
    FIELD('d', now.other_value),
    FIELD('d', now.other_lower),
    FIELD('d', now.other_upper),
    FIELD('d', now.other_residual),
    FIELD('i', now.stop),
    FIELD('i', now.converged),
    FIELD('i', now.consistent),
    FIELD('i', now.rule),
    FIELD('i', now.which),
    FIELD('i', now.answer),
    FIELD('l', now.products),
    FIELD('l', now.peak_vectors),
    FIELD('u', now.stream),
};

enum { IDENTITY = sizeof identity / sizeof identity[0], STATE = sizeof state / sizeof state[0] };

static void put_field(absa__writer *w, const field *f, const absa_eigen *e)
{
    const char *at = (const char *)e + f->offset;
    int32_t i;
    uint64_t u;
    switch (f->kind) {
    case 'i':
        memcpy(&i, at, sizeof i);
        absa__put_i64(w, i);
        break;
    case 'n':
        absa__put_i64(w, e->finished);
        break;
    default: /* eight bytes whatever they mean */
        memcpy(&u, at, sizeof u);
        absa__put_u64(w, u);
    }
}

static void get_field(absa__reader *r, const field *f, absa_eigen *e)
{
    char *at = (char *)e + f->offset;
    const uint64_t u = absa__get_u64(r);
    const int64_t l = (int64_t)u;
    const int32_t i = (int32_t)l;
    if (f->kind == 'i' || f->kind == 'n') {
        if (i != l)
            r->failed = 1;
        if (f->kind == 'n')
            e->finished = i;
        else
            memcpy(at, &i, sizeof i);
        return;
    }
    memcpy(at, &u, sizeof u);
}

/* The slots that the state needs: from the returned one on, *count of them. */
static int64_t needed_slots(const absa_eigen *e, int64_t *count)
{
    const int value = e->memory == ABSA_MEMORY_VALUE;
    const int64_t first = value && e->steps == 0 ? 1 : 0;
    *count = 0;
    if (e->phase == ABSA__PHASE_PRODUCT)
        *count = value ? 2 - first : e->have + 1;
    else if (e->finished && !value)
        *count = e->have;
    return first;
}

static size_t element_bytes(const absa_eigen *e)
{
    return absa__element_size(e->space.given.element);
}

/* Bytes behind the state for this state: coefficients, lengths, vectors. */
static uint64_t tail_bytes(const absa_eigen *e, int64_t count)
{
    const int64_t restart = e->memory == ABSA_MEMORY_RESTART ? 2 * e->held + e->steps - e->have : 0;
    return 8 * (uint64_t)(2 * e->steps + restart + count) +
           (uint64_t)count * (uint64_t)e->space.given.n * element_bytes(e);
}

static absa_status put_vector(absa_eigen *e, absa__writer *w, const void *x)
{
    const int64_t n = e->space.given.n;
    double part[CHUNK];
    if (!w->data) {
        w->used += (size_t)n * element_bytes(e);
        return ABSA_OK;
    }
    for (int64_t at = 0; at < n; at += CHUNK) {
        const int64_t length = n - at < CHUNK ? n - at : CHUNK;
        const absa_status status = absa__vector_read(&e->space, x, at, length, part);
        if (status)
            return status;
        for (int64_t i = 0; i < length; i++) {
            const float narrow = (float)part[i];
            uint32_t bits;
            memcpy(&bits, &narrow, sizeof bits);
            if (e->space.given.element == ABSA_ELEMENT_F64)
                absa__put_f64(w, part[i]);
            else
                absa__put_u32(w, bits);
        }
    }
    return ABSA_OK;
}

static absa_status get_vector(absa_eigen *e, absa__reader *r, void *y)
{
    const int64_t n = e->space.given.n;
    double part[CHUNK];
    for (int64_t at = 0; at < n; at += CHUNK) {
        const int64_t length = n - at < CHUNK ? n - at : CHUNK;
        for (int64_t i = 0; i < length; i++) {
            if (e->space.given.element == ABSA_ELEMENT_F64) {
                part[i] = absa__get_f64(r);
                continue;
            }
            const uint32_t bits = absa__get_u32(r);
            float narrow;
            memcpy(&narrow, &bits, sizeof narrow);
            part[i] = narrow;
        }
        const absa_status status = absa__vector_write(&e->space, at, length, part, y);
        if (status)
            return status;
    }
    return ABSA_OK;
}

static void put_doubles(absa__writer *w, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        absa__put_f64(w, x[i]);
}

static void get_doubles(absa__reader *r, double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = absa__get_f64(r);
}

/* Writes e as far as its vectors are wanted; what needs them is left out with them. */
static absa_status write_all(absa_eigen *e, int vectors, uint64_t total, absa__writer *w)
{
    absa_eigen plain = *e;
    if (!vectors) {
        plain.phase = e->phase == ABSA__PHASE_IDLE ? ABSA__PHASE_IDLE : ABSA__PHASE_ENDED;
        plain.finished = 0;
        plain.steps = plain.have = plain.held = 0;
    }
    int64_t count;
    const int64_t first = needed_slots(&plain, &count);
    absa_status status = ABSA_OK;
    absa__put_bytes(w, magic, MAGIC_BYTES);
    absa__put_u32(w, FORMAT);
    absa__put_u64(w, total);
    absa__put_u32(w, IDENTITY);
    for (size_t i = 0; i < IDENTITY; i++)
        put_field(w, &identity[i], &plain);
    absa__put_u32(w, STATE);
    for (size_t i = 0; i < STATE; i++)
        put_field(w, &state[i], &plain);
    put_doubles(w, e->alpha, plain.steps);
    put_doubles(w, e->beta, plain.steps);
    if (e->memory == ABSA_MEMORY_RESTART) {
        put_doubles(w, e->kept_value, plain.held);
        put_doubles(w, e->arrow, plain.held);
        put_doubles(w, e->roots, plain.steps - plain.have);
    }
    put_doubles(w, e->length + first, count);
    for (int64_t i = first; i < first + count && !status; i++)
        status = put_vector(e, w, e->slot[i]);
    return status;
}

absa_status absa_eigen_save(absa_eigen *eigen, int32_t vectors, void *buffer, size_t capacity,
                            size_t *size)
{
    if (!eigen)
        return ABSA_E_INVALID;
    if (eigen->busy)
        return absa__fail(eigen->ctx, ABSA_E_BUSY,
                          "absa_eigen_save: called from inside the estimator's own callback");
    if (!size || (vectors != 0 && vectors != 1))
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_save: %s",
                          size ? "vectors must be 0 or 1" : "size is NULL");
    absa__writer count = {NULL, 0, 0};
    absa_status status = write_all(eigen, vectors, 0, &count);
    const size_t total = count.used + 4; /* the CRC comes behind */
    if (!buffer) {
        *size = total;
        return status;
    }
    if (capacity < total) {
        *size = total;
        return absa__fail(eigen->ctx, ABSA_E_SPACE, "absa_eigen_save: %zu bytes needed, %zu given",
                          total, capacity);
    }
    absa__writer w = {buffer, capacity, 0};
    status = write_all(eigen, vectors, total, &w);
    if (status)
        return status;
    absa__put_u32(&w, absa__crc32(0, buffer, w.used));
    *size = total;
    return ABSA_OK;
}

static absa_status check_envelope(absa_context *ctx, absa__reader *r)
{
    char head[MAGIC_BYTES];
    absa__get_bytes(r, head, sizeof head);
    if (r->failed || memcmp(head, magic, MAGIC_BYTES) != 0)
        return absa__fail(ctx, ABSA_E_FORMAT, "these %zu bytes are not an estimator's state",
                          r->size);
    const uint32_t format = absa__get_u32(r);
    if (!r->failed && format > FORMAT)
        return absa__fail(ctx, ABSA_E_VERSION,
                          "the state has format %lu, this library reads up to %d",
                          (unsigned long)format, FORMAT);
    const uint64_t total = absa__get_u64(r);
    if (r->failed || format == 0 || total != r->size || r->size < r->used + 4)
        return absa__fail(ctx, ABSA_E_FORMAT, "the state is truncated: %zu bytes of %llu", r->size,
                          (unsigned long long)total);
    absa__reader tail = {r->data + r->size - 4, 4, 0, 0};
    if (absa__get_u32(&tail) != absa__crc32(0, r->data, r->size - 4))
        return absa__fail(ctx, ABSA_E_FORMAT, "the state is damaged: its checksum does not fit");
    r->size -= 4;
    return ABSA_OK;
}

static absa_status check_identity(const absa_eigen *e, absa__reader *r)
{
    if (absa__get_u32(r) != IDENTITY)
        return absa__fail(e->ctx, ABSA_E_FORMAT, "the state names an impossible number of options");
    absa_eigen other = *e;
    for (size_t i = 0; i < IDENTITY; i++) {
        const field *f = &identity[i];
        get_field(r, f, &other);
        const size_t size = f->kind == 'i' ? sizeof(int32_t) : sizeof(int64_t);
        if (memcmp((const char *)&other + f->offset, (const char *)e + f->offset, size) != 0)
            return absa__fail(e->ctx, ABSA_E_MISMATCH,
                              "the state was saved by an estimator with another %s", f->name);
    }
    return ABSA_OK;
}

static int finite_doubles(absa__reader *r, int64_t count, double least)
{
    int good = 1;
    for (int64_t i = 0; i < count; i++) {
        const double x = absa__get_f64(r);
        good = good && isfinite(x) && x >= least;
    }
    return good;
}

/* Whether a run can go on from these numbers; r stands behind the state, as a copy. */
static int sound(const absa_eigen *s, absa__reader r)
{
    const int restart = s->memory == ABSA_MEMORY_RESTART, value = s->memory == ABSA_MEMORY_VALUE;
    const int open = s->phase == ABSA__PHASE_PRODUCT;
    int64_t count;
    if (s->phase < ABSA__PHASE_IDLE || s->phase > ABSA__PHASE_ENDED || s->finished < 0 ||
        s->finished > 1 || s->steps < 0 || s->have < 0 || s->held < 0 || s->now.products < 0 ||
        s->steps > s->options.max_products - open)
        return 0;
    if ((s->finished && (s->phase != ABSA__PHASE_ENDED || s->steps == 0)) ||
        ((s->finished || open) && s->next_stream != s->now.stream + 1) ||
        (open && (!(s->delta > 0.0) || !isfinite(s->delta) || s->now.products != s->steps)))
        return 0;
    if (value ? s->have != 0 : !restart && s->have != s->steps)
        return 0;
    /* A restart holds fewer than it had, and leaves room for the product. */
    if (restart
            ? s->held > s->have || s->have > s->steps || s->have > s->slots - 1 - open ||
                  (s->held > 0 && s->steps - s->have < 1) || (s->held == 0 && s->have != s->steps)
            : s->held != 0)
        return 0;
    if (s->finished && !value && s->have <= s->held)
        return 0;
    (void)needed_slots(s, &count);
    if (r.size - r.used != tail_bytes(s, count))
        return 0;
    return finite_doubles(&r, s->steps, -HUGE_VAL) && finite_doubles(&r, s->steps, 0.0) &&
           (!restart || finite_doubles(&r, 2 * s->held + s->steps - s->have, -HUGE_VAL)) &&
           (s->options.rule == ABSA_RULE_POWER || finite_doubles(&r, count, 1e-300));
}

static absa_status commit(absa_eigen *e, const absa_eigen *s, absa__reader *r)
{
    int64_t count;
    const int64_t first = needed_slots(s, &count);
    absa_status status = ABSA_OK;
    int failed = 0;
    *e = *s;
    get_doubles(r, e->alpha, e->steps);
    get_doubles(r, e->beta, e->steps);
    if (e->memory == ABSA_MEMORY_RESTART) {
        get_doubles(r, e->kept_value, e->held);
        get_doubles(r, e->arrow, e->held);
        get_doubles(r, e->roots, e->steps - e->have);
    }
    get_doubles(r, e->length + first, count);
    for (int64_t i = first; i < first + count && !status; i++)
        status = get_vector(e, r, e->slot[i]);
    /* The Ritz vector is asked of the projected eigenproblem, which is not saved. */
    if (!status && e->finished && e->memory == ABSA_MEMORY_RESTART)
        (void)absa__restart_solve(e, &failed);
    if (status) {
        e->phase = ABSA__PHASE_IDLE;
        e->finished = 0;
    }
    return status;
}

absa_status absa_eigen_load(absa_eigen *eigen, const void *buffer, size_t size)
{
    if (!eigen)
        return ABSA_E_INVALID;
    if (eigen->busy)
        return absa__fail(eigen->ctx, ABSA_E_BUSY,
                          "absa_eigen_load: called from inside the estimator's own callback");
    if (!buffer)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_load: buffer is NULL");
    absa__reader r = {buffer, size, 0, 0};
    absa_status status = check_envelope(eigen->ctx, &r);
    if (!status)
        status = check_identity(eigen, &r);
    if (status)
        return status;
    absa_eigen s = *eigen;
    const uint32_t fields = absa__get_u32(&r);
    for (size_t i = 0; i < STATE; i++)
        get_field(&r, &state[i], &s);
    if (r.failed || fields != STATE || !sound(&s, r))
        return absa__fail(eigen->ctx, ABSA_E_FORMAT, "the state holds impossible numbers");
    int64_t count;
    (void)needed_slots(&s, &count);
    if (count > 0 && s.space.given.ops && !s.space.ops.write)
        return absa__fail(eigen->ctx, ABSA_E_UNSUPPORTED,
                          "absa_eigen_load: the vector table has no write");
    return commit(eigen, &s, &r);
}
