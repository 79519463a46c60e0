/** @file
 * The symmetric operator whose eigenvalues are asked for: the host's callbacks behind checks.
 *
 * | the host has                                     | operator                           |
 * |--------------------------------------------------|------------------------------------|
 * | a Hessian-vector product                         | absa_operator_from_hvp()           |
 * | gradients only                                   | absa_operator_from_gradient()      |
 * | outputs and their backward pass; kinks, ReLU     | absa_operator_from_gauss_newton()  |
 * | several probe batches                            | absa_operator_sum() of the above   |
 * | a weight decay that its loss does not contain    | absa_operator_shift() of the above |
 *
 * An operator made of others has their space. The others outlive it, and are not used by anybody
 * else while it computes.
 */
#ifndef ABSA_OPERATOR_H
#define ABSA_OPERATOR_H

#include <absa/context.h>
#include <absa/vector.h>

ABSA_BEGIN_DECLS

/** The operator handle. One thread at a time; must outlive the runs that use it. */
typedef struct absa_operator absa_operator;

/** What a callback returns for the samples it covered. */
enum absa_convention {
    /** Divided by the number of samples. */
    ABSA_CONVENTION_MEAN = 0,
    /** Not divided; the library divides by the number of samples. */
    ABSA_CONVENTION_SUM = 1
};

/**
 * Compute hv = H v, H being the Hessian of the host's loss at a fixed theta on a fixed probe batch.
 *
 * Every call of one run must be the same symmetric matrix: same parameters, same batch, no dropout.
 *
 * @param user          as given to absa_operator_from_hvp()
 * @param v             vector of the space; not to be changed
 * @param[out] hv       vector of the space; holds anything on entry
 * @param[in,out] samples  in: absa_operator_options::samples; out: how many samples the product
 *                      covers. Zero or less is an error, so that an empty loader is never taken
 *                      for a flat loss
 * @return 0, or anything else to stop the run with ABSA_E_CALLBACK
 */
typedef int (*absa_hvp_fn)(void *user, const void *v, void *hv, int64_t *samples);

/**
 * Sum a vector of the space over all processes, in place; every process gets the same bits.
 *
 * @param user  absa_operator_options::reduce_user
 * @param y     vector of the space
 * @return 0, or anything else to stop the run
 */
typedef int (*absa_reduce_vector_fn)(void *user, void *y);

/** What absa_operator_from_hvp() takes beside the callback. */
typedef struct absa_operator_options {
    size_t struct_size;                  /**< sizeof(absa_operator_options) */
    int64_t samples;                     /**< what *samples holds when the callback is entered; 1 */
    int32_t convention;                  /**< one of enum absa_convention; ABSA_CONVENTION_MEAN */
    int32_t reserved0;                   /**< 0 */
    absa_reduce_vector_fn reduce_vector; /**< required when the space is REPLICATED, else NULL */
    void *reduce_user;                   /**< handed to reduce_vector */
} absa_operator_options;

/**
 * Fill @p options with the defaults: a mean, one process.
 *
 * @param options  struct of the caller
 * @param size     sizeof *options as the caller was compiled. Threads: any. Since 0.1.
 */
ABSA_API void absa_operator_options_init(absa_operator_options *options, size_t size);

/**
 * Make an operator from a Hessian-vector product.
 *
 * @param context  the context
 * @param space    the space of v and hv; copied
 * @param hvp      the product
 * @param user     handed to hvp; outlives the operator
 * @param options  copied; NULL for the defaults
 * @param[out] out the operator, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL or an impossible field; the message names it. A replicated space
 *                         without reduce_vector, or any other space with one, is refused here:
 *                         mixing the two up gives a plausible wrong number
 * @retval ABSA_E_ABI      options or space were not filled by their _init function
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_operator_from_hvp(absa_context *context, const absa_space *space,
                                            absa_hvp_fn hvp, void *user,
                                            const absa_operator_options *options,
                                            absa_operator **out);

/** @name From gradients
 * H v is the change of the gradient along v, taken over a finite step. Right to about 1e-4 for
 * smooth networks in single precision; over the kinks of ReLU it depends on the step, which the
 * estimator measures and says (absa_eigen_result::heuristic).
 * @{ */

