/* The estimator's bytes: magic, format, length, the options and the space they belong to, the run's
 * numbers, what stands behind them, and a CRC; little-endian. Fields are written in the order of a
 * table that only grows at its end; behind them come coefficients, pairs and the vectors that are
 * still needed. Which those are is said here, once for writing and reading. */
#include "eigen/eigen_state.h"

#include <string.h>

const char absa__magic[ABSA__MAGIC_BYTES + 1] = "absa-eig";

#define FIELD(kind, name)                                                                          \
    {                                                                                              \
#name, offsetof(absa_eigen, name), kind                                                    \
    }

const absa__field absa__identity[ABSA__IDENTITY] = {
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
    FIELD('l', options.wanted),
    FIELD('l', options.multiplicity),
    FIELD('i', options.store),
};

const absa__field absa__state[ABSA__STATE] = {
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
    FIELD('l', locked),
    FIELD('l', second_pass),
    FIELD('i', pending_stop),
    FIELD('i', has_vector),
    FIELD('d', drift),
    FIELD('d', hint_weight),
    FIELD('i', now.memory),
    FIELD('i', now.heuristic),
    FIELD('l', now.pairs),
    FIELD('l', now.starts),
    FIELD('d', now.rest_bound),
    FIELD('i', clearing),
    FIELD('u', chain_first),
    FIELD('u', chain_last),
};

int absa__needs_slot(const absa_eigen *e, int64_t i)
{
    const int open = e->phase == ABSA__PHASE_PRODUCT;
    if (!absa__turns(e))
        return open          ? i <= e->locked + e->have
               : e->finished ? i < (e->locked > 0 ? e->locked : e->have)
                             : 0;
    if (i == 3) /* TWO_PASS: the hint, or the eigenvector so far */
        return open ? e->hint_weight > 0.0 || e->second_pass > 0 : e->finished && e->has_vector;
    return open && i < 2 && (i > 0 || e->steps > 0);
}

absa__tail absa__tail_of(const absa_eigen *e)
{
    const int open = e->phase == ABSA__PHASE_PRODUCT;
    absa__tail t = {0};
    t.coefficients = e->steps > e->second_pass ? e->steps : e->second_pass;
    t.restart = e->memory == ABSA_MEMORY_RESTART ? 2 * e->held + e->steps - e->have : 0;
    t.components = open ? e->second_pass : 0;
    t.stored = e->stored && (open || e->finished) ? e->steps : 0;
    for (int64_t i = 0; i < e->slots; i++)
        t.slots += absa__needs_slot(e, i);
    return t;
}

size_t absa__state_element(const absa_eigen *e)
{
    return absa__element_size(e->space.given.element);
}

uint64_t absa__tail_bytes(const absa_eigen *e)
{
    const absa__tail t = absa__tail_of(e);
    const uint64_t n = (uint64_t)e->space.given.n;
    return 8 * (uint64_t)(2 * t.coefficients + t.restart + t.components + t.slots +
                          ABSA__PAIR_NUMBERS * e->now.pairs) +
           (uint64_t)t.slots * n * absa__state_element(e) +
           (uint64_t)t.stored * n * sizeof(uint16_t);
}
