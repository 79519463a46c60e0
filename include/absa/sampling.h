/** @file
 * What another probe batch would have said: means over several probe batches with their standard
 * error and a confidence interval.
 *
 * The interval of a run covers the solver, on the probe batch that it was given. The batch is a
 * sample of the data, and the largest eigenvalue of another one is often 10 to 40 % away, far more
 * than the solver's tolerance. There are two questions, with an answer each:
 *
 * | what is the eigenvalue     | answer                                                         |
 * |----------------------------|----------------------------------------------------------------|
 * | of a batch of this size?   | absa_sampling_run(): a run a batch                             |
 * | of all the data?           | one run on the sum of the batches, absa_operator_sum(), then   |
 * |                            | absa_sampling_quotients() along its eigenvector                |
 *
 * They differ. The largest eigenvalue is a convex function of the matrix, so that its mean over
 * batches lies *above* that of the mean matrix (for the smallest one: below), the more the smaller
 * the batches are. The first answer belongs to whatever compares measurements on batches of one
 * size, as the controller does (absa_controller_observe_sampled()); the second is nearly free of
 * that bias, for the eigenvector of several batches together changes little with any one of them,
 * and along a fixed vector a quotient is linear in the matrix. Both cost about the same products.
 *
 * Batches should be drawn independently from the same data. The intervals are Student's: right when
 * the figures are normal over batches, and near it from some ten batches on.
 */
#ifndef ABSA_SAMPLING_H
#define ABSA_SAMPLING_H

#include <absa/eigen.h>
#include <absa/operator.h>

ABSA_BEGIN_DECLS

/**
 * Make batch number @p batch the one that the next products are computed on.
 *
 * @param user   absa_sampling_options::select_user
 * @param batch  0 to count - 1
 * @return 0, or anything else to stop with ABSA_E_CALLBACK
 */
typedef int (*absa_select_batch_fn)(void *user, int64_t batch);

/** How batches are gone through. Fill with absa_sampling_options_init(), then change fields. */
typedef struct absa_sampling_options {
    size_t struct_size;          /**< sizeof(absa_sampling_options) */
    double confidence;           /**< chance that the interval holds the mean over all batches that
                                      could be drawn, in (0, 0.999999]; 0.95 */
    double target;               /**< end early when half the interval's sampling part is at most
                                      this part of |mean|, 0 or more; 0: go through all batches */
    int64_t least;               /**< batches before target is looked at, at least 2. Few batches
                                      look alike by chance, and stopping there keeps it; 4 */
    absa_select_batch_fn select; /**< called before every batch; NULL: each has its operator */
    void *select_user;           /**< handed to select */
} absa_sampling_options;

/** Fill @p options with the defaults. Threads: any. Since 0.1. */
ABSA_API void absa_sampling_options_init(absa_sampling_options *options, size_t size);

/** A mean over batches. Prepare with absa_sampling_result_init(). */
typedef struct absa_sampling_result {
    size_t struct_size;    /**< sizeof(absa_sampling_result) */
    int64_t batches;       /**< m, that were used */
    double mean;           /**< weighted */
    double deviation;      /**< of one batch from the mean: the square root of
                                m / (m - 1) sum w (x - mean)^2 / sum w */
    double standard_error; /**< of mean: the square root of
                                m / (m - 1) sum (w (x - mean))^2 / (sum w)^2; deviation / sqrt(m)
                                where weights are equal */
    double confidence;     /**< as asked */
    double quantile;       /**< standard errors in half an interval of that confidence: Student's t
                                with m - 1 degrees of freedom */
    double lower;          /**< mean of the runs' lower bounds, or mean where there are none,
                                - quantile standard_error */
    double upper;          /**< mean of the runs' upper bounds, or mean where there are none,
                                + quantile standard_error */
} absa_sampling_result;

/** Prepare a result struct of the caller: zeros, and struct_size = @p size. Threads: any. Since
 * 0.1. */
ABSA_API void absa_sampling_result_init(absa_sampling_result *result, size_t size);

