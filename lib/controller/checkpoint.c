/* The controller's bytes: magic, format, length, the options they belong to, the state, and a CRC;
 * little-endian. Fields are written in the order of two tables that only grow at their ends. */
#include "controller/ctl_state.h"

#include "base/bytes.h"
#include "base/fail.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { FORMAT = 1, MAGIC_BYTES = 8, HEADER = MAGIC_BYTES + 8 };
static const char magic[MAGIC_BYTES + 1] = "absa-ctl";

#define FIELD(kind, name)                                                                          \
    {                                                                                              \
        offsetof(absa__ctl_state, name), kind                                                      \
    }

static const struct field {
    size_t offset;
    char kind;
} fields[] = {
    FIELD('l', batch),         FIELD('l', batch_next),   FIELD('l', window_rows),
    FIELD('l', window_done),   FIELD('d', spill),        FIELD('l', samples),
    FIELD('l', epoch_samples), FIELD('l', epochs),       FIELD('l', updates),
    FIELD('l', short_updates), FIELD('l', patience),     FIELD('l', bad_run),
    FIELD('l', last_growth),   FIELD('l', crossed),      FIELD('d', share),
    FIELD('d', reference),     FIELD('d', last_lr),      FIELD('d', before_lr),
    FIELD('l', last_batch),    FIELD('l', before_batch), FIELD('i', last_short),
    FIELD('i', due),           FIELD('i', collapsed),    FIELD('i', can_take_back),
    FIELD('i', reason),        FIELD('l', told_decays),  FIELD('d', window_gamma),
    FIELD('d', told_gamma),    FIELD('d', window_lr),    FIELD('d', window_lr_multiplier),
    FIELD('d', curvature),
};

enum { FIELDS = sizeof fields / sizeof fields[0], MOST_BYTES = 2048 };

static void put_number(absa__writer *w, char kind, const void *at)
{
    int64_t l;
    int32_t i;
    double d;
    switch (kind) {
    case 'l':
        memcpy(&l, at, sizeof l);
        absa__put_i64(w, l);
        break;
    case 'i':
        memcpy(&i, at, sizeof i);
        absa__put_i64(w, i);
        break;
    default:
        memcpy(&d, at, sizeof d);
        absa__put_f64(w, d);
    }
}

static void get_number(absa__reader *r, char kind, void *at)
{
    const int64_t l = kind == 'd' ? 0 : absa__get_i64(r);
    const int32_t i = (int32_t)l;
    double d;
    switch (kind) {
    case 'l':
        memcpy(at, &l, sizeof l);
        break;
    case 'i':
        if (i != l)
            r->failed = 1;
        memcpy(at, &i, sizeof i);
        break;
    default:
        d = absa__get_f64(r);
        memcpy(at, &d, sizeof d);
    }
}

static void put_option(absa__writer *w, const absa__option *option,
                       const absa_controller_options *o)
{
    if (option->kind != 'a') {
        put_number(w, option->kind, (const char *)o + option->offset);
        return;
    }
    absa__put_i64(w, o->decay_count);
    for (int64_t i = 0; i < ABSA_DECAY_POINTS; i++)
        absa__put_f64(w, i < o->decay_count ? o->decay[i] : 0.0);
}

static size_t write_all(absa__writer *w, const absa_controller_options *o, const absa__ctl_state *s,
                        size_t total)
{
    absa__put_bytes(w, magic, MAGIC_BYTES);
    absa__put_u32(w, FORMAT);
    absa__put_u32(w, (uint32_t)total);
    absa__put_u32(w, (uint32_t)absa__ctl_option_count);
    for (int32_t i = 0; i < absa__ctl_option_count; i++)
        put_option(w, &absa__ctl_options[i], o);
    absa__put_u32(w, FIELDS);
    for (size_t i = 0; i < FIELDS; i++)
        put_number(w, fields[i].kind, (const char *)s + fields[i].offset);
    return w->used + 4; /* the CRC comes behind */
}

absa_status absa__ctl_save(absa_context *ctx, const absa_controller_options *o,
                           const absa__ctl_state *s, void *buffer, size_t capacity, size_t *size)
{
    absa__writer count = {NULL, 0, 0};
    const size_t total = write_all(&count, o, s, 0);
    *size = total;
    if (!buffer)
        return ABSA_OK;
    if (capacity < total)
        return absa__fail(ctx, ABSA_E_SPACE, "absa_controller_save: %zu bytes needed, %zu given",
                          total, capacity);
    absa__writer w = {buffer, capacity, 0};
    write_all(&w, o, s, total);
    absa__put_u32(&w, absa__crc32(0, buffer, w.used));
    return ABSA_OK;
}

