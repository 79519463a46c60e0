/* A stranger's program: the top eigenvalue of diag(1, 2, 3), through the installed library. C and
 * C++ alike. */
#include <absa/absa.h>
#include <absa/eigen.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int diagonal(void *user, const void *v, void *hv, int64_t *samples)
{
    const double *x = (const double *)v;
    double *y = (double *)hv;
    (void)user;
    (void)samples;
    for (int i = 0; i < 3; i++)
        y[i] = (i + 1) * x[i];
    return 0;
}

int main(void)
{
    absa_context *context = NULL;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_space space;
    absa_eigen_result result;

    if (strcmp(absa_version_string(), ABSA_VERSION_STRING) != 0 ||
        absa_abi_version() != ABSA_ABI_VERSION)
        return 2;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, 3);
    absa_eigen_result_init(&result, sizeof result);
    absa_status status = absa_context_create(NULL, &context);
    if (status == ABSA_OK)
        status = absa_operator_from_hvp(context, &space, diagonal, NULL, NULL, &op);
    if (status == ABSA_OK)
        status = absa_eigen_create(context, &space, NULL, &eigen);
    if (status == ABSA_OK)
        status = absa_eigen_run(eigen, op, NULL, &result);
    if (status != ABSA_OK)
        fprintf(stderr, "%s: %s\n", absa_status_name(status), absa_context_message(context));
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_context_destroy(&context);
    printf("%.6f in [%.6f, %.6f]\n", result.value, result.lower, result.upper);
    /* Three products span the whole space: exact up to rounding. */
    return status == ABSA_OK && fabs(result.value - 3) < 1e-2 && result.upper >= 3 - 1e-12 ? 0 : 1;
}
