/** @file
 * The time model of a data-parallel run: how long so many updates and measurements would take on a
 * machine that is described by a handful of constants.
 *
 * Pure functions, for comparing schedules before they are run: count a schedule's updates (a
 * controller that is walked to its end without training does, see absa/controller.h), describe the
 * machine once, and compare totals. A ratio of two totals is a speed-up.
 *
 * Model: "Large Batch Size Training of Neural Networks with Adversarial Training and Second-Order
 * Information", appendix C; the all-reduce is that of R. Thakur, R. Rabenseifner, W. Gropp,
 * "Optimization of collective communication operations in MPICH", 2005. It leaves out what
 * overlaps: communication behind the backward pass, loading of data.
 */
#ifndef ABSA_COST_H
#define ABSA_COST_H

#include <absa/context.h>

ABSA_BEGIN_DECLS

/** How gradients are summed over processes. */
enum absa_collective {
    /** 2 (latency log2(p) + (p - 1) / p * bits / bandwidth). */
    ABSA_COLLECTIVE_RING = 0,
    /** 2 bits / bandwidth: RING for many processes and small latency; 0 for one process. */
    ABSA_COLLECTIVE_BANDWIDTH = 1
};

/** The machine, and what one step costs on it. Fill with absa_cost_options_init(), then change
 * fields. Times are seconds. */
typedef struct absa_cost_options {
    size_t struct_size;          /**< sizeof(absa_cost_options) */
    int64_t processes;           /**< p, at least 1; 1 */
    int64_t parameters;          /**< elements that are summed after each update's backward pass, at
                                      least 0; 0 */
    int64_t parameter_bits;      /**< of one element, 1 to 1024; 32 */
    int32_t collective;          /**< one of enum absa_collective; RING */
    int32_t reserved0;           /**< 0 */
    double latency;              /**< a, of one message; 2e-6 */
    double bandwidth;            /**< 1 / b, bits per second between two processes; 48e9 (6 GB/s) */
    double update_time;          /**< T_comp, computing of one update, whatever its rows; 0 */
    double row_time;             /**< computing of one row on one process, to add to update_time for
                                      machines whose processes do not grow with the batch; 0 */
    double adversarial_row_time; /**< more for a row that is perturbed, on one process; 0 */
    double measurement_time;     /**< T_hess, one measurement of the eigenvalue; 0 */
    double product_time; /**< one Hessian-vector product, its sum over processes included, to
                              add to measurement_time; 0 */
} absa_cost_options;

/** Fill @p options with the defaults: one process, the paper's link constants, computing free.
 *
 * @param options  struct of the caller
 * @param size     sizeof *options as the caller was compiled
 *
 * Threads: any. Since 0.1.
 */
ABSA_API void absa_cost_options_init(absa_cost_options *options, size_t size);

/** What a run consists of. Fill with absa_cost_run_init(), then change fields; none is negative. */
typedef struct absa_cost_run {
    size_t struct_size;       /**< sizeof(absa_cost_run) */
    int64_t updates;          /**< optimiser steps */
    int64_t rows;             /**< rows trained on, over all processes; counts with row_time only */
    int64_t adversarial_rows; /**< how many of them were perturbed */
    int64_t measurements;     /**< measurements of the eigenvalue */
    int64_t products;         /**< products of all measurements; counts with product_time only */
} absa_cost_run;

/** Fill @p run with zeros. Threads: any. Since 0.1. */
ABSA_API void absa_cost_run_init(absa_cost_run *run, size_t size);

/** Where the time goes, in seconds; set struct_size first, see absa_cost_result_init(). */
typedef struct absa_cost_result {
    size_t struct_size; /**< sizeof(absa_cost_result) */
    double allreduce;   /**< T_comm, one sum of the gradient */
    double computing;   /**< of all updates and rows, on the slowest process */
    double exchange;    /**< of all updates: updates * allreduce */
    double measuring;   /**< of all measurements and products */
    double total;       /**< computing + exchange + measuring */
} absa_cost_result;

/** Prepare a result struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_cost_result_init(absa_cost_result *result, size_t size);

/**
 * Estimate how long a run takes.
 *
 * total = updates (update_time + T_comm) + measurements * measurement_time, and the rows and
 * products where their times are set; rows are shared evenly by the processes.
 *
 * @param context      takes the message; may be NULL
 * @param options      the machine
 * @param run          what is run
 * @param[out] result  written on ABSA_OK only
 * @retval ABSA_E_INVALID  a NULL, or a field out of range; the message names it; or a total that no
 *                         double holds
 * @retval ABSA_E_ABI      a struct was not filled by its _init function
 *
 * Threads: any, with contexts of their own. Allocates nothing. Since 0.1.
 */
ABSA_API absa_status absa_cost_estimate(absa_context *context, const absa_cost_options *options,
                                        const absa_cost_run *run, absa_cost_result *result);

ABSA_END_DECLS

#endif