uint64_t absa__ctl_digest(const absa_controller_options *o, const absa__ctl_state *s)
{
    unsigned char bytes[MOST_BYTES];
    absa__writer w = {bytes, sizeof bytes, 0};
    write_all(&w, o, s, 0);
    assert(w.used <= sizeof bytes);
    /* FNV-1a, 64 bits (G. Fowler, L. C. Noll, K.-P. Vo). */
    uint64_t digest = 0xCBF29CE484222325u;
    for (size_t i = 0; i < w.used; i++)
        digest = (digest ^ bytes[i]) * 0x100000001B3u;
    return digest;
}

static absa_status check_envelope(absa_context *ctx, const void *buffer, size_t size)
{
    absa__reader r = {buffer, size, 0, 0};
    char head[MAGIC_BYTES];
    absa__get_bytes(&r, head, sizeof head);
    if (r.failed || memcmp(head, magic, MAGIC_BYTES) != 0)
        return absa__fail(ctx, ABSA_E_FORMAT, "these %zu bytes are not a controller's state", size);
    const uint32_t format = absa__get_u32(&r), total = absa__get_u32(&r);
    if (!r.failed && format > FORMAT)
        return absa__fail(ctx, ABSA_E_VERSION,
                          "the state has format %lu, this library reads up to %d",
                          (unsigned long)format, FORMAT);
    if (r.failed || format == 0 || total != size || size < HEADER + 4)
        return absa__fail(ctx, ABSA_E_FORMAT, "the state is truncated: %zu bytes of %lu", size,
                          (unsigned long)total);
    absa__reader tail = {(const unsigned char *)buffer + size - 4, 4, 0, 0};
    if (absa__get_u32(&tail) != absa__crc32(0, buffer, size - 4))
        return absa__fail(ctx, ABSA_E_FORMAT, "the state is damaged: its checksum does not fit");
    return ABSA_OK;
}

/* The saved options compared with ours. */
typedef struct comparison {
    char names[256]; /* of those that differ, as many as there is room for */
    size_t used;
    int named, differ;
} comparison;

static void name_option(comparison *c, const char *name)
{
    const size_t length = strlen(name), gap = c->named ? 2 : 0;
    c->differ++;
    if (c->named + 1 < c->differ || c->used + gap + length >= sizeof c->names)
        return;
    memcpy(c->names + c->used, ", ", gap);
    memcpy(c->names + c->used + gap, name, length + 1);
    c->used += gap + length;
    c->named++;
}

static comparison compare_options(absa__reader *r, uint32_t count, const absa_controller_options *o)
{
    comparison c = {.names = ""};
    for (uint32_t i = 0; i < count; i++) {
        unsigned char ours[8 * (ABSA_DECAY_POINTS + 1)], theirs[sizeof ours];
        absa__writer w = {ours, sizeof ours, 0};
        put_option(&w, &absa__ctl_options[i], o);
        absa__get_bytes(r, theirs, w.used);
        if (memcmp(ours, theirs, w.used) != 0)
            name_option(&c, absa__ctl_options[i].name);
    }
    return c;
}

static absa_status refuse_options(absa_context *ctx, const comparison *c)
{
    const int others = c->differ - c->named;
    return others ? absa__fail(ctx, ABSA_E_MISMATCH,
                               "the state was saved under other options: %s and %d others differ",
                               c->names, others)
                  : absa__fail(ctx, ABSA_E_MISMATCH,
                               "the state was saved under other options: %s differ", c->names);
}

static int is_count(int64_t x)
{
    return x >= 0 && x <= ABSA__CTL_SAMPLES;
}

static int is_flag(int32_t x)
{
    return x == 0 || x == 1;
}

static int is_share(double x)
{
    return x >= 0.0 && x <= 1.0;
}

/* A learning rate may have vanished, which is no use, but no fault. */
static int is_rate(double x)
{
    return x >= 0.0 && isfinite(x);
}

/* An eigenvalue, or none yet. */
static int is_eigenvalue(double x)
{
    return isnan(x) || (x > 0.0 && isfinite(x));
}

