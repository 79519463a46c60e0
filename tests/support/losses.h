/* Small losses whose derivatives are known in closed form, as a host would lend them: rows a_i of a
 * data matrix, parameters theta. */
#ifndef ABSA_TEST_LOSSES_H
#define ABSA_TEST_LOSSES_H

#include <absa/operator.h>

enum { LOSS_N = 12, LOSS_ROWS = 30, LOSS_OUTPUTS = 3, LOSS_D = LOSS_N / LOSS_OUTPUTS };

/* A host with its parameters in one place. Callback number fail_at, counted from 1, returns 7; one
 * from nan_at on gives NaN; each from more_at on says that it covered one sample more. */
typedef struct loss_host {
    int32_t element;
    int64_t first, rows;  /* the part of the data that this process has */
    int sum;              /* 1: not divided by the rows */
    int64_t n, offset;    /* the shard of g and theta that this process has */
    double other[LOSS_N]; /* theta where it is not this process's own */
    int64_t calls, fail_at, nan_at, more_at;
    absa_operator *reenter;
    absa_status reentered;
} loss_host;

loss_host loss_whole(int32_t element);

/* Parameters and a direction, of moderate size, in the host's element type. */
void loss_fill(const loss_host *h, void *theta, void *v);

/* 1/m sum log(1 + exp(a_i'theta)), an absa_gradient_fn, and its exact product. */
int loss_gradient(void *user, const void *theta, void *g, int64_t *samples);
void loss_product(const loss_host *h, const void *theta, const void *v, double hv[LOSS_N]);

/* |a_i'theta| in place of the logarithm: nothing but kinks. */
int kinked_gradient(void *user, const void *theta, void *g, int64_t *samples);

/* The outputs z_ik = tanh(b_i'theta_k), theta_k being LOSS_D parameters: absa_forward_fn and
 * absa_backward_fn. */
int outputs_forward(void *user, const void *theta, double *z, int64_t *rows);
int outputs_backward(void *user, const void *theta, const double *u, int64_t rows, void *g);

/* J v, rows x LOSS_OUTPUTS, for checking. */
void outputs_jvp(const loss_host *h, const void *theta, const void *v, double *jv);

double loss_at(const loss_host *h, const void *vector, int64_t i);

/* |want - y| / |want|, y being in the host's element type. */
double loss_error(const loss_host *h, const double want[LOSS_N], const void *y);

#endif