/**
 * Compute the gradient of the host's loss at @p theta, on a fixed probe batch.
 *
 * Every call of one run must be the same function of theta: same batch, no dropout, batch
 * normalisation by running statistics.
 *
 * @param user          as given at creation
 * @param theta         the vector given at creation, moved by the library; not to be changed
 * @param[out] g        vector of the space; holds anything on entry
 * @param[in,out] samples  as for absa_hvp_fn
 * @return 0, or anything else to stop the run with ABSA_E_CALLBACK
 */
typedef int (*absa_gradient_fn)(void *user, const void *theta, void *g, int64_t *samples);

/** How differences are taken. */
enum absa_scheme {
    /** (g(theta + h v) - g(theta - h v)) / 2h: two gradients a product, an error of order h^2. */
    ABSA_SCHEME_CENTRAL = 0,
    /** (g(theta + h v) - g(theta)) / h: one gradient a product and one a run, an error of order h.
     */
    ABSA_SCHEME_FORWARD = 1
};

/** What absa_operator_from_gradient() takes beside the callback. */
typedef struct absa_difference_options {
    size_t struct_size; /**< sizeof(absa_difference_options) */
    int32_t scheme;     /**< one of enum absa_scheme; CENTRAL */
    int32_t reserved0;  /**< 0 */
    double step;        /**< how far theta is moved, |h v| / |theta|, in (0, 1]. Smaller: rounding;
                             larger: third derivatives. Kinks want it large. 2.5e-3 */
    double scale;       /**< what step is a part of instead of |theta|, finite, above 0; 0: |theta|,
                             and the square root of the number of parameters where theta is 0 */
} absa_difference_options;

/** Fill @p options with the defaults. Threads: any. Since 0.1. */
ABSA_API void absa_difference_options_init(absa_difference_options *options, size_t size);

/**
 * Make an operator from gradients.
 *
 * A product moves @p theta itself, so that hosts whose gradient reads parameters from one place
 * need no copy, and restores it bit for bit from a snapshot, also when a callback fails. Keeps two
 * vectors.
 *
 * @param context      the context
 * @param space        the space of theta and g; copied
 * @param theta        the host's parameters, a vector of the space, writable; outlives the operator
 * @param gradient     the gradient
 * @param user         handed to gradient; outlives the operator
 * @param differences  copied; NULL for the defaults
 * @param options      copied; NULL for the defaults
 * @param[out] out     the operator, NULL on failure; the caller destroys it
 * @return as absa_operator_from_hvp()
 *
 * absa_operator_apply() may also fail with ABSA_E_NONFINITE (theta or v holds a NaN or infinity)
 * and ABSA_E_INVALID (the gradients of one product covered different numbers of samples). Since
 * 0.1.
 */
ABSA_API absa_status absa_operator_from_gradient(absa_context *context, const absa_space *space,
                                                 void *theta, absa_gradient_fn gradient, void *user,
                                                 const absa_difference_options *differences,
                                                 const absa_operator_options *options,
                                                 absa_operator **out);

/** @} */

/** @name Gauss-Newton
 * G v = 1/N sum_i J_i' L_i J_i v, J being the derivative of the network's outputs in theta and L
 * the Hessian of the loss in the outputs (N. Schraudolph, "Fast curvature matrix-vector products
 * for second-order gradient descent", Neural Computation 14, 2002). What H has beside it vanishes
 * where the residuals do. It has no negative eigenvalues and no trouble with kinks, for J v is a
 * difference of outputs, not of gradients.
 * @{ */

/** The loss as a function of one sample's outputs z, and its Hessian in them. */
enum absa_output_loss {
    /** Softmax cross-entropy: L = diag(p) - p p', p = softmax(z). */
    ABSA_OUTPUT_SOFTMAX = 0,
    /** Logistic loss of each output: L = diag(p (1 - p)), p = 1 / (1 + exp(-z)). */
    ABSA_OUTPUT_LOGISTIC = 1,
    /** |z - t|^2 / 2: L = 1. */
    ABSA_OUTPUT_SQUARED = 2,
    /** absa_gauss_newton_options::curvature says. */
    ABSA_OUTPUT_HOST = 3
};

/**
 * Compute the network's outputs (logits) at @p theta on the probe batch.
 *
 * @param user          as given at creation
 * @param theta         the vector given at creation, moved by the library
 * @param[out] z        rows x outputs, row after row, doubles
 * @param[in,out] rows  in: absa_gauss_newton_options::rows; out: rows written, at least 1 and no
 *                      more; the same in every call
 * @return 0, or anything else to stop the run with ABSA_E_CALLBACK
 */
