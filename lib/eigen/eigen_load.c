/* Loading an estimator. Bytes are taken for forged until every number in them is one that a run can
 * go on from; nothing changes before that. */
#include "eigen/eigen_state.h"

#include "base/bytes.h"
#include "base/fail.h"

#include <math.h>
#include <string.h>

static void get_field(absa__reader *r, const absa__field *f, absa_eigen *e)
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

static absa_status get_vector(absa_eigen *e, absa__reader *r, void *y)
{
    const int64_t n = e->space.given.n;
    double part[ABSA__CHUNK];
    for (int64_t at = 0; at < n; at += ABSA__CHUNK) {
        const int64_t length = n - at < ABSA__CHUNK ? n - at : ABSA__CHUNK;
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

static void get_doubles(absa__reader *r, double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = absa__get_f64(r);
}

static void get_pair(absa__reader *r, absa__pair *p)
{
    p->value = absa__get_f64(r);
    p->lower = absa__get_f64(r);
    p->upper = absa__get_f64(r);
    p->residual = absa__get_f64(r);
    p->column = absa__get_i64(r);
    p->slot = absa__get_i64(r);
    p->from_below = absa__get_i64(r) != 0;
    p->fresh = (int32_t)absa__get_i64(r);
}

static void get_stored(absa__reader *r, uint16_t *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        unsigned char bytes[2];
        absa__get_bytes(r, bytes, sizeof bytes);
        x[i] = (uint16_t)(bytes[0] | bytes[1] << 8);
    }
}

static absa_status check_envelope(absa_context *ctx, absa__reader *r)
{
    char head[ABSA__MAGIC_BYTES];
    absa__get_bytes(r, head, sizeof head);
    if (r->failed || memcmp(head, absa__magic, ABSA__MAGIC_BYTES) != 0)
        return absa__fail(ctx, ABSA_E_FORMAT, "these %zu bytes are not an estimator's state",
                          r->size);
    const uint32_t format = absa__get_u32(r);
    if (!r->failed && format > ABSA__FORMAT)
        return absa__fail(ctx, ABSA_E_VERSION,
                          "the state has format %lu, this library reads up to %d",
                          (unsigned long)format, ABSA__FORMAT);
    const uint64_t total = absa__get_u64(r);
    if (r->failed || format == 0 || total != r->size || r->size < r->used + 4)
        return absa__fail(ctx, ABSA_E_FORMAT, "the state is truncated: %zu bytes of %llu", r->size,
                          (unsigned long long)total);
    absa__reader last = {r->data + r->size - 4, 4, 0, 0};
    if (absa__get_u32(&last) != absa__crc32(0, r->data, r->size - 4))
        return absa__fail(ctx, ABSA_E_FORMAT, "the state is damaged: its checksum does not fit");
    r->size -= 4;
    return ABSA_OK;
}

static absa_status check_identity(const absa_eigen *e, absa__reader *r)
{
    if (absa__get_u32(r) != ABSA__IDENTITY)
        return absa__fail(e->ctx, ABSA_E_FORMAT, "the state names an impossible number of options");
    absa_eigen other = *e;
    for (size_t i = 0; i < ABSA__IDENTITY; i++) {
        const absa__field *f = &absa__identity[i];
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

static int between(int64_t x, int64_t least, int64_t most)
{
    return x >= least && x <= most;
}

/* The counters of an open run, or of one whose vectors are at hand: every index that going on makes
 * of them must lie in its array. */
static int sound_counters(const absa_eigen *s)
{
    const int64_t most = s->options.max_products, products = s->now.products;
    const int open = s->phase == ABSA__PHASE_PRODUCT;
    const int restart = s->memory == ABSA_MEMORY_RESTART, two = s->memory == ABSA_MEMORY_TWO_PASS;
    if (!between(s->phase, ABSA__PHASE_IDLE, ABSA__PHASE_ENDED) || !between(s->finished, 0, 1) ||
        !between(products, 0, most + (s->now.heuristic != 0)) || !between(s->steps, 0, products) ||
        !between(s->have, 0, s->steps) || !between(s->held, 0, s->have) ||
        !between(s->has_vector, 0, two) ||
        !between(s->clearing, 0, !absa__turns(s) || s->stored ? 2 : 0) ||
        (open && products >= most))
        return 0;
    if (s->finished && (s->phase != ABSA__PHASE_ENDED || (s->steps == 0 && s->locked == 0 && !two)))
        return 0;
    if ((s->finished || open) && (s->now.stream < s->chain_first || s->now.stream > s->chain_last ||
                                  s->next_stream != s->chain_last + 1))
        return 0;
    if (open && (!(s->delta > 0.0) || !isfinite(s->delta) || !(s->hint_weight >= 0.0)))
        return 0;
    if (!between(s->second_pass, 0, two ? (most + 1) / 2 : 0) ||
        !between(s->locked, 0, s->options.multiplicity > 0 ? s->slots - 2 : 0))
        return 0;
    if (open && s->second_pass > 0
            ? products != s->second_pass + s->steps || s->steps > s->second_pass - 2
            : open && s->locked == 0 && products != s->steps)
        return 0;
    if (open && two && s->second_pass == 0 && s->steps >= (most + 1) / 2)
        return 0;
    if (absa__turns(s))
        return s->have == 0 && s->held == 0;
    const int64_t active = s->slots - 1 - s->locked;
    if (s->locked > 0 && (products < s->locked + s->steps || s->now.pairs != s->locked))
        return 0;
    if (!restart)
        return s->held == 0 && s->have == s->steps && s->locked + s->have + open <= s->slots - 1 &&
               (!open || s->locked + s->have + most - products <= s->slots - 1);
    /* A restart holds fewer than it had, and leaves room for the product. */
    if (s->have > active - open || (s->held > 0 && s->steps - s->have < 1) ||
        (s->held == 0 && s->have != s->steps))
        return 0;
    return !s->finished || s->locked > 0 || s->have > s->held;
}

/* The pairs lead to vectors that are there; r stands before them. */
static int sound_pairs(const absa_eigen *s, absa__reader *r)
{
    if (!between(s->now.starts, 0, s->options.multiplicity + 1))
        return 0;
    const int64_t starts = s->now.starts - 1, wanted = s->options.wanted;
    const int64_t first = s->options.which == ABSA_WHICH_BOTH ? 2 * wanted : wanted;
    const int64_t ritz = s->memory == ABSA_MEMORY_RESTART ? s->have : s->steps;
    int good = between(starts, s->now.products > 0 ? 0 : -1, s->options.multiplicity) &&
               (s->now.products == 0 || s->locked == 0 || starts > 0) &&
               between(s->now.pairs, s->now.products > 0, first + (starts > 0 ? starts : 0));
    for (int64_t i = 0; good && i < s->now.pairs; i++) {
        absa__pair p;
        get_pair(r, &p);
        if (s->locked > 0)
            good = between(p.slot, 0, s->locked - 1);
        else if (s->finished && s->memory != ABSA_MEMORY_VALUE && s->memory != ABSA_MEMORY_TWO_PASS)
            good = between(p.column, 0, ritz - 1);
    }
    return good;
}

/* Whether a run can go on from these numbers; r stands behind the state, as a copy. */
static int sound(const absa_eigen *s, absa__reader r)
{
    const int power = s->options.rule == ABSA_RULE_POWER;
    const int64_t most = s->sizes.pairs;
    if (!sound_counters(s) || !between(s->now.pairs, 0, most) ||
        r.size - r.used != absa__tail_bytes(s))
        return 0;
    const absa__tail t = absa__tail_of(s);
    if (!finite_doubles(&r, t.coefficients, -HUGE_VAL) ||
        !finite_doubles(&r, t.coefficients, 0.0) ||
        !finite_doubles(&r, t.restart + t.components, -HUGE_VAL) || !sound_pairs(s, &r))
        return 0;
    int good = 1;
    for (int64_t i = 0; i < t.slots; i++) {
        const double length = absa__get_f64(&r);
        good = good && isfinite(length) && (power || length >= 1e-300);
        r.used += (size_t)s->space.given.n * absa__state_element(s);
    }
    return good;
}

static absa_status commit(absa_eigen *e, const absa_eigen *s, absa__reader *r)
{
    const absa__tail t = absa__tail_of(s);
    absa_status status = ABSA_OK;
    int failed = 0;
    *e = *s;
    get_doubles(r, e->alpha, t.coefficients);
    get_doubles(r, e->beta, t.coefficients);
    if (e->memory == ABSA_MEMORY_RESTART) {
        get_doubles(r, e->kept_value, e->held);
        get_doubles(r, e->arrow, e->held);
        get_doubles(r, e->roots, e->steps - e->have);
    }
    get_doubles(r, e->work + 3 * e->sizes.room, t.components);
    for (int64_t i = 0; i < e->now.pairs; i++)
        get_pair(r, &e->pair[i]);
    for (int64_t i = 0; i < e->slots && !status; i++)
        if (absa__needs_slot(e, i)) {
            e->length[i] = absa__get_f64(r);
            status = get_vector(e, r, e->slot[i]);
        }
    for (int64_t i = 0; i < t.stored; i++)
        get_stored(r, e->stored[i], e->space.given.n);
    /* The Ritz vector is asked of the projected eigenproblem, which is not saved. */
    e->ritz_count = e->steps;
    if (!status && e->finished && e->memory == ABSA_MEMORY_RESTART && e->locked == 0)
        (void)absa__restart_solve(e, &failed);
    if (status) {
        e->phase = ABSA__PHASE_IDLE;
        e->finished = 0;
    }
    return status;
}

absa_status absa_eigen_load(absa_eigen *eigen, const void *buffer, size_t size)
{
    absa_status status = absa__eigen_check(eigen, "absa_eigen_load");
    if (status)
        return status;
    if (!buffer)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_load: buffer is NULL");
    absa__reader r = {buffer, size, 0, 0};
    status = check_envelope(eigen->ctx, &r);
    if (!status)
        status = check_identity(eigen, &r);
    if (status)
        return status;
    absa_eigen s = *eigen;
    const uint32_t fields = absa__get_u32(&r);
    for (size_t i = 0; i < ABSA__STATE; i++)
        get_field(&r, &absa__state[i], &s);
    if (r.failed || fields != ABSA__STATE || !sound(&s, r))
        return absa__fail(eigen->ctx, ABSA_E_FORMAT, "the state holds impossible numbers");
    if (absa__tail_of(&s).slots > 0 && s.space.given.ops && !s.space.ops.write)
        return absa__fail(eigen->ctx, ABSA_E_UNSUPPORTED,
                          "absa_eigen_load: the vector table has no write");
    return commit(eigen, &s, &r);
}
