/* What the host asks of an estimator: defaults, names, ranges, the memory mode that follows and
 * what it takes. Nothing is allocated here. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"
#include "base/named_options.h"
#include "base/structs.h"

#include <math.h>

enum {
    MOST_PRODUCTS = 1000,
    FEWEST_VECTORS = 3,
    DEFAULT_VECTORS = 8,
    WORK_ARRAYS = 6,
    /* Beyond this a restart saves no products for one pair, and its dense eigenproblem begins to
     * cost. */
    MOST_TO_RESTART = 64
};

#define OPTION(kind, name, choices)                                                                \
    {                                                                                              \
#name, offsetof(absa_eigen_options, name), kind, choices, 0, 0                             \
    }

static const absa__option fields[] = {
    OPTION('i', rule, "checked residual certified fixed power decide"),
    OPTION('i', memory, "auto value basis restart two_pass"),
    OPTION('l', max_products, NULL),
    OPTION('l', max_vectors, NULL),
    OPTION('d', tolerance, NULL),
    OPTION('d', eta, NULL),
    OPTION('u', seed, NULL),
    OPTION('i', which, "largest smallest magnitude both"),
    OPTION('i', keep_hint, "0 1"),
    OPTION('l', wanted, NULL),
    OPTION('l', multiplicity, NULL),
    OPTION('i', store, "full bf16"),
};

static const absa__options table = {"the estimator", "absa_eigen_options", fields,
                                    sizeof fields / sizeof fields[0]};

void absa_eigen_result_init(absa_eigen_result *result, size_t size)
{
    absa_eigen_result r = {0};
    absa__struct_init(result, size, &r, sizeof r);
}

void absa_pair_init(absa_pair *pair, size_t size)
{
    absa_pair p = {0};
    absa__struct_init(pair, size, &p, sizeof p);
}

void absa_eigen_options_init(absa_eigen_options *options, size_t size)
{
    absa_eigen_options o = {0};
    o.rule = ABSA_RULE_CHECKED;
    o.memory = ABSA_MEMORY_AUTO;
    o.max_products = 60;
    o.tolerance = 1e-2;
    o.eta = 1e-2;
    o.wanted = 1;
    absa__struct_init(options, size, &o, sizeof o);
}

void absa_eigen_args_init(absa_eigen_args *args, size_t size)
{
    absa_eigen_args a = {0};
    a.hint_weight = 1.0;
    a.threshold = (double)NAN;
    absa__struct_init(args, size, &a, sizeof a);
}

/* Reads options of any age into ours. */
static absa_status read_caller(absa_context *ctx, const absa_eigen_options *given,
                               absa_eigen_options *o)
{
    absa_eigen_options_init(o, sizeof *o);
    const absa_status status =
        given ? absa__struct_read(ctx, "absa_eigen_options", given, o, sizeof *o) : ABSA_OK;
    if (!status && o->wanted == 0)
        o->wanted = 1;
    return status;
}

const char *absa_eigen_options_name(int32_t index)
{
    return absa__options_name(&table, index);
}

absa_status absa_eigen_options_get(absa_context *context, const absa_eigen_options *options,
                                   const char *name, char *buffer, size_t capacity, size_t *size)
{
    absa_eigen_options o;
    if (!options)
        return absa__fail(context, ABSA_E_INVALID, "absa_eigen_options_get: options is NULL");
    const absa_status status = read_caller(context, options, &o);
    return status ? status : absa__options_get(context, &table, &o, name, buffer, capacity, size);
}

absa_status absa_eigen_options_set(absa_context *context, absa_eigen_options *options,
                                   const char *name, const char *value)
{
    absa_eigen_options o;
    if (!options)
        return absa__fail(context, ABSA_E_INVALID, "absa_eigen_options_set: options is NULL");
    absa_status status = read_caller(context, options, &o);
    if (!status)
        status = absa__options_set(context, &table, &o, name, value);
    return status ? status
                  : absa__struct_write(context, "absa_eigen_options", &o, options, sizeof o);
}

/* Pairs that are watched: at both ends together. */
static int64_t watched(const absa_eigen_options *o)
{
    return o->which >= ABSA_WHICH_MAGNITUDE ? 2 * o->wanted : o->wanted;
}

/* Vectors that set-aside pairs take. */
static int64_t set_aside(const absa_eigen_options *o)
{
    return o->multiplicity > 0 ? o->wanted + o->multiplicity : 0;
}

static int64_t fewest_to_restart(const absa_eigen_options *o)
{
    return (o->wanted == 1 ? 4 : watched(o) + 3) + set_aside(o);
}

