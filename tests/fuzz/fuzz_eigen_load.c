/* Any bytes as a saved estimator. The first byte: its low four bits choose the estimator's mode,
 * bit 4 repairs length and checksum, so that what lies behind them is reached. A state that is
 * accepted must be one that the run goes on from, and that a next run can follow. */
#include "fuzz.h"

#include "base/bytes.h"

#include <absa/eigen.h>
#include <math.h>

enum { N = 6, LENGTH_AT = 12, SMALLEST = 24, MODES = 10, CAPACITY = 1 << 16 };

static const struct {
    int32_t memory, rule, which, store;
    int64_t wanted, multiplicity;
} modes[MODES] = {
    {ABSA_MEMORY_VALUE, ABSA_RULE_CERTIFIED, ABSA_WHICH_LARGEST, 0, 1, 0},
    {ABSA_MEMORY_VALUE, ABSA_RULE_POWER, ABSA_WHICH_LARGEST, 0, 1, 0},
    {ABSA_MEMORY_BASIS, ABSA_RULE_CHECKED, ABSA_WHICH_BOTH, 0, 1, 0},
    {ABSA_MEMORY_RESTART, ABSA_RULE_CERTIFIED, ABSA_WHICH_MAGNITUDE, 0, 1, 0},
    {ABSA_MEMORY_TWO_PASS, ABSA_RULE_CERTIFIED, ABSA_WHICH_SMALLEST, 0, 1, 0},
    {ABSA_MEMORY_BASIS, ABSA_RULE_CERTIFIED, ABSA_WHICH_MAGNITUDE, 0, 2, 0},
    {ABSA_MEMORY_RESTART, ABSA_RULE_CERTIFIED, ABSA_WHICH_LARGEST, 0, 2, 0},
    {ABSA_MEMORY_BASIS, ABSA_RULE_CERTIFIED, ABSA_WHICH_LARGEST, 0, 1, 3},
    {ABSA_MEMORY_RESTART, ABSA_RULE_RESIDUAL, ABSA_WHICH_SMALLEST, 0, 2, 3},
    {ABSA_MEMORY_BASIS, ABSA_RULE_CERTIFIED, ABSA_WHICH_LARGEST, ABSA_STORE_BF16, 2, 0},
};

static int product(void *user, const void *v, void *hv, int64_t *samples)
{
    static const float values[N] = {3, 3, 2, 1, 0, -2};
    const float *x = v;
    float *y = hv;
    (void)user;
    (void)samples;
    for (int i = 0; i < N; i++)
        y[i] = values[i] * x[i];
    return 0;
}

static void repair(unsigned char *bytes, size_t size)
{
    absa__writer length = {bytes + LENGTH_AT, 8, 0}, sum = {bytes + size - 4, 4, 0};
    absa__put_u64(&length, size);
    absa__put_u32(&sum, absa__crc32(0, bytes, size - 4));
}

/* The run ends, well or for a number that is not finite, and everything it gives can be asked. */
static void go_on(absa_context *ctx, absa_eigen *e, absa_operator *op)
{
    absa_eigen_result r;
    absa_pair p;
    float u[N];
    absa_eigen_result_init(&r, sizeof r);
    absa_pair_init(&p, sizeof p);
    for (int run = 0; run < 3; run++) {
        const absa_status status =
            run == 0 ? absa_eigen_continue(e, op, &r) : absa_eigen_run(e, op, NULL, &r);
        FUZZ_CHECK(status == ABSA_OK || status == ABSA_E_STATE || status == ABSA_E_NONFINITE ||
                   status == ABSA_E_INVALID);
        FUZZ_CHECK(status == ABSA_OK || *absa_context_message(ctx));
        const int64_t pairs = absa_eigen_best(e, &r) == ABSA_OK ? r.pairs : 0;
        for (int64_t i = 0; i < pairs; i++) {
            FUZZ_CHECK(absa_eigen_pair(e, i, &p) == ABSA_OK);
            FUZZ_CHECK(p.cluster >= 0 && p.cluster <= i);
            (void)absa_eigen_pair_vector(e, i, u);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char before[CAPACITY], after[CAPACITY];
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_eigen_options o;
    absa_space space;
    absa_operator *op = NULL;
    absa_eigen *e = NULL;
    uint8_t flags;
    size_t before_size, after_size;

    fuzz_take(&data, &size, &flags, 1);
    unsigned char *bytes = malloc(size + 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if ((flags & 16) && size >= SMALLEST)
        repair(bytes, size);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, N);
    absa_eigen_options_init(&o, sizeof o);
    const int mode = (flags & 15) % MODES;
    o.memory = modes[mode].memory;
    o.rule = modes[mode].rule;
    o.which = modes[mode].which;
    o.store = modes[mode].store;
    o.wanted = modes[mode].wanted;
    o.multiplicity = modes[mode].multiplicity;
    o.max_products = 40;
    o.max_vectors = 0;
    o.keep_hint = o.memory != ABSA_MEMORY_VALUE;
    FUZZ_CHECK(absa_operator_from_hvp(ctx, &space, product, NULL, NULL, &op) == ABSA_OK);
    FUZZ_CHECK(absa_eigen_create(ctx, &space, &o, &e) == ABSA_OK);
    FUZZ_CHECK(absa_eigen_start(e, NULL) == ABSA_OK);
    FUZZ_CHECK(absa_eigen_save(e, 1, before, sizeof before, &before_size) == ABSA_OK);
    const absa_status status = absa_eigen_load(e, bytes, size);
    if (status == ABSA_OK) {
        go_on(ctx, e, op);
    } else {
        FUZZ_CHECK(*absa_context_message(ctx));
        FUZZ_CHECK(absa_eigen_save(e, 1, after, sizeof after, &after_size) == ABSA_OK);
        FUZZ_CHECK(before_size == after_size && memcmp(before, after, after_size) == 0);
    }
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    free(bytes);
    fuzz_finish(&f, ctx);
    return 0;
}
