/* Thick restart: when the slots are full, the basis shrinks to its best Ritz vectors and the
 * residual vector, and the recurrence goes on from there (K. Wu, H. Simon, "Thick-restart Lanczos
 * method for large symmetric eigenvalue problems", SIAM J. Matrix Anal. Appl. 22, 2000). The
 * recurrence itself is lanczos.c's; here is what differs: the projected matrix, the certificate
 * through restarts, and the change of basis.
 *
 * The certificate needs <q, u> / <q1, u> for the basis vectors as functions of u's eigenvalue x.
 * For the residual vector that is a polynomial whose roots are all Ritz values that were thrown
 * away and the current ones, divided by the product of all beta; for a Ritz vector it is beta s /
 * (x - theta) times that, s being the last component of its coefficients. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"
#include "eigen/bounds.h"
#include "linalg/dense.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Parts of e->dense, for a basis of at most m = slots - 1 vectors. */
typedef struct parts {
    double *matrix;  /* m x m; between steps the eigenvectors' coefficients wanted by a restart */
    double *vectors; /* m x m, columns are the eigenvectors */
    double *values;  /* m, ascending */
} parts;

static parts parts_of(const absa_eigen *e)
{
    const int64_t m = e->slots - 1;
    return (parts){e->dense, e->dense + m * m, e->dense + 2 * m * m};
}

int64_t absa__restart_doubles(int32_t memory, int64_t slots, int64_t max_products)
{
    const int64_t m = slots - 1;
    return memory == ABSA_MEMORY_RESTART ? 2 * m * m + 3 * m + max_products : 0;
}

void absa__restart_layout(absa_eigen *e)
{
    const int64_t m = e->slots - 1;
    e->kept_value = e->dense ? e->dense + 2 * m * m + m : NULL;
    e->arrow = e->dense ? e->kept_value + m : NULL;
    e->roots = e->dense ? e->arrow + m : NULL;
}

/* The projected matrix of the k basis vectors: kept Ritz values with an arrow to the vector behind
 * them, then the recurrence. Returns its norm (largest row sum, last beta included). */
static double projection(const absa_eigen *e, int64_t k, double *t)
{
    const int64_t p = e->held, from = e->steps - (k - p);
    double norm = 0.0;
    memset(t, 0, (size_t)(k * k) * sizeof *t);
    for (int64_t i = 0; i < p; i++) {
        t[i * k + i] = e->kept_value[i];
        t[i * k + p] = t[p * k + i] = e->arrow[i];
    }
    for (int64_t i = p; i < k; i++) {
        t[i * k + i] = e->alpha[from + i - p];
        if (i + 1 < k)
            t[i * k + i + 1] = t[(i + 1) * k + i] = e->beta[from + i - p];
    }
    for (int64_t i = 0; i < k; i++) {
        double row = i == k - 1 ? e->beta[e->steps - 1] : 0.0;
        for (int64_t j = 0; j < k; j++)
            row += fabs(t[i * k + j]);
        norm = fmax(norm, row);
    }
    return norm;
}

double absa__restart_solve(absa_eigen *e, int *failed)
{
    const parts w = parts_of(e);
    const double norm = projection(e, e->have, w.matrix);
    *failed = absa__dense_eigen(e->have, w.matrix, w.values, w.vectors);
    return norm;
}

/* x - theta, positive: rounding may put a root of another step on x itself. */
static double above(double x, double theta)
{
    return fmax(x - theta, DBL_EPSILON * fabs(x) + DBL_MIN);
}

double absa__restart_log_sum(const absa_eigen *e, double sign, double x)
{
    const int64_t k = e->have;
    const parts w = parts_of(e);
    const double beta = e->beta[e->steps - 1];
    double log_phi = 0.0, sum = 1.0;
    for (int64_t i = 0; i < e->steps - k; i++)
        log_phi += log(above(x, sign * e->roots[i]));
    for (int64_t i = 0; i < k; i++) {
        const double gap = above(x, sign * w.values[i]);
        const double part = beta * w.vectors[(k - 1) * k + i] / gap;
        log_phi += log(gap);
        sum += part * part;
    }
    for (int64_t i = 0; i < e->steps; i++)
        log_phi -= log(e->beta[i]);
    return 2.0 * log_phi + log(sum);
}

double absa__restart_bound(const absa_eigen *e, double sign, double scale)
{
    const int64_t k = e->have;
    const parts w = parts_of(e);
    const double theta = sign > 0.0 ? w.values[k - 1] : -w.values[0];
    const double limit = -2.0 * log(e->delta);
    /* S may be above the limit from the first representable x on: then that x is the bound. */
    double step = scale * 0x1p-50, low = theta;
    while (!(absa__restart_log_sum(e, sign, theta + step) > limit)) {
        low = theta + step;
        step *= 2.0;
        if (!isfinite(theta + step))
            return HUGE_VAL;
    }
    double high = theta + step;
    for (;;) {
        const double middle = low + 0.5 * (high - low);
        if (middle <= low || middle >= high || high - low <= 1e-9 * (high - theta))
            return high;
        if (absa__restart_log_sum(e, sign, middle) > limit)
            high = middle;
        else
            low = middle;
    }
}

