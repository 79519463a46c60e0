/* Sign steps for one element type. Included by perturb_fast.c with REAL, BITS, ROW, FROM, MOVE and
 * REACH defined, which it takes away again. Conditional expressions, not fmin and fmax, become
 * vector minima and maxima; flags are as wide as elements, so that they stay in vectors. Each loop
 * is written out for out == x: a compiler that cannot tell falls back to scalar code there. */

/* every: 1 with a table, 0 when its first entry is everyone's. */
static inline absa__seen MOVE(int64_t n, int every, const REAL *x, const REAL *restrict g,
                              const REAL *restrict step, const REAL *restrict lo,
                              const REAL *restrict hi, REAL *out)
{
    BITS moved = 0, nonzero = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = every ? i : 0;
        const REAL v = x[i], d = g[i];
        const REAL low = v < lo[k] ? v : lo[k], high = v > hi[k] ? v : hi[k];
        const REAL move = d > 0 ? step[k] : d < 0 ? -step[k] : 0;
        REAL w = v + move;
        w = w > low ? w : low;
        w = w < high ? w : high;
        moved |= w != v;
        nonzero |= d != 0;
        out[i] = w == v ? v : w;
    }
    return (absa__seen){moved != 0, nonzero != 0};
}

static absa__seen FROM(int64_t n, int every, const REAL *x, const REAL *g, const REACH *r,
                       REAL *out)
{
    if (every)
        return x == out ? MOVE(n, 1, out, g, r->step, r->lo, r->hi, out)
                        : MOVE(n, 1, x, g, r->step, r->lo, r->hi, out);
    return x == out ? MOVE(n, 0, out, g, r->step, r->lo, r->hi, out)
                    : MOVE(n, 0, x, g, r->step, r->lo, r->hi, out);
}

static absa__seen ROW(const absa__perturb_plan *plan, const absa__row *row, absa__reach *reach,
                      REACH *fast)
{
    const absa_perturb_options *o = &plan->o;
    const REAL *x = row->x, *g = row->g;
    REAL *out = row->out;
    const int every = plan->shape == ABSA__SHAPE_PATTERN || plan->shape == ABSA__SHAPE_ELEMENTS;
    absa__seen seen = {0, 0};
    for (int64_t first = 0, length; first < o->row_size; first += length) {
        length = absa__piece(plan, first);
        const int64_t filled = every ? length : 1;
        if (absa__reach_fill(plan, first, filled, row->scale, reach))
            for (int64_t k = 0; k < filled; k++) {
                fast->step[k] = (REAL)(plan->factor * reach->epsilon[k]);
                fast->lo[k] = (REAL)reach->lo[k];
                fast->hi[k] = (REAL)reach->hi[k];
            }
        if (plan->shape == ABSA__SHAPE_CONSTANT)
            length = o->row_size;
        else if (plan->shape == ABSA__SHAPE_RUNS)
            length = o->row_size / o->channels;
        const absa__seen part = FROM(length, every, x + first, g + first, fast, out + first);
        seen.moved |= part.moved;
        seen.nonzero |= part.nonzero;
    }
    return seen;
}

#undef REAL
#undef BITS
#undef ROW
#undef FROM
#undef MOVE
#undef REACH
