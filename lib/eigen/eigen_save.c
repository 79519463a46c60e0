/* Saving an estimator: what is in its bytes is eigen_state.c's matter. */
#include "eigen/eigen_state.h"

#include "base/bytes.h"
#include "base/fail.h"

#include <string.h>

static void put_field(absa__writer *w, const absa__field *f, const absa_eigen *e)
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

static absa_status put_vector(absa_eigen *e, absa__writer *w, const void *x)
{
    const int64_t n = e->space.given.n;
    double part[ABSA__CHUNK];
    if (!w->data) {
        w->used += (size_t)n * absa__state_element(e);
        return ABSA_OK;
    }
    for (int64_t at = 0; at < n; at += ABSA__CHUNK) {
        const int64_t length = n - at < ABSA__CHUNK ? n - at : ABSA__CHUNK;
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

static void put_doubles(absa__writer *w, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        absa__put_f64(w, x[i]);
}

static void put_pair(absa__writer *w, const absa__pair *p)
{
    absa__put_f64(w, p->value);
    absa__put_f64(w, p->lower);
    absa__put_f64(w, p->upper);
    absa__put_f64(w, p->residual);
    absa__put_i64(w, p->column);
    absa__put_i64(w, p->slot);
    absa__put_i64(w, p->from_below);
    absa__put_i64(w, p->fresh);
}

static void put_stored(absa__writer *w, const uint16_t *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const unsigned char bytes[2] = {(unsigned char)(x[i] & 255), (unsigned char)(x[i] >> 8)};
        absa__put_bytes(w, bytes, sizeof bytes);
    }
}

/* Writes e as far as its vectors are wanted; what needs them is left out with them. */
static absa_status write_all(absa_eigen *e, int vectors, uint64_t total, absa__writer *w)
{
    absa_eigen plain = *e;
    if (!vectors) {
        plain.phase = e->phase == ABSA__PHASE_IDLE ? ABSA__PHASE_IDLE : ABSA__PHASE_ENDED;
        plain.finished = plain.has_vector = 0;
        plain.steps = plain.have = plain.held = plain.locked = plain.second_pass = 0;
    }
    const absa__tail t = absa__tail_of(&plain);
    absa_status status = ABSA_OK;
    absa__put_bytes(w, absa__magic, ABSA__MAGIC_BYTES);
    absa__put_u32(w, ABSA__FORMAT);
    absa__put_u64(w, total);
    absa__put_u32(w, ABSA__IDENTITY);
    for (size_t i = 0; i < ABSA__IDENTITY; i++)
        put_field(w, &absa__identity[i], &plain);
    absa__put_u32(w, ABSA__STATE);
    for (size_t i = 0; i < ABSA__STATE; i++)
        put_field(w, &absa__state[i], &plain);
    put_doubles(w, e->alpha, t.coefficients);
    put_doubles(w, e->beta, t.coefficients);
    if (e->memory == ABSA_MEMORY_RESTART) {
        put_doubles(w, e->kept_value, plain.held);
        put_doubles(w, e->arrow, plain.held);
        put_doubles(w, e->roots, plain.steps - plain.have);
    }
    put_doubles(w, e->work + 3 * e->sizes.room, t.components);
    for (int64_t i = 0; i < plain.now.pairs; i++)
        put_pair(w, &e->pair[i]);
    for (int64_t i = 0; i < e->slots && !status; i++)
        if (absa__needs_slot(&plain, i)) {
            absa__put_f64(w, e->length[i]);
            status = put_vector(e, w, e->slot[i]);
        }
    for (int64_t i = 0; i < t.stored; i++)
        put_stored(w, e->stored[i], e->space.given.n);
    return status;
}

absa_status absa_eigen_save(absa_eigen *eigen, int32_t vectors, void *buffer, size_t capacity,
                            size_t *size)
{
    absa_status status = absa__eigen_check(eigen, "absa_eigen_save");
    if (status)
        return status;
    if (!size || (vectors != 0 && vectors != 1))
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_save: %s",
                          size ? "vectors must be 0 or 1" : "size is NULL");
    absa__writer count = {NULL, 0, 0};
    status = write_all(eigen, vectors, 0, &count);
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
