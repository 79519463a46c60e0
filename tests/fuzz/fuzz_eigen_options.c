/* Any bytes as estimator options and run arguments: refused with a message, or the run ends. */
#include "fuzz.h"

#include <absa/eigen.h>
#include <math.h>

enum { N = 5 };

static int product(void *user, const void *v, void *hv, int64_t *samples)
{
    const double *x = v;
    double *y = hv;
    (void)user;
    (void)samples;
    for (int i = 0; i < N; i++)
        y[i] = (i - 2) * x[i];
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_eigen_options options;
    absa_eigen_args args;
    absa_eigen_result result;
    absa_space space;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    const double hint[N] = {1, 2, 3, 4, 5};

    fuzz_take(&data, &size, &options, sizeof options);
    fuzz_take(&data, &size, &args, sizeof args);
    /* The library cannot check addresses, nor sizes that end beyond the struct or inside a member.
     */
    options.monitor = NULL;
    options.monitor_user = NULL;
    args.hint = args.hint ? hint : NULL;
    options.struct_size = options.struct_size % (sizeof options + 1) & ~(size_t)7;
    args.struct_size = args.struct_size % (sizeof args + 1) & ~(size_t)7;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    absa_eigen_result_init(&result, sizeof result);
    FUZZ_CHECK(absa_operator_from_hvp(ctx, &space, product, NULL, NULL, &op) == ABSA_OK);
    absa_status status = absa_eigen_create(ctx, &space, &options, &eigen);
    FUZZ_CHECK((status == ABSA_OK) == (eigen != NULL));
    if (status == ABSA_OK)
        status = absa_eigen_run(eigen, op, &args, &result);
    FUZZ_CHECK(status == ABSA_OK || *absa_context_message(ctx));
    if (status == ABSA_OK)
        /* The top eigenvalue is 2; a Ritz value is above it by rounding only. */
        FUZZ_CHECK(result.value <= 2 + 1e-12 && result.products <= 1000);
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    fuzz_finish(&f, ctx);
    return 0;
}
