/** @file
 * The symmetric operator whose eigenvalues are asked for: the host's product behind checks.
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