typedef int (*absa_forward_fn)(void *user, const void *theta, double *z, int64_t *rows);

/**
 * Compute g = J' u = sum over rows of J_i' u_i: a backward pass that starts from @p u in place of
 * the loss's gradient in the outputs, summed over rows and not averaged.
 *
 * @param user    as given at creation
 * @param theta   the vector given at creation, as it was
 * @param u       rows x outputs
 * @param rows    rows of u
 * @param[out] g  vector of the space; holds anything on entry
 * @return 0, or anything else to stop the run with ABSA_E_CALLBACK
 */
typedef int (*absa_backward_fn)(void *user, const void *theta, const double *u, int64_t rows,
                                void *g);

/**
 * Compute u_i = L_i w_i for each row i, L_i being the Hessian of the loss in the outputs z_i.
 *
 * @param user    as given at creation
 * @param rows    rows of z, w and u
 * @param z       outputs, rows x outputs
 * @param w       J v, rows x outputs
 * @param[out] u  rows x outputs
 * @return 0, or anything else to stop the run with ABSA_E_CALLBACK
 */
typedef int (*absa_curvature_fn)(void *user, int64_t rows, const double *z, const double *w,
                                 double *u);

/** What absa_operator_from_gauss_newton() takes. Fill with absa_gauss_newton_options_init(), then
 * set rows, outputs, forward and backward. */
typedef struct absa_gauss_newton_options {
    size_t struct_size;          /**< sizeof(absa_gauss_newton_options) */
    int64_t rows;                /**< most rows of the probe batch, at least 1; must be set */
    int64_t outputs;             /**< outputs of the network, at least 1; must be set */
    int32_t loss;                /**< one of enum absa_output_loss; SOFTMAX */
    int32_t reserved0;           /**< 0 */
    double step;                 /**< as absa_difference_options::step; 2.5e-3 */
    double scale;                /**< as absa_difference_options::scale; 0 */
    absa_forward_fn forward;     /**< must be set */
    absa_backward_fn backward;   /**< must be set */
    absa_curvature_fn curvature; /**< for loss HOST, else NULL */
} absa_gauss_newton_options;

/** Fill @p options with the defaults. Threads: any. Since 0.1. */
ABSA_API void absa_gauss_newton_options_init(absa_gauss_newton_options *options, size_t size);

/**
 * Make an operator of Gauss-Newton products from two forward passes and one backward pass each.
 *
 * @param context       the context
 * @param space         the space of theta and g; copied
 * @param theta         as absa_operator_from_gradient(); keeps one vector, and 4 rows outputs
 *                      doubles
 * @param gauss_newton  copied
 * @param user          handed to the callbacks; outlives the operator
 * @param options       samples and convention are not looked at: the rows are the samples; NULL for
 *                      the defaults
 * @param[out] out      the operator, NULL on failure; the caller destroys it
 * @return as absa_operator_from_gradient()
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_operator_from_gauss_newton(absa_context *context, const absa_space *space,
                                                     void *theta,
                                                     const absa_gauss_newton_options *gauss_newton,
                                                     void *user,
                                                     const absa_operator_options *options,
                                                     absa_operator **out);

/** @} */

/** @name Operators of operators
 * @{ */

/**
 * Make the operator of several probe batches together: y = sum w_k H_k x / sum w_k.
 *
 * @param context  the context
 * @param count    how many, at least 1
 * @param parts    one per batch, of equal spaces; the array is copied, the operators outlive the
 *                 sum
 * @param weights  one per part, finite, not negative, not all 0; copied; NULL: the samples that
 *                 each product covered, over all processes
 * @param[out] out the operator, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, a weight out of range, or spaces that differ
 * @retval ABSA_E_MEMORY   no memory; it keeps one vector
 *
 * A product takes one of each part. Since 0.1.
 */
ABSA_API absa_status absa_operator_sum(absa_context *context, int64_t count,
                                       absa_operator *const *parts, const double *weights,
                                       absa_operator **out);

/**
 * Make the operator y = H x + shift x: the term that a weight decay of shift / 2 |theta|^2 adds.
 *
 * @param context  the context
 * @param op       H; outlives the new operator
 * @param shift    finite
 * @param[out] out the operator, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, or a shift that is no number
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_operator_shift(absa_context *context, absa_operator *op, double shift,
                                         absa_operator **out);

/** @} */