static int64_t most_vectors(const absa_eigen_options *o)
{
    if (o->max_vectors != 0)
        return o->max_vectors;
    const int64_t several = 2 * watched(o) + 4;
    const int64_t active = o->wanted == 1 || several < DEFAULT_VECTORS ? DEFAULT_VECTORS : several;
    return active + set_aside(o);
}

/* Vectors of the space's element size that a whole basis takes; two stored ones count as one. */
static int64_t whole_basis(const absa_eigen_options *o)
{
    const int64_t full = o->max_products + 1;
    if (o->store == ABSA_STORE_BF16)
        return FEWEST_VECTORS + full / 2;
    return full > FEWEST_VECTORS ? full : FEWEST_VECTORS;
}

int32_t absa__eigen_memory_mode(const absa_eigen_options *o)
{
    if (o->memory != ABSA_MEMORY_AUTO)
        return o->memory;
    if (o->rule == ABSA_RULE_POWER)
        return ABSA_MEMORY_VALUE;
    if (o->store == ABSA_STORE_BF16 || o->max_products + 1 <= most_vectors(o))
        return ABSA_MEMORY_BASIS;
    return o->max_vectors == FEWEST_VECTORS ? ABSA_MEMORY_VALUE : ABSA_MEMORY_RESTART;
}

static int64_t slots_of(const absa_eigen_options *o, int32_t memory)
{
    int64_t slots = most_vectors(o);
    const int64_t whole = whole_basis(o), least = fewest_to_restart(o);
    const int64_t most =
        2 * watched(o) + 6 < MOST_TO_RESTART ? MOST_TO_RESTART : 2 * watched(o) + 6;
    switch (memory) {
    case ABSA_MEMORY_BASIS:
        return o->store == ABSA_STORE_BF16 ? FEWEST_VECTORS : whole;
    case ABSA_MEMORY_RESTART:
        slots = slots < most + set_aside(o) ? slots : most + set_aside(o);
        slots = whole < slots ? whole : slots;
        return slots < least ? least : slots;
    case ABSA_MEMORY_TWO_PASS:
        return FEWEST_VECTORS + 1;
    default:
        return FEWEST_VECTORS;
    }
}

absa__sizes absa__eigen_sizes(const absa_eigen_options *o)
{
    const int32_t memory = absa__eigen_memory_mode(o);
    absa__sizes s = {0};
    s.slots = slots_of(o, memory);
    s.stored = o->store == ABSA_STORE_BF16 ? o->max_products : 0;
    s.room = (s.slots > o->max_products ? s.slots : o->max_products) + 2;
    s.work = WORK_ARRAYS * s.room;
    s.dense = absa__restart_doubles(memory, s.slots, o->max_products);
    if (o->multiplicity > 0 && memory == ABSA_MEMORY_BASIS)
        s.dense = o->wanted * o->max_products;
    /* MAGNITUDE merges two lists into a third. */
    s.pairs = (o->which == ABSA_WHICH_MAGNITUDE ? 3 : 2) * o->wanted + o->multiplicity;
    return s;
}

static absa_status check_numbers(absa_context *ctx, const absa_eigen_options *o)
{
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
    if (o->wanted < 1 || o->wanted > ABSA__MOST_WANTED)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: wanted is %lld, must be 1 to %d",
                          (long long)o->wanted, ABSA__MOST_WANTED);
    if (o->multiplicity < 0 || o->multiplicity > ABSA__MOST_WANTED)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: multiplicity is %lld, must be 0 to %d",
                          (long long)o->multiplicity, ABSA__MOST_WANTED);
    if (o->reserved0 != 0)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_eigen_options: reserved0 is %d, must be 0",
                          (int)o->reserved0);
    return ABSA_OK;
}