void absa__restart_pair(const absa_eigen *e, double sign, double *value, double *bottom)
{
    const int64_t k = e->have, at = sign > 0.0 ? k - 1 : 0;
    const parts w = parts_of(e);
    *value = w.values[at];
    *bottom = w.vectors[(k - 1) * k + at];
}

void absa__restart_components(const absa_eigen *e, double *out)
{
    const int64_t k = e->have, at = e->low_is_main ? 0 : k - 1;
    const parts w = parts_of(e);
    for (int64_t i = 0; i < k; i++)
        out[i] = w.vectors[i * k + at];
}

/* Moves the wanted p of k Ritz pairs to the front of values and vectors, keeping their order, the
 * others behind them: which ends are wanted decides what may be thrown away. */
static int64_t choose(absa_eigen *e, int64_t k)
{
    const parts w = parts_of(e);
    const int32_t which = e->options.which;
    int64_t p = (k + 1) / 2;
    if (p > k - 1)
        p = k - 1;
    const int64_t low = which == ABSA_WHICH_LARGEST ? 0 : which == ABSA_WHICH_SMALLEST ? p : p / 2;
    /* The low ones are at the front already; the p - low largest follow, one swap each. */
    for (int64_t i = low; i < p; i++) {
        const int64_t from = k - p + i;
        const double value = w.values[i];
        w.values[i] = w.values[from];
        w.values[from] = value;
        for (int64_t r = 0; r < k; r++) {
            const double u = w.vectors[r * k + i];
            w.vectors[r * k + i] = w.vectors[r * k + from];
            w.vectors[r * k + from] = u;
        }
    }
    return p;
}

static void swap_slots(absa_eigen *e, int64_t i, int64_t j)
{
    void *slot = e->slot[i];
    const double length = e->length[i];
    e->slot[i] = e->slot[j];
    e->length[i] = e->length[j];
    e->slot[j] = slot;
    e->length[j] = length;
}

/* a (k x p, row stride p) = P'LU with L's largest entries 1 and slots swapped along with rows. */
static void factor(absa_eigen *e, int64_t k, int64_t p, double *a)
{
    for (int64_t c = 0; c < p; c++) {
        int64_t pivot = c;
        for (int64_t r = c + 1; r < k; r++)
            if (fabs(a[r * p + c]) > fabs(a[pivot * p + c]))
                pivot = r;
        if (pivot != c) {
            swap_slots(e, c, pivot);
            for (int64_t j = 0; j < p; j++) {
                const double u = a[c * p + j];
                a[c * p + j] = a[pivot * p + j];
                a[pivot * p + j] = u;
            }
        }
        for (int64_t r = c + 1; r < k; r++) {
            const double f = a[r * p + c] /= a[c * p + c];
            for (int64_t j = c + 1; j < p; j++)
                a[r * p + j] -= f * a[c * p + j];
        }
    }
}

/* The first p slots become the combinations with coefficients a, in place: Q P'L from the front,
 * then U from the back, so that no column is overwritten before its last use. square gets the
 * local squares of the new vectors. */
static absa_status change_basis(absa_eigen *e, int64_t k, int64_t p, double *a, double *square)
{
    const void *const *slot = (const void *const *)e->slot;
    double *column = e->work;
    absa_status status = ABSA_OK;
    factor(e, k, p, a);
    for (int64_t i = 0; i < p && !status; i++) {
        for (int64_t j = i + 1; j < k; j++)
            column[j - i - 1] = a[j * p + i];
        status =
            absa__vector_combine(&e->space, k - 1 - i, column, slot + i + 1, 1.0, e->slot[i], NULL);
    }
    for (int64_t i = p - 1; i >= 0 && !status; i--) {
        for (int64_t j = 0; j < i; j++)
            column[j] = a[j * p + i];
        /* Column 0 has nothing but its own factor; a combination has one term at least. */
        column[i] = 0.0;
        status = absa__vector_combine(&e->space, i > 0 ? i : 1, column, i > 0 ? slot : slot + k,
                                      a[i * p + i], e->slot[i], &square[i]);
    }
    return status;
}

absa_status absa__restart(absa_eigen *e)
{
    const int64_t k = e->have;
    const parts w = parts_of(e);
    const double beta = e->beta[e->steps - 1];
    const int64_t thrown = e->steps - k, p = choose(e, k);
    double *a = w.matrix, *square = e->work + e->options.max_products + 2;
    for (int64_t i = p; i < k; i++)
        e->roots[thrown + i - p] = w.values[i];
    for (int64_t i = 0; i < p; i++) {
        e->kept_value[i] = w.values[i];
        e->arrow[i] = beta * w.vectors[(k - 1) * k + i];
        for (int64_t r = 0; r < k; r++)
            a[r * p + i] = w.vectors[r * k + i] / e->length[r];
    }
    absa_status status = change_basis(e, k, p, a, square);
    status = absa__vector_sum(&e->space, status, square, p);
    if (status)
        return status;
    for (int64_t i = 0; i < p; i++)
        e->length[i] = sqrt(square[i]);
    swap_slots(e, p, k);
    e->have = e->held = p;
    return ABSA_OK;
}
