/* Vector operations in host memory. Every operation is one pass: vectors are walked in pieces that
 * end at block and segment boundaries, and all work on a piece is done while it is in cache. Sums
 * over blocks are pairwise. Reductions over processes are left to space.c. */
#include "linalg/hostvec.h"

#include "base/processor.h"
#include "linalg/kernels.h"

#include <absa/random.h>

enum { MOST_DOTS = 64, LEVELS = 64 };

size_t absa__element_size(int32_t element)
{
    return element == ABSA_ELEMENT_F64 ? sizeof(double) : sizeof(float);
}

/* A run of elements that lies in one block and one segment. */
typedef struct piece {
    int64_t segment;
    int64_t offset; /* in the segment */
    int64_t index;  /* in the local vector */
    int64_t length;
} piece;

/* Moves to the next piece; starts from a zeroed one. Returns 0 at the end. */
static int next_piece(const absa__shape *s, piece *p)
{
    p->offset += p->length;
    p->index += p->length;
    int64_t rest = s->n - p->index;
    if (s->segments)
        while (p->segment < s->segment_count && (rest = s->segments[p->segment] - p->offset) == 0) {
            p->segment++;
            p->offset = 0;
        }
    if (p->index >= s->n)
        return 0;
    const int64_t block_rest = ABSA__BLOCK - p->index % ABSA__BLOCK;
    p->length = rest < block_rest ? rest : block_rest;
    return 1;
}

static void *at(const absa__shape *s, const void *v, const piece *p)
{
    char *base = s->segments ? ((const absa_segment *)v)[p->segment].data : (char *)(uintptr_t)v;
    return base + (size_t)p->offset * absa__element_size(s->element);
}

static void dot(const absa__shape *s, const piece *p, const void *x, const void *y, double *lanes)
{
    if (s->element == ABSA_ELEMENT_F64)
        absa__dot_f64(p->length, at(s, x, p), at(s, y, p), p->index, lanes);
    else
        absa__dot_f32(p->length, at(s, x, p), at(s, y, p), p->index, lanes);
}

/* A pairwise sum that takes its terms one by one: level l holds the sum of 2^l of them. */
typedef struct pairwise {
    double level[LEVELS];
    double lanes[ABSA__LANES];
} pairwise;

static void close_block(pairwise *sum, int64_t block)
{
    double *l = sum->lanes;
    double value = ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
    int level = 0;
    for (; block & 1; block >>= 1)
        value = sum->level[level++] + value;
    sum->level[level] = value;
    for (int j = 0; j < ABSA__LANES; j++)
        l[j] = 0.0;
}

static double total(const pairwise *sum, int64_t blocks)
{
    double value = 0.0;
    for (int level = 0; blocks; blocks >>= 1, level++)
        if (blocks & 1)
            value = sum->level[level] + value;
    return value;
}

static int ends_block(const absa__shape *s, const piece *p)
{
    const int64_t end = p->index + p->length;
    return end % ABSA__BLOCK == 0 || end == s->n;
}

static int64_t blocks_of(const absa__shape *s)
{
    return s->n / ABSA__BLOCK + (s->n % ABSA__BLOCK != 0);
}

static void clear_lanes(pairwise *sum)
{
    for (int j = 0; j < ABSA__LANES; j++)
        sum->lanes[j] = 0.0;
}

/* The dots of one piece of single precision, a few vectors at a time. */
static void dots_f32(const absa__shape *s, const piece *p, int wide, int64_t count,
                     const void *const *x, const void *y, pairwise *sum)
{
    for (int64_t from = 0; from < count; from += ABSA__TOGETHER) {
        const int64_t some = count - from < ABSA__TOGETHER ? count - from : ABSA__TOGETHER;
        const float *piece_of[ABSA__TOGETHER];
        double *lanes[ABSA__TOGETHER];
        for (int64_t k = 0; k < some; k++) {
            piece_of[k] = at(s, x[from + k], p);
            lanes[k] = sum[from + k].lanes;
        }
        absa__dots_f32(wide, p->length, some, piece_of, at(s, y, p), p->index, lanes);
    }
}

/* How the kernels are to work; a few vectors of 2^18 floats still fit a cache. */
static int width_of(const absa__shape *s)
{
    return absa__has_wide() ? 1 + (s->n > (int64_t)1 << 18) : 0;
}

void absa__host_dots(const absa__shape *s, int64_t count, const void *const *x, const void *y,
                     double *out)
{
    pairwise sum[MOST_DOTS];
    const int wide = width_of(s), f32 = s->element == ABSA_ELEMENT_F32;
    for (int64_t i = 0; i < count; i++)
        clear_lanes(&sum[i]);
    piece p = {0};
    while (next_piece(s, &p)) {
        const int close = ends_block(s, &p);
        if (f32)
            dots_f32(s, &p, wide, count, x, y, sum);
        for (int64_t i = 0; i < count; i++) {
            if (!f32)
                dot(s, &p, x[i], y, sum[i].lanes);
            if (close)
                close_block(&sum[i], p.index / ABSA__BLOCK);
        }
    }
    for (int64_t i = 0; i < count; i++)
        out[i] = total(&sum[i], blocks_of(s));
}

/* lanes, if not NULL, take the squares of the result. */
static void combine_f32(const absa__shape *s, const piece *p, int wide, int64_t count,
                        const double *a, const void *const *x, double b, void *y, double *lanes)
{
    for (int64_t from = 0; from < count; from += ABSA__TOGETHER) {
        const int64_t some = count - from < ABSA__TOGETHER ? count - from : ABSA__TOGETHER;
        const float *piece_of[ABSA__TOGETHER];
        for (int64_t k = 0; k < some; k++)
            piece_of[k] = at(s, x[from + k], p);
        absa__combine_f32(wide, p->length, some, a + from, piece_of, from == 0 ? b : 1.0,
                          at(s, y, p), p->index, from + some == count ? lanes : NULL);
    }
}