/* What each field can hold under any options. */
static int fields_fit(const absa__ctl_state *s)
{
    return s->batch >= 1 && s->batch_next >= 1 && s->window_rows >= 1 && s->window_done >= 0 &&
           is_count(s->samples) && is_count(s->epochs) && is_count(s->updates) &&
           is_count(s->short_updates) && s->patience >= 0 && s->patience <= ABSA__CTL_MOST &&
           s->bad_run >= 0 && s->bad_run <= ABSA__CTL_MOST && is_count(s->crossed) &&
           s->last_growth >= -1 && s->told_decays >= 0 && s->told_decays <= ABSA_DECAY_POINTS &&
           s->last_batch >= 0 && s->last_batch <= ABSA__CTL_MOST && s->before_batch >= 0 &&
           s->before_batch <= ABSA__CTL_MOST && is_flag(s->last_short) && is_flag(s->due) &&
           is_flag(s->collapsed) && is_flag(s->can_take_back) && s->reason >= ABSA_REASON_NONE &&
           s->reason <= ABSA_REASON_SHRINK && is_share(s->share) && is_share(s->spill) &&
           is_share(s->window_gamma) && is_share(s->told_gamma) && is_rate(s->window_lr) &&
           is_rate(s->window_lr_multiplier) && is_rate(s->last_lr) && is_rate(s->before_lr) &&
           is_eigenvalue(s->reference) && is_eigenvalue(s->curvature);
}

/* What fields say of each other. A window that was restarted lies behind what it had decided, and
 * before its epoch, by less than its batch. */
static int fields_agree(const absa__ctl_state *s)
{
    const int64_t before = s->samples - s->window_done; /* samples of windows that are complete */
    const int64_t others = s->short_updates - s->last_short; /* short ones but the last update */
    return s->window_rows <= s->batch && s->window_done < s->window_rows && before >= 0 &&
           s->epoch_samples <= s->samples && s->epoch_samples >= s->window_done - ABSA__CTL_MOST &&
           s->last_growth <= before + ABSA__CTL_MOST && s->updates <= before &&
           s->short_updates <= s->updates &&
           (!s->can_take_back || (others >= 0 && others <= s->updates - 1)) &&
           (s->last_batch >= 1 || (s->updates == 0 && s->last_lr == 0.0)) &&
           (s->before_batch >= 1 ||
            (s->before_lr == 0.0 && (!s->can_take_back || s->updates == 1))) &&
           isnan(s->reference) == isnan(s->curvature);
}

/* What no sequence of events leads to cannot be gone on from. Little of it hangs on the options: a
 * state that was taken over from others must be one of these when it is saved again. */
static int plausible(const absa_controller_options *o, const absa__ctl_state *s, int other_options)
{
    return fields_fit(s) && fields_agree(s) && s->batch <= o->batch_max &&
           s->batch_next <= o->batch_max &&
           (other_options || s->crossed == absa__ctl_multiples(o, s));
}

/* Makes a state that was saved under other options one of these. */
static void adopt(const absa_controller_options *o, absa__ctl_state *s)
{
    s->due = s->due && absa__ctl_measures(o, s);
    /* A window that has no rows yet follows the new options; the others end with the training. */
    if (s->window_done == 0)
        absa__ctl_open_window(o, s);
    else
        absa__ctl_shorten_window(o, s);
}

absa_status absa__ctl_load(absa_context *ctx, const absa_controller_options *o, const void *buffer,
                           size_t size, int other_options, absa__ctl_state *out)
{
    absa_status status = check_envelope(ctx, buffer, size);
    if (status)
        return status;
    absa__reader r = {buffer, size - 4, HEADER, 0};
    const uint32_t options = absa__get_u32(&r);
    if (options > (uint32_t)absa__ctl_option_count)
        return absa__fail(ctx, ABSA_E_VERSION, "the state has %lu options, this library knows %d",
                          (unsigned long)options, (int)absa__ctl_option_count);
    const comparison with = compare_options(&r, options, o);
    const int differ = with.differ > 0;
    absa__ctl_state s;
    absa__ctl_begin(o, &s);
    const uint32_t count = absa__get_u32(&r);
    for (uint32_t i = 0; i < count && i < FIELDS; i++)
        get_number(&r, fields[i].kind, (char *)&s + fields[i].offset);
    if (r.failed || count > FIELDS || r.used != r.size)
        return absa__fail(ctx, ABSA_E_FORMAT, "the state is damaged: its parts do not fit");
    if (differ && !other_options)
        return refuse_options(ctx, &with);
    const int64_t batch = s.batch > s.batch_next ? s.batch : s.batch_next;
    if (differ && batch > o->batch_max)
        return absa__fail(ctx, ABSA_E_MISMATCH,
                          "the state has a batch of %lld, and these options a batch_max of %lld",
                          (long long)batch, (long long)o->batch_max);
    if (!plausible(o, &s, differ))
        return absa__fail(ctx, differ ? ABSA_E_MISMATCH : ABSA_E_FORMAT,
                          "the state cannot be gone on from under these options");
    absa__ctl_change(&s);
    s.crossed = 0;
    if (differ)
        adopt(o, &s);
    absa__ctl_refer(o, &s, s.reference);
    *out = s;
    return ABSA_OK;
}
