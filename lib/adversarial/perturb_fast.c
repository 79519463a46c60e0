/* The fast path: one sign step of F32 or F64 rows, where nothing but the box can cut it. While a
 * row is written, the next one is checked, so that memory is read once and never waited for.
 * Everything else is perturb_blocks.c's, which gives the same bits for these, too. */
#include "adversarial/perturb_rows.h"

#include "base/processor.h"

#include <math.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef struct reach_f32 {
    float minus_up[ABSA__BLOCK], minus_down[ABSA__BLOCK], lo[ABSA__BLOCK], hi[ABSA__BLOCK];
} reach_f32;

typedef struct reach_f64 {
    double minus_up[ABSA__BLOCK], minus_down[ABSA__BLOCK], lo[ABSA__BLOCK], hi[ABSA__BLOCK];
} reach_f64;

/* A row is written: moved, a value differs from x; its successor: bad, there is a NaN or infinity;
 * nonzero, its gradient is not 0. */
typedef struct absa__look {
    int moved, bad, nonzero;
} absa__look;

/* How a call is done: with wider instructions, and writing past the caches. */
typedef struct absa__way {
    int wide, stream;
} absa__way;

/* Asks for what the next row's check reads some chunks from now: the processor by itself follows
 * the five streams too late. Beyond the array it is a hint without effect; integers, because a
 * pointer must not leave its array even for that. */
static void prefetch(const void *next_x, const void *next_g, size_t length)
{
#if defined(__GNUC__)
    enum { AHEAD = 4096, LINE = 64 };
    for (uintptr_t k = AHEAD; k < AHEAD + length; k += LINE) {
        __builtin_prefetch((const void *)((uintptr_t)next_x + k));
        __builtin_prefetch((const void *)((uintptr_t)next_g + k));
    }
#else
    (void)next_x;
    (void)next_g;
    (void)length;
#endif
}

/* An output that no cache would keep until it is read is written past them: a plain store of a line
 * first reads it. tests/bench/bench_adversarial.c shows what it saves. */
enum { STREAM_FROM = 16 << 20 };

static int has_stream(void)
{
#if defined(__SSE2__)
    return 1;
#else
    return 0;
#endif
}

static void stream(void *to, const void *from, size_t bytes)
{
#if defined(__SSE2__)
    enum { WORD = sizeof(__m128i) };
    unsigned char *t = to;
    const unsigned char *f = from;
    size_t head = -(uintptr_t)t % WORD;
    head = head < bytes ? head : bytes;
    memcpy(t, f, head);
    for (bytes -= head, t += head, f += head; bytes >= WORD; bytes -= WORD, t += WORD, f += WORD)
        _mm_stream_si128((__m128i *)(void *)t, _mm_loadu_si128((const __m128i *)(const void *)f));
    memcpy(t, f, bytes);
#else
    memcpy(to, from, bytes);
#endif
}

/* Makes what was written so visible in order, as plain stores are. */
static void stream_end(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

#define REAL      float
#define BITS      int32_t
#define MAGNITUDE INT32_MAX
#define INFINITE  0x7F800000
#define AS_BITS   bits_f32
#define REACH     reach_f32
#define LOOK      look_f32
#define MOVE      move_f32
#define BODY      body_f32
#define CHUNK     chunk_f32
#define WIDE      wide_f32
#define ROW       row_f32
#include "adversarial/fast_real.h"
#define REAL      double
#define BITS      int64_t
#define MAGNITUDE INT64_MAX
#define INFINITE  0x7FF0000000000000
#define AS_BITS   bits_f64
#define REACH     reach_f64
#define LOOK      look_f64
#define MOVE      move_f64
#define BODY      body_f64
#define CHUNK     chunk_f64
#define WIDE      wide_f64
#define ROW       row_f64
#include "adversarial/fast_real.h"

typedef union reach_fast {
    reach_f32 f32;
    reach_f64 f64;
} reach_fast;

int absa__fast_fits(const absa__perturb_plan *plan, const absa__batch *b)
{
    const absa_perturb_options *o = &plan->o;
    return b->g && !b->several && o->step == ABSA_STEP_SIGN && fabs(plan->factor) <= 1.0 &&
           !o->mask && o->element == o->g_element &&
           (o->element == ABSA_INPUT_F32 || o->element == ABSA_INPUT_F64);
}

absa_status absa__fast_walk(const absa__perturb_plan *plan, const absa__batch *b,
                            absa_perturb_result *r)
{
    const int f32 = plan->o.element == ABSA_INPUT_F32;
    const double bytes = (double)b->rows * (double)plan->o.row_size * (f32 ? 4.0 : 8.0);
    const absa__way way = {absa__has_wide(),
                           has_stream() && b->out != b->x && bytes >= STREAM_FROM};
    absa__reach reach;
    reach_fast fast = {.f64 = {{0}, {0}, {0}, {0}}};
    absa__row row, next;
    reach.key = -1;
    int64_t at = absa__next_row(plan, b, 0, r);
    if (at >= b->rows)
        return ABSA_OK;
    absa_status status = ABSA_OK;
    row = absa__row_at(plan, b, at);
    absa__look look =
        f32 ? look_f32(plan->o.row_size, row.x, row.g) : look_f64(plan->o.row_size, row.x, row.g);
    while (at < b->rows) {
        if (look.bad) {
            status = absa__find_bad(plan, &row, at, r);
            break;
        }
        const int64_t then = absa__next_selected(plan, b, at + 1);
        /* After the last row anything readable will do, but never what is being written. */
        next = row;
        next.x = row.g;
        if (then < b->rows)
            next = absa__row_at(plan, b, then);
        const absa__look seen = f32 ? row_f32(plan, way, &row, &next, &reach, &fast.f32)
                                    : row_f64(plan, way, &row, &next, &reach, &fast.f64);
        r->zero_rows += !look.nonzero;
        r->unmoved_rows += !seen.moved;
        r->rows_done++;
        at = absa__next_row(plan, b, at + 1, r);
        row = next;
        look = seen;
    }
    if (way.stream)
        stream_end();
    return status;
}