/* What fits together. */
static absa_status check_choices(absa_context *ctx, const absa_eigen_options *o)
{
    const int32_t memory = absa__eigen_memory_mode(o);
    const int basis = memory == ABSA_MEMORY_BASIS || memory == ABSA_MEMORY_RESTART;
    const char *wrong = NULL;
    if (o->rule == ABSA_RULE_DECIDE && o->which != ABSA_WHICH_LARGEST)
        wrong = "DECIDE asks for the largest eigenvalue; which must be LARGEST";
    else if (o->rule == ABSA_RULE_POWER && memory != ABSA_MEMORY_VALUE)
        wrong = "POWER keeps no basis; memory must be AUTO or VALUE";
    else if (o->wanted > 1 && (o->rule == ABSA_RULE_POWER || o->rule == ABSA_RULE_DECIDE))
        wrong = "POWER and DECIDE are about one eigenvalue; wanted must be 1";
    else if (o->wanted > 1 && !basis)
        wrong = "wanted above 1 needs BASIS or RESTART memory";
    else if (o->keep_hint && memory == ABSA_MEMORY_VALUE)
        wrong = "keep_hint needs BASIS, RESTART or TWO_PASS memory";
    else if (o->store == ABSA_STORE_BF16 && memory != ABSA_MEMORY_BASIS)
        wrong = "store BF16 needs BASIS memory";
    else if (o->multiplicity && (!basis || o->store != ABSA_STORE_FULL))
        wrong = "multiplicity needs BASIS or RESTART memory, and store FULL";
    else if (o->multiplicity && o->which > ABSA_WHICH_SMALLEST)
        wrong = "multiplicity needs which to be LARGEST or SMALLEST";
    else if (o->multiplicity && (o->rule == ABSA_RULE_FIXED || o->rule == ABSA_RULE_DECIDE))
        wrong = "multiplicity needs a rule that ends with converged pairs: not FIXED, not DECIDE";
    return wrong ? absa__fail(ctx, ABSA_E_INVALID, "absa_eigen_options: %s", wrong) : ABSA_OK;
}

absa_status absa__eigen_read_options(absa_context *ctx, const absa_eigen_options *given,
                                     absa_eigen_options *o)
{
    absa_status status = read_caller(ctx, given, o);
    if (!status)
        status = absa__options_check_choices(ctx, &table, o);
    if (!status)
        status = check_numbers(ctx, o);
    if (!status)
        status = check_choices(ctx, o);
    if (status)
        return status;
    const int32_t memory = absa__eigen_memory_mode(o);
    const int64_t need = o->store == ABSA_STORE_BF16 ? whole_basis(o) : slots_of(o, memory);
    if (o->max_vectors != 0 && need > o->max_vectors)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: %s needs %lld vectors for %lld products, "
                          "max_vectors is %lld",
                          memory == ABSA_MEMORY_BASIS     ? "BASIS"
                          : memory == ABSA_MEMORY_RESTART ? "RESTART"
                                                          : "TWO_PASS",
                          (long long)need, (long long)o->max_products, (long long)o->max_vectors);
    return ABSA_OK;
}

absa_status absa__eigen_check_space(absa_context *ctx, const absa__space *space,
                                    const absa_eigen_options *o)
{
    if (o->store == ABSA_STORE_FULL)
        return ABSA_OK;
    if (space->given.ops)
        return absa__fail(ctx, ABSA_E_UNSUPPORTED,
                          "absa_eigen_options: store BF16 is for vectors in host memory");
    return space->given.element == ABSA_ELEMENT_F32
               ? ABSA_OK
               : absa__fail(ctx, ABSA_E_INVALID,
                            "absa_eigen_options: store BF16 is for spaces of element F32");
}

absa_status absa_eigen_memory(const absa_space *space, const absa_eigen_options *options,
                              int64_t *vectors, int64_t *bytes)
{
    absa_eigen_options o;
    absa_status status = absa__eigen_read_options(NULL, options, &o);
    absa__space s;
    if (!status)
        status = absa__space_open(NULL, space, &s);
    if (!status)
        status = absa__eigen_check_space(NULL, &s, &o);
    if (status)
        return status;
    const absa__sizes sizes = absa__eigen_sizes(&o);
    const int64_t each = absa__space_vector_bytes(&s.given);
    const int64_t half = (s.given.n > 0 ? s.given.n : 1) * (int64_t)sizeof(uint16_t);
    /* Everything but the vectors stays far below this. */
    const int64_t rest = INT64_MAX - (INT64_C(1) << 32);
    if (each > rest / (2 * sizes.slots) || (sizes.stored > 0 && half > rest / (2 * sizes.stored)))
        return ABSA_E_MEMORY;
    if (vectors)
        *vectors = sizes.slots + (sizes.stored + 1) / 2;
    if (bytes)
        *bytes = (int64_t)sizeof(absa_eigen) + sizes.slots * (each + (int64_t)sizeof(void *)) +
                 sizes.stored * (half + (int64_t)sizeof(void *)) +
                 sizes.pairs * (int64_t)sizeof(absa__pair) +
                 (sizes.slots + 2 * o.max_products + sizes.work + sizes.dense) *
                     (int64_t)sizeof(double) +
                 s.given.segment_count * (int64_t)sizeof(int64_t);
    return ABSA_OK;
}