/** @name Checking a host's callbacks
 * @{ */

/** What is wrong with an operator, the first of these that holds. */
enum absa_verdict {
    /** One symmetric linear operator, as far as can be seen. */
    ABSA_VERDICT_GOOD = 0,
    /** Products are zero, or do not depend on the vector: the loss is not connected to theta. */
    ABSA_VERDICT_ZERO = 1,
    /** Products hold NaN or infinity. */
    ABSA_VERDICT_NONFINITE = 2,
    /** The same product twice differs: another batch per call, dropout, batch statistics. */
    ABSA_VERDICT_NOT_REPEATABLE = 3,
    /** H (c v) is not c H v: a normalised or clipped vector, a step of fixed size, kinks. */
    ABSA_VERDICT_NOT_SCALING = 4,
    /** H (u + v) is not H u + H v: a term that does not depend on the vector, kinks. */
    ABSA_VERDICT_NOT_ADDITIVE = 5,
    /** u' H v is not v' H u: a term was left out on the way back, or a vector is transposed. */
    ABSA_VERDICT_NOT_SYMMETRIC = 6
};

/** What absa_operator_check() saw; prepare with absa_check_result_init(). The four errors are
 * relative to the length of the products, and NaN where they could not be taken. */
typedef struct absa_check_result {
    size_t struct_size;   /**< sizeof(absa_check_result) */
    double repeatability; /**< |H v - H v again| */
    double scaling;       /**< |H (c v) - c H v| / c for c = 1/8 */
    double additivity;    /**< |H (u + v) - H u - H v| */
    double symmetry;      /**< |u' H v - v' H u| */
    double length;        /**< |H v| / |v| for a random v: the root mean square of the eigenvalues,
                               about */
    double tolerance;     /**< the largest error that passes: by element type, larger for
                               differences */
    int64_t products;     /**< products it took */
    int32_t verdict;      /**< one of enum absa_verdict */
    int32_t reserved0;    /**< 0 */
} absa_check_result;

/** Prepare a result struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_check_result_init(absa_check_result *result, size_t size);

/**
 * Check that an operator is one symmetric linear operator: five products with random vectors.
 *
 * To be called once, when a host's callbacks are new. The answer is the verdict, not the status: a
 * bad operator is found with ABSA_OK. It cannot tell a wrong symmetric operator, a mean that is a
 * sum for example, from a right one.
 *
 * @param op           the operator
 * @param seed         of the random vectors
 * @param[out] result  written on ABSA_OK only
 * @retval ABSA_E_INVALID   a NULL
 * @retval ABSA_E_MEMORY    no memory for five vectors, which are released before it returns
 * @return or what absa_operator_apply() fails with
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_operator_check(absa_operator *op, uint64_t seed,
                                         absa_check_result *result);

/** Return a verdict in plain words, what it is and what usually causes it; never NULL. Threads:
 * any. Since 0.1. */
ABSA_API const char *absa_verdict_text(int32_t verdict);

/** @} */

/** Destroy the operator and set the pointer to NULL; NULL is accepted. Since 0.1. */
ABSA_API void absa_operator_destroy(absa_operator **op);

/**
 * Compute y = H x, checked: callback codes, sample counts, other processes.
 *
 * With a replicated space the products of all processes are summed, weighted by their samples, and
 * divided by the samples of all.
 *
 * @param op     the operator
 * @param x      vector of the space
 * @param[out] y vector of the space, not x; its contents are undefined after a failure
 * @retval ABSA_E_INVALID   a NULL, x == y, or the callback covered no sample
 * @retval ABSA_E_CALLBACK  the callback returned non-zero; see absa_context_callback_code()
 * @retval ABSA_E_PEER      another process failed
 * @retval ABSA_E_BUSY      called from inside this operator's own callback
 *
 * The values of y are not scanned here: a NaN shows in the first dot product. Since 0.1.
 */
ABSA_API absa_status absa_operator_apply(absa_operator *op, const void *x, void *y);

/** Return how many products the operator has computed since it was made. Since 0.1. */
ABSA_API int64_t absa_operator_products(const absa_operator *op);

ABSA_END_DECLS

#endif
