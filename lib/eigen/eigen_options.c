/* What the host asks of an estimator: defaults, ranges, the memory mode that follows and what it
 * takes. Nothing is allocated here. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"
#include "base/structs.h"

#include <math.h>

enum {
    MOST_PRODUCTS = 1000,
    FEWEST_VECTORS = 3,
    DEFAULT_VECTORS = 8,
    FEWEST_TO_RESTART = 4,
    /* Beyond this a restart saves no products, and its dense eigenproblem begins to cost. */
    MOST_TO_RESTART = 64
};

void absa_eigen_result_init(absa_eigen_result *result, size_t size)
{
    absa_eigen_result r = {0};
    absa__struct_init(result, size, &r, sizeof r);
}

void absa_eigen_options_init(absa_eigen_options *options, size_t size)
{
    absa_eigen_options o = {0};
    o.rule = ABSA_RULE_CHECKED;
    o.memory = ABSA_MEMORY_AUTO;
    o.max_products = 60;
    o.tolerance = 1e-2;
    o.eta = 1e-2;
    absa__struct_init(options, size, &o, sizeof o);
}

void absa_eigen_args_init(absa_eigen_args *args, size_t size)
{
    absa_eigen_args a = {0};
    a.hint_weight = 1.0;
    a.threshold = (double)NAN;
    absa__struct_init(args, size, &a, sizeof a);
}

static int64_t most_vectors(const absa_eigen_options *o)
{
    return o->max_vectors != 0 ? o->max_vectors : DEFAULT_VECTORS;
}

/* The memory mode that AUTO means, and the vectors of any mode. */
int32_t absa__eigen_memory_mode(const absa_eigen_options *o)
{
    if (o->memory != ABSA_MEMORY_AUTO)
        return o->memory;
    if (o->rule == ABSA_RULE_POWER)
        return ABSA_MEMORY_VALUE;
    if (o->max_products + 1 <= most_vectors(o))
        return ABSA_MEMORY_BASIS;
    return most_vectors(o) < FEWEST_TO_RESTART ? ABSA_MEMORY_VALUE : ABSA_MEMORY_RESTART;
}

int64_t absa__eigen_slots(const absa_eigen_options *o, int32_t memory)
{
    const int64_t basis = o->max_products + 1;
    int64_t slots = FEWEST_VECTORS;
    if (memory == ABSA_MEMORY_BASIS && basis > slots)
        slots = basis;
    if (memory == ABSA_MEMORY_RESTART) {
        slots = most_vectors(o) < MOST_TO_RESTART ? most_vectors(o) : MOST_TO_RESTART;
        slots = basis < slots ? basis : slots;
        slots = slots < FEWEST_TO_RESTART ? FEWEST_TO_RESTART : slots;
    }
    return slots;
}

int64_t absa__eigen_work_length(const absa_eigen_options *o)
{
    return 4 * (o->max_products + 2);
}

static absa_status check_options(absa_context *ctx, const absa_eigen_options *o)
{
    if (o->rule < ABSA_RULE_CHECKED || o->rule > ABSA_RULE_DECIDE)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_eigen_options: rule %d is unknown",
                          (int)o->rule);
    if (o->which < ABSA_WHICH_LARGEST || o->which > ABSA_WHICH_BOTH ||
        (o->rule == ABSA_RULE_DECIDE && o->which != ABSA_WHICH_LARGEST))
        return absa__fail(ctx, ABSA_E_INVALID, "absa_eigen_options: which is %d, must be %s",
                          (int)o->which,
                          o->rule == ABSA_RULE_DECIDE ? "LARGEST for DECIDE" : "0 to 3");
    if (o->memory < ABSA_MEMORY_AUTO || o->memory > ABSA_MEMORY_RESTART)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_eigen_options: memory %d is unknown",
                          (int)o->memory);
    if (o->max_products < 1 || o->max_products > MOST_PRODUCTS)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: max_products is %lld, must be 1 to %d",
                          (long long)o->max_products, MOST_PRODUCTS);
    if (o->max_vectors != 0 && o->max_vectors < FEWEST_VECTORS)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: max_vectors is %lld, must be 0 or at least %d",
                          (long long)o->max_vectors, FEWEST_VECTORS);
    if (!(o->tolerance > 0.0 && o->tolerance < 1.0))
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: tolerance is %g, must be above 0 and below 1",
                          o->tolerance);
    if (!(o->eta > 0.0 && o->eta <= 0.5))
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: eta is %g, must be above 0 and at most 0.5", o->eta);
    const int32_t memory = absa__eigen_memory_mode(o);
    if (memory != ABSA_MEMORY_VALUE && o->rule == ABSA_RULE_POWER)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: POWER keeps no basis; memory must be AUTO or VALUE");
    if (o->max_vectors != 0 && absa__eigen_slots(o, memory) > o->max_vectors)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: %s needs %lld vectors for %lld products, "
                          "max_vectors is %lld",
                          memory == ABSA_MEMORY_BASIS ? "BASIS" : "RESTART",
                          (long long)absa__eigen_slots(o, memory), (long long)o->max_products,
                          (long long)o->max_vectors);
    if ((o->keep_hint != 0 && o->keep_hint != 1) || (o->keep_hint && memory == ABSA_MEMORY_VALUE))
        return absa__fail(
            ctx, ABSA_E_INVALID,
            "absa_eigen_options: keep_hint is %d; it must be 0, or 1 with BASIS or RESTART "
            "memory",
            (int)o->keep_hint);
    return ABSA_OK;
}

absa_status absa__eigen_read_options(absa_context *ctx, const absa_eigen_options *given,
                                     absa_eigen_options *o)
{
    absa_eigen_options_init(o, sizeof *o);
    absa_status status =
        given ? absa__struct_read(ctx, "absa_eigen_options", given, o, sizeof *o) : ABSA_OK;
    return status ? status : check_options(ctx, o);
}

absa_status absa_eigen_memory(const absa_space *space, const absa_eigen_options *options,
                              int64_t *vectors, int64_t *bytes)
{
    absa_eigen_options o;
    absa_status status = absa__eigen_read_options(NULL, options, &o);
    absa__space s;
    if (!status)
        status = absa__space_open(NULL, space, &s);
    if (status)
        return status;
    const int64_t slots = absa__eigen_slots(&o, absa__eigen_memory_mode(&o));
    const int64_t each = absa__space_vector_bytes(&s.given);
    if (each > (INT64_MAX - (1 << 20)) / slots)
        return ABSA_E_MEMORY;
    if (vectors)
        *vectors = slots;
    if (bytes)
        *bytes = (int64_t)sizeof(absa_eigen) + slots * (each + (int64_t)sizeof(void *)) +
                 (slots + 2 * o.max_products + absa__eigen_work_length(&o) +
                  absa__restart_doubles(absa__eigen_memory_mode(&o), slots, o.max_products)) *
                     (int64_t)sizeof(double) +
                 s.given.segment_count * (int64_t)sizeof(int64_t);
    return ABSA_OK;
}