static void combine_f64(const absa__shape *s, const piece *p, int64_t count, const double *a,
                        const void *const *x, double b, void *y, double *lanes)
{
    for (int64_t i = 0; i < count; i++)
        absa__axpby_f64(p->length, a[i], at(s, x[i], p), i == 0 ? b : 1.0, at(s, y, p));
    if (lanes)
        dot(s, p, y, y, lanes);
}

void absa__host_combine(const absa__shape *s, int64_t count, const double *a, const void *const *x,
                        double b, void *y, double *square)
{
    pairwise sum;
    const int wide = width_of(s);
    double *lanes = square ? sum.lanes : NULL;
    clear_lanes(&sum);
    piece p = {0};
    while (next_piece(s, &p)) {
        if (s->element == ABSA_ELEMENT_F32)
            combine_f32(s, &p, wide, count, a, x, b, y, lanes);
        else
            combine_f64(s, &p, count, a, x, b, y, lanes);
        if (square && ends_block(s, &p))
            close_block(&sum, p.index / ABSA__BLOCK);
    }
    if (square)
        *square = total(&sum, blocks_of(s));
}

void absa__host_gaussian(const absa__shape *s, uint64_t seed, uint64_t stream, void *y)
{
    piece p = {0};
    while (next_piece(s, &p)) {
        if (s->element == ABSA_ELEMENT_F64)
            absa_random_gaussian_f64(seed, stream, s->first + p.index, p.length, at(s, y, &p));
        else
            absa_random_gaussian_f32(seed, stream, s->first + p.index, p.length, at(s, y, &p));
    }
}

/* Where a walk to element first begins: whole blocks are skipped where segments allow it. */
static piece start_near(const absa__shape *s, int64_t first)
{
    piece p = {0};
    if (!s->segments)
        p.offset = p.index = first - first % ABSA__BLOCK;
    return p;
}

/* Cuts the piece down to what lies in [first, end); returns 0 when nothing does. */
static int clip(piece *cut, const piece *p, int64_t first, int64_t end)
{
    const int64_t from = first > p->index ? first : p->index;
    const int64_t to = end < p->index + p->length ? end : p->index + p->length;
    *cut = *p;
    cut->offset += from - p->index;
    cut->index = from;
    cut->length = to - from;
    return to > from;
}

void absa__host_read(const absa__shape *s, const void *x, int64_t first, int64_t count, double *out)
{
    piece p = start_near(s, first), cut;
    while (p.index + p.length < first + count && next_piece(s, &p)) {
        if (!clip(&cut, &p, first, first + count))
            continue;
        const void *from = at(s, x, &cut);
        for (int64_t i = 0; i < cut.length; i++)
            out[cut.index - first + i] = s->element == ABSA_ELEMENT_F64
                                             ? ((const double *)from)[i]
                                             : (double)((const float *)from)[i];
    }
}

void absa__host_write(const absa__shape *s, int64_t first, int64_t count, const double *in, void *y)
{
    piece p = start_near(s, first), cut;
    while (p.index + p.length < first + count && next_piece(s, &p)) {
        if (!clip(&cut, &p, first, first + count))
            continue;
        void *to = at(s, y, &cut);
        for (int64_t i = 0; i < cut.length; i++) {
            if (s->element == ABSA_ELEMENT_F64)
                ((double *)to)[i] = in[cut.index - first + i];
            else
                ((float *)to)[i] = (float)in[cut.index - first + i];
        }
    }
}

void absa__host_dots_bf16(const absa__shape *s, int64_t count, const uint16_t *const *x,
                          const void *y, double *out, double *squares)
{
    for (int64_t i = 0; i < count; i++)
        squares[i] = 0.0;
    for (int64_t from = 0; from < count; from += MOST_DOTS) {
        const int64_t part = count - from < MOST_DOTS ? count - from : MOST_DOTS;
        pairwise sum[MOST_DOTS];
        for (int64_t i = 0; i < part; i++)
            clear_lanes(&sum[i]);
        piece p = {0};
        while (next_piece(s, &p)) {
            const int close = ends_block(s, &p);
            for (int64_t i = 0; i < part; i++) {
                absa__dot_bf16(p.length, x[from + i] + p.index, at(s, y, &p), p.index, sum[i].lanes,
                               &squares[from + i]);
                if (close)
                    close_block(&sum[i], p.index / ABSA__BLOCK);
            }
        }
        for (int64_t i = 0; i < part; i++)
            out[from + i] = total(&sum[i], blocks_of(s));
    }
}

void absa__host_combine_bf16(const absa__shape *s, int64_t count, const double *a,
                             const uint16_t *const *x, void *y, double *square)
{
    pairwise sum;
    clear_lanes(&sum);
    piece p = {0};
    while (next_piece(s, &p)) {
        void *to = at(s, y, &p);
        for (int64_t i = 0; i < count; i++)
            if (a[i] != 0.0)
                absa__axpy_bf16(p.length, a[i], x[i] + p.index, to);
        if (!square)
            continue;
        dot(s, &p, y, y, sum.lanes);
        if (ends_block(s, &p))
            close_block(&sum, p.index / ABSA__BLOCK);
    }
    if (square)
        *square = total(&sum, blocks_of(s));
}

void absa__host_store_bf16(const absa__shape *s, double a, const void *x, uint16_t *y)
{
    piece p = {0};
    while (next_piece(s, &p))
        absa__store_bf16(p.length, a, at(s, x, &p), y + p.index);
}
