/* The sharpness of a loss: the top eigenvalue of the Hessian of a logistic regression, from
 * Hessian-vector products alone. H = 1/N sum_i s_i (1 - s_i) x_i x_i', s_i = 1/(1 + exp(-x_i'w)).
 */
#include <absa/absa.h>

#include <math.h>
#include <stdio.h>

enum { SAMPLES = 2000, FEATURES = 50 };

typedef struct host {
    double x[SAMPLES][FEATURES]; /* the probe batch */
    double w[FEATURES];          /* the parameters, frozen while they are probed */
} host;

static double dot(const double *a, const double *b)
{
    double sum = 0.0;
    for (int j = 0; j < FEATURES; j++)
        sum += a[j] * b[j];
    return sum;
}

/* hv = H v: the one thing the library wants to know about the network. */
static int hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const host *h = user;
    double *out = hv;
    for (int j = 0; j < FEATURES; j++)
        out[j] = 0.0;
    for (int i = 0; i < SAMPLES; i++) {
        const double s = 1.0 / (1.0 + exp(-dot(h->x[i], h->w)));
        const double c = s * (1.0 - s) * dot(h->x[i], v) / SAMPLES;
        for (int j = 0; j < FEATURES; j++)
            out[j] += c * h->x[i][j];
    }
    *samples = SAMPLES;
    return 0;
}

int main(void)
{
    static host h;
    absa_context *ctx = NULL;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_eigen_result r;
    absa_space space;

    absa_random_gaussian_f64(1, 0, 0, SAMPLES * FEATURES, &h.x[0][0]);
    for (int i = 0; i < SAMPLES; i++)
        h.x[i][0] = 3.0 * h.x[i][0] + 1.0; /* one feature that is badly scaled */

    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, FEATURES);
    absa_eigen_result_init(&r, sizeof r);
    if (absa_context_create(NULL, &ctx) ||
        absa_operator_from_hvp(ctx, &space, hvp, &h, NULL, &op) ||
        absa_eigen_create(ctx, &space, NULL, &eigen) || absa_eigen_run(eigen, op, NULL, &r)) {
        fprintf(stderr, "libabsa: %s\n", absa_context_message(ctx));
        return 1;
    }
    printf("top eigenvalue %.4f, in [%.4f, %.4f] with probability %g, %d products\n", r.value,
           r.lower, r.upper, 1.0 - r.eta, (int)r.products);
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
    return 0;
}
