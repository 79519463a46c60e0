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
    const int64_t k = e->have;
    const parts w = parts_of(e);
    const double norm = projection(e, k, w.matrix), beta = e->beta[e->steps - 1];
    *failed = absa__dense_eigen(k, w.matrix, w.values, w.vectors);
    e->ritz_count = k;
    for (int64_t i = 0; i < k; i++) {
        e->ritz[i] = w.values[i];
        e->ritz_residual[i] = beta * fabs(w.vectors[(k - 1) * k + i]);
    }
    return norm;
}

/* x - theta, positive: rounding may put a root of another step on x itself. */
static double above(double x, double theta)
{
    return fmax(x - theta, DBL_EPSILON * fabs(x) + DBL_MIN);
}

/* What log S takes beside x. */
typedef struct sum {
    const absa_eigen *e;
    double sign, log_beta;
} sum;

static sum sum_of(const absa_eigen *e, double sign)
{
    absa__product p = {1.0, 0};
    for (int64_t i = 0; i < e->steps; i++)
        absa__multiply(&p, e->beta[i]);
    return (sum){e, sign, absa__product_log(&p)};
}

static double log_sum(const void *user, double x)
{
    const sum *u = user;
    const absa_eigen *e = u->e;
    const int64_t k = e->have;
    const parts w = parts_of(e);
    const double beta = e->beta[e->steps - 1];
    absa__product phi = {1.0, 0};
    double terms = 1.0;
    for (int64_t i = 0; i < e->steps - k; i++)
        absa__multiply(&phi, above(x, u->sign * e->roots[i]));
    for (int64_t i = 0; i < k; i++) {
        const double gap = above(x, u->sign * w.values[i]);
        const double part = beta * w.vectors[(k - 1) * k + i] / gap;
        absa__multiply(&phi, gap);
        terms += part * part;
    }
    return 2.0 * (absa__product_log(&phi) - u->log_beta) + log(terms);
}

double absa__restart_log_sum(const absa_eigen *e, double sign, double x)
{
    const sum u = sum_of(e, sign);
    return log_sum(&u, x);
}

double absa__restart_bound(const absa_eigen *e, double sign, double scale)
{
    const parts w = parts_of(e);
    const double theta = sign > 0.0 ? w.values[e->have - 1] : -w.values[0];
    const sum u = sum_of(e, sign);
    return absa__sum_root(theta, scale, -2.0 * log(e->delta), log_sum, &u);
}

const double *absa__restart_row(const absa_eigen *e, int64_t j)
{
    return parts_of(e).vectors + j * e->ritz_count;
}

/* Which p of the k Ritz pairs a restart keeps: the wanted ones, so that none makes room for a copy
 * of another, and the outermost of the ends that are asked for. */
static void mark(const absa_eigen *e, int64_t k, int64_t p, unsigned char *keep)
{
    const int32_t which = e->options.which;
    int64_t low = 0, high = k - 1, count = 0;
    memset(keep, 0, (size_t)k);
    for (int64_t i = 0; e->options.wanted > 1 && e->locked == 0 && i < e->now.pairs; i++) {
        count += !keep[e->pair[i].column];
        keep[e->pair[i].column] = 1;
    }
    for (int64_t turn = 0; count < p; turn++) {
        const int top =
            which == ABSA_WHICH_LARGEST || (which != ABSA_WHICH_SMALLEST && turn % 2 == 0);
        const int64_t i = top ? high-- : low++;
        count += !keep[i];
        keep[i] = 1;
    }
}

static void swap_columns(parts w, int64_t k, int64_t i, int64_t j)
{
    const double value = w.values[i];
    w.values[i] = w.values[j];
    w.values[j] = value;
    for (int64_t r = 0; r < k; r++) {
        const double u = w.vectors[r * k + i];
        w.vectors[r * k + i] = w.vectors[r * k + j];
        w.vectors[r * k + j] = u;
    }
}

/* Moves the Ritz pairs that are kept to the front of values and vectors, in their order, the others
 * behind them; returns how many are kept. */
