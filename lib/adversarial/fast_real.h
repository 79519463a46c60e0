/* Sign steps for one element type. Included by perturb_fast.c with REAL, BITS (an integer as wide),
 * INFINITE (the bits of infinity), REACH and the names AS_BITS, LOOK, MOVE, CHUNK, WIDE and ROW
 * defined; it takes all of them away again. Written for compilers that make vector code: no branch,
 * no load under a condition, flags as wide as elements, and a copy of each loop for out == x, where
 * a compiler that cannot tell would fall back to scalar code. */

/* Bits order magnitudes as values do, and put infinities and NaNs above all numbers. */
static inline ABSA__ALWAYS_INLINE BITS AS_BITS(REAL value)
{
    BITS bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The plain check of a row. */
static absa__look LOOK(int64_t n, const REAL *x, const REAL *g)
{
    BITS most_x = 0, most_g = 0;
    for (int64_t i = 0; i < n; i++) {
        const BITS size_x = AS_BITS(x[i]) & MAGNITUDE, size_g = AS_BITS(g[i]) & MAGNITUDE;
        most_x = most_x > size_x ? most_x : size_x;
        most_g = most_g > size_g ? most_g : size_g;
    }
    return (absa__look){0, most_x >= INFINITE || most_g >= INFINITE, most_g != 0};
}

/* Writes a run and checks the same run of the next row, which comes from memory meanwhile.
 * every: 1 with a table per element, 0 when its first entry is everyone's. Where the value of x
 * stays, so do its bits: ties go to x, and v - 0 is v even for v = -0. */
static inline ABSA__ALWAYS_INLINE absa__look MOVE(int64_t n, int every, const REAL *x,
                                                  const REAL *restrict g,
                                                  const REAL *restrict next_x,
                                                  const REAL *restrict next_g,
                                                  const REACH *restrict r, REAL *out)
{
    const REAL lo0 = r->lo[0], hi0 = r->hi[0], up0 = r->minus_up[0], down0 = r->minus_down[0];
    BITS moved = 0, most_x = 0, most_g = 0;
    for (int64_t i = 0; i < n; i++) {
        const REAL v = x[i], d = g[i], lo = every ? r->lo[i] : lo0, hi = every ? r->hi[i] : hi0;
        const REAL up = every ? r->minus_up[i] : up0, down = every ? r->minus_down[i] : down0;
        const REAL low = lo < v ? lo : v, high = hi > v ? hi : v;
        const REAL back = d < 0 ? down : 0, move = d > 0 ? up : back;
        REAL w = v - move;
        w = low > w ? low : w;
        w = high < w ? high : w;
        moved |= AS_BITS(w) ^ AS_BITS(v);
        out[i] = w;
        const BITS size_x = AS_BITS(next_x[i]) & MAGNITUDE;
        const BITS size_g = AS_BITS(next_g[i]) & MAGNITUDE;
        most_x = most_x > size_x ? most_x : size_x;
        most_g = most_g > size_g ? most_g : size_g;
    }
    return (absa__look){moved != 0, most_x >= INFINITE || most_g >= INFINITE, most_g != 0};
}

static inline ABSA__ALWAYS_INLINE absa__look BODY(int64_t n, int every, const REAL *x,
                                                  const REAL *g, const REAL *next_x,
                                                  const REAL *next_g, const REACH *r, REAL *out)
{
    if (every)
        return x == out ? MOVE(n, 1, out, g, next_x, next_g, r, out)
                        : MOVE(n, 1, x, g, next_x, next_g, r, out);
    return x == out ? MOVE(n, 0, out, g, next_x, next_g, r, out)
                    : MOVE(n, 0, x, g, next_x, next_g, r, out);
}

static absa__look CHUNK(int64_t n, int every, const REAL *x, const REAL *g, const REAL *next_x,
                        const REAL *next_g, const REACH *r, REAL *out)
{
    return BODY(n, every, x, g, next_x, next_g, r, out);
}

/* The same instructions, twice as wide where the processor has them: the same bits. */
ABSA__WIDE static absa__look WIDE(int64_t n, int every, const REAL *x, const REAL *g,
                                  const REAL *next_x, const REAL *next_g, const REACH *r, REAL *out)
{
    return BODY(n, every, x, g, next_x, next_g, r, out);
}

static absa__look ROW(const absa__perturb_plan *plan, absa__way way, const absa__row *row,
                      const absa__row *next, absa__reach *reach, REACH *fast)
{
    const absa_perturb_options *o = &plan->o;
    const REAL *x = row->x, *g = row->g, *next_x = next->x, *next_g = next->g;
    REAL *out = row->out;
    REAL made[ABSA__BLOCK];
    const int every = plan->shape == ABSA__SHAPE_PATTERN || plan->shape == ABSA__SHAPE_ELEMENTS;
    absa__look seen = {0, 0, 0};
    for (int64_t first = 0, length; first < o->row_size; first += length) {
        length = absa__piece(plan, first);
        const int64_t filled = every ? length : 1;
        if (absa__reach_fill(plan, first, filled, row->scale, reach))
            for (int64_t k = 0; k < filled; k++) {
                const REAL step = (REAL)(plan->factor * reach->epsilon[k]);
                fast->minus_up[k] = 0 - step; /* 0, not -0, for a step of 0 */
                fast->minus_down[k] = 0 + step;
                fast->lo[k] = (REAL)reach->lo[k];
                fast->hi[k] = (REAL)reach->hi[k];
            }
        if (plan->shape == ABSA__SHAPE_CONSTANT)
            length = o->row_size;
        else if (plan->shape == ABSA__SHAPE_RUNS)
            length = o->row_size / o->channels;
        for (int64_t at = first, n; at < first + length; at += n) {
            n = first + length - at < ABSA__BLOCK ? first + length - at : ABSA__BLOCK;
            prefetch(next_x + at, next_g + at, ABSA__BLOCK * sizeof(REAL));
            REAL *to = way.stream ? made : out + at;
            const absa__look part =
                way.wide ? WIDE(n, every, x + at, g + at, next_x + at, next_g + at, fast, to)
                         : CHUNK(n, every, x + at, g + at, next_x + at, next_g + at, fast, to);
            if (way.stream)
                stream(out + at, made, (size_t)n * sizeof(REAL));
            seen.moved |= part.moved;
            seen.bad |= part.bad;
            seen.nonzero |= part.nonzero;
        }
    }
    return seen;
}

#undef REAL
#undef BITS
#undef MAGNITUDE
#undef INFINITE
#undef AS_BITS
#undef REACH
#undef LOOK
#undef MOVE
#undef BODY
#undef CHUNK
#undef WIDE
#undef ROW