/**
 * Take the mean of one figure per batch: an eigenvalue, a trace, a quotient.
 *
 * @param context     for messages; NULL is accepted
 * @param count       batches, at least 2
 * @param values      one figure per batch
 * @param weights     samples of each batch or anything proportional, above 0; NULL: equal
 * @param confidence  as absa_sampling_options::confidence
 * @param[out] result written on ABSA_OK only
 * @retval ABSA_E_INVALID    a NULL, fewer than two batches, or confidence or a weight out of range
 * @retval ABSA_E_NONFINITE  a value is NaN or infinite; the message has its number
 * @retval ABSA_E_ABI        result was not prepared by its _init function
 *
 * The standard error with weights is that of a ratio of two sums (W. G. Cochran, "Sampling
 * Techniques", 1977, section 6.4). Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_sampling_from_values(absa_context *context, int64_t count,
                                               const double *values, const double *weights,
                                               double confidence, absa_sampling_result *result);

/**
 * Take the mean of finished runs, one per batch.
 *
 * @param context     for messages; NULL is accepted
 * @param count       batches, at least 2
 * @param runs        array of results, all of the same struct_size, which is the array's stride,
 *                    and of the same absa_eigen_options::which
 * @param weights     as in absa_sampling_from_values()
 * @param confidence  as absa_sampling_options::confidence
 * @param[out] mean   NULL: not asked. value, both bounds, and those of the other end: means; eta
 *                    and products: sums, eta at most 1; residuals, inconsistency and peak_vectors:
 *                    the largest; converged and consistent: 1 where they are in all runs;
 *                    heuristic: 1 where it is in one; stop: of the last run that did not converge,
 *                    if any; answer: NONE; the rest is the last run's. Set struct_size
 *                    first
 * @param[out] result of value, with the runs' bounds; written on ABSA_OK only
 * @retval ABSA_E_INVALID  as absa_sampling_from_values(); different which; or a run of DECIDE that
 *                         ended at "not below" and has no value
 * @retval ABSA_E_NONFINITE  the value of a run is NaN or infinite, or one of its bounds NaN
 * @retval ABSA_E_ABI      struct sizes that differ, or a struct that was not prepared
 *
 * The interval of the mean holds the mean of these batches' true eigenvalues with probability
 * 1 - mean->eta; result's holds that of all batches that could be drawn. Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_sampling_from_results(absa_context *context, int64_t count,
                                                const absa_eigen_result *runs,
                                                const double *weights, double confidence,
                                                absa_eigen_result *mean,
                                                absa_sampling_result *result);

/**
 * Run an estimator once per batch: what is the eigenvalue of a batch of this size?
 *
 * @param eigen       the estimator. Every run takes the next stream; with keep_hint a batch starts
 *                    from the eigenvector of the one before, which saves products
 * @param count       most batches, at least 2
 * @param parts       count operators, one per batch; the same one again where select is set
 * @param weights     as in absa_sampling_from_values()
 * @param options     NULL for the defaults
 * @param runs        room for count results; the results of the runs, also when a later one fails.
 *                    Set struct_size of the first; the others get it too
 * @param[out] mean   as in absa_sampling_from_results()
 * @param[out] result as in absa_sampling_from_results(); result->batches tells how many runs there
 *                    were
 * @retval ABSA_E_INVALID   as absa_sampling_from_results(), or an option out of range
 * @retval ABSA_E_CALLBACK  select, or a callback of a run, stopped it
 * @return or what absa_eigen_run() fails with
 *
 * Allocates nothing. DECIDE runs as CERTIFIED: there is no threshold. Over several processes every
 * one calls it with the same count, weights and options. Since 0.1.
 */
ABSA_API absa_status absa_sampling_run(absa_eigen *eigen, int64_t count,
                                       absa_operator *const *parts, const double *weights,
                                       const absa_sampling_options *options,
                                       absa_eigen_result *runs, absa_eigen_result *mean,
                                       absa_sampling_result *result);

/**
 * Take the Rayleigh quotients v' H_k v / v' v of the batches along one vector: how sure is the
 * eigenvalue of all the data?
 *
 * @param eigen       an estimator on the parts' space, for its context and the sums over processes;
 *                    keeps its state
 * @param count       most batches, at least 2
 * @param parts       count operators, those of the absa_operator_sum() that v is an eigenvector of;
 *                    the same one again where select is set
 * @param weights     the sum's
 * @param v           vector of the space: absa_eigen_vector() of the run on the sum
 * @param work        another vector of the space, overwritten
 * @param options     NULL for the defaults
 * @param run         result of the run on the sum, for its bounds; NULL: none
 * @param[out] values room for count quotients
 * @param[out] result of the quotients, with the run's bounds: its mean is the run's value up to
 *                    rounding when no batch was left out; lower and upper are
 *                    run->lower - quantile standard_error and run->upper + quantile standard_error.
 *                    Written on ABSA_OK only
 * @retval ABSA_E_INVALID    as absa_sampling_run(), v is 0, or v and work are one
 * @retval ABSA_E_NONFINITE  a product, or v, held a NaN or infinity
 * @retval ABSA_E_CALLBACK   select, or a callback of a product, stopped it
 * @retval ABSA_E_PEER       another process failed
 * @retval ABSA_E_BUSY       called from inside the estimator's, or an operator's, own callback
 *
 * One product a batch; allocates nothing. The standard error is that of the eigenvalue to first
 * order: a change D of the matrix moves a simple eigenvalue with unit eigenvector v by v'Dv. Of
 * second order, and left out, is the sum over the other eigenpairs (mu, u) of (v'Du)^2 / (lambda -
 * mu): it counts with few batches and for eigenvalues that crowd. Since 0.1.
 */
ABSA_API absa_status absa_sampling_quotients(absa_eigen *eigen, int64_t count,
                                             absa_operator *const *parts, const double *weights,
                                             const void *v, void *work,
                                             const absa_sampling_options *options,
                                             const absa_eigen_result *run, double *values,
                                             absa_sampling_result *result);

ABSA_END_DECLS

#endif
