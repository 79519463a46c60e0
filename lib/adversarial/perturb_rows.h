/* Steps and checks over one row, f32 and f64. */
#ifndef ABSA_ADVERSARIAL_PERTURB_ROWS_H
#define ABSA_ADVERSARIAL_PERTURB_ROWS_H

#include <stdint.h>

/* Size and box of a run of elements. */
typedef struct absa__reach {
    double epsilon, lo, hi;
} absa__reach;

/* Index of the first NaN or infinity of x[0..n-1]; -1 when there is none. */
int64_t absa__first_bad_f32(int64_t n, const float *x);
int64_t absa__first_bad_f64(int64_t n, const double *x);

/* Largest magnitude of a row known to be finite. */
double absa__row_largest_f32(int64_t n, const float *g);
double absa__row_largest_f64(int64_t n, const double *g);

/* Euclidean length of a row whose largest magnitude is known and not 0; cannot overflow. */
double absa__row_length_f32(int64_t n, const float *g, double largest);
double absa__row_length_f64(int64_t n, const double *g, double largest);

/* out = clip(x + epsilon sign(g)), elements gap apart. */
void absa__sign_f32(int64_t n, int64_t gap, const float *x, const float *g, absa__reach r,
                    float *out);
void absa__sign_f64(int64_t n, int64_t gap, const double *x, const double *g, absa__reach r,
                    double *out);

/* out = clip(x + factor g), elements gap apart; factor takes the place of epsilon. */
void absa__linear_f32(int64_t n, int64_t gap, const float *x, const float *g, double factor,
                      absa__reach r, float *out);
void absa__linear_f64(int64_t n, int64_t gap, const double *x, const double *g, double factor,
                      absa__reach r, double *out);

#endif