static int64_t choose(absa_eigen *e, int64_t k)
{
    const parts w = parts_of(e);
    unsigned char keep[ABSA__MOST_SLOTS];
    const int both = e->options.which >= ABSA_WHICH_MAGNITUDE;
    /* A fresh start looks for one more pair. */
    const int64_t wanted = e->locked > 0 ? 1 : both ? 2 * e->options.wanted : e->options.wanted;
    /* Two fifths took the fewest products over outliers, gaps, clusters, a semicircle and power
     * laws; a basis of a few vectors needs half of them, or eigenvalues that crowd at the end stop
     * it. */
    int64_t p = k > 6 ? (2 * k + 2) / 5 : (k + 1) / 2;
    if (p < wanted + 1)
        p = wanted + 1;
    if (p > k - 1)
        p = k - 1;
    mark(e, k, p, keep);
    for (int64_t i = 0, from = 0; i < p; i++, from++) {
        while (!keep[from])
            from++;
        if (from != i)
            swap_columns(w, k, i, from);
    }
    return p;
}

/* Two vectors of the basis change places. */
static void swap_slots(absa_eigen *e, int64_t i, int64_t j)
{
    void **slot = e->slot + e->locked;
    double *length = e->length + e->locked;
    void *v = slot[i];
    const double norm = length[i];
    slot[i] = slot[j];
    length[i] = length[j];
    slot[j] = v;
    length[j] = norm;
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

/* In place: Q P'L from the front, then U from the back, so that no column is overwritten before its
 * last use. */
absa_status absa__change_basis(absa_eigen *e, int64_t k, int64_t p, double *a)
{
    void **slot = e->slot + e->locked;
    double *length = e->length + e->locked, *column = e->work, *square = column + e->sizes.room;
    absa_status status = ABSA_OK;
    for (int64_t r = 0; r < k; r++)
        for (int64_t i = 0; i < p; i++)
            a[r * p + i] /= length[r];
    factor(e, k, p, a);
    for (int64_t i = 0; i < p && !status; i++) {
        for (int64_t j = i + 1; j < k; j++)
            column[j - i - 1] = a[j * p + i];
        /* The last column of a square change has nothing below it; a combination has one term. */
        if (i + 1 < k)
            status = absa__vector_combine(&e->space, k - 1 - i, column,
                                          (const void *const *)slot + i + 1, 1.0, slot[i], NULL);
    }
    for (int64_t i = p - 1; i >= 0 && !status; i--) {
        for (int64_t j = 0; j < i; j++)
            column[j] = a[j * p + i];
        column[i] = 0.0;
        status = absa__vector_combine(&e->space, i > 0 ? i : 1, column,
                                      (const void *const *)(i > 0 ? slot : slot + k), a[i * p + i],
                                      slot[i], &square[i]);
    }
    status = absa__vector_sum(&e->space, status, square, p);
    for (int64_t i = 0; i < p && !status; i++)
        length[i] = sqrt(square[i]);
    return status;
}

absa_status absa__restart(absa_eigen *e)
{
    const int64_t k = e->have;
    const parts w = parts_of(e);
    const double beta = e->beta[e->steps - 1];
    const int64_t thrown = e->steps - k, p = choose(e, k);
    for (int64_t i = p; i < k; i++)
        e->roots[thrown + i - p] = w.values[i];
    for (int64_t i = 0; i < p; i++) {
        e->kept_value[i] = w.values[i];
        e->arrow[i] = beta * w.vectors[(k - 1) * k + i];
        for (int64_t r = 0; r < k; r++)
            w.matrix[r * p + i] = w.vectors[r * k + i];
    }
    const absa_status status = absa__change_basis(e, k, p, w.matrix);
    if (status)
        return status;
    swap_slots(e, p, k);
    e->have = e->held = p;
    /* The step that filled the slots had none to spare. */
    const int64_t in = e->locked + p;
    return absa__renew(e, in, in + 1);
}
