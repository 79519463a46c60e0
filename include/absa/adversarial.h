/** @file
 * Adversarial inputs: from inputs and the gradient of the loss in them to perturbed inputs.
 *
 * Pure functions over the host's arrays: no handle, no allocation, no state. The host computes the
 * gradient of each row's loss in its input and must keep to this:
 * - the true labels, not the network's own predictions (they leak);
 * - batch norm and dropout in evaluation mode during the attack, each layer's own mode restored;
 * - parameter gradients and random numbers of the training untouched by it.
 *
 * Sizes are in the units the network sees: when inputs are normalised, use
 * absa_perturb_normalised() to turn a size in pixels into one per channel.
 *
 * FGSM: I. Goodfellow, J. Shlens, C. Szegedy, "Explaining and harnessing adversarial examples",
 * ICLR 2015.
 */
#ifndef ABSA_ADVERSARIAL_H
#define ABSA_ADVERSARIAL_H

#include <absa/vector.h>

ABSA_BEGIN_DECLS

/** What is added to a row x with gradient g, before clipping. */
enum absa_step {
    /** epsilon * sign(g), sign(0) = 0: FGSM. Never moves an element by more than epsilon. */
    ABSA_STEP_SIGN = 0,
    /** epsilon * grad_scale * g: the formula the paper prints; may move further than epsilon. */
    ABSA_STEP_RAW = 1,
    /** epsilon * g / |g| over the row. */
    ABSA_STEP_L2 = 2
};

/** Where the elements of one channel lie in a row. */
enum absa_layout {
    /** Channel by channel (NCHW, or flat with one channel). */
    ABSA_LAYOUT_CHANNELS_FIRST = 0,
    /** All channels of a pixel together (NHWC). */
    ABSA_LAYOUT_CHANNELS_LAST = 1
};

/** How absa_perturb() perturbs. Fill with absa_perturb_options_init(), then change fields. */
typedef struct absa_perturb_options {
    size_t struct_size;            /**< sizeof(absa_perturb_options) */
    int32_t step;                  /**< one of enum absa_step; SIGN */
    int32_t element;               /**< of x, g and out, one of enum absa_element; F32 */
    int32_t layout;                /**< one of enum absa_layout; CHANNELS_FIRST */
    int32_t reserved0;             /**< 0 */
    int64_t row_size;              /**< elements of a row, a multiple of channels; must be set */
    int64_t channels;              /**< at least 1; 1 */
    int64_t x_stride;              /**< elements from row to row of x; 0: row_size */
    int64_t g_stride;              /**< of g; 0: row_size */
    int64_t out_stride;            /**< of out; 0: row_size */
    double epsilon;                /**< size of the step, finite, not negative; 0.005 */
    double lo;                     /**< lower end of the box; -infinity: none; -infinity */
    double hi;                     /**< upper end, at least lo; +infinity: none; +infinity */
    const double *channel_epsilon; /**< one size per channel instead of epsilon; NULL: none */
    const double *channel_lo;      /**< one lower end per channel instead of lo; NULL: none */
    const double *channel_hi;      /**< one upper end per channel instead of hi; NULL: none */
    double grad_scale;             /**< turns g into the gradient of a row's own loss (rows of a
                                        mean, 1 / loss scale); above 0; SIGN and L2 ignore it; 1 */
} absa_perturb_options;

/** Fill @p options with the defaults. Threads: any. Since 0.1. */
ABSA_API void absa_perturb_options_init(absa_perturb_options *options, size_t size);

/** What absa_perturb() saw; set struct_size first, see absa_perturb_result_init(). */
typedef struct absa_perturb_result {
    size_t struct_size; /**< sizeof(absa_perturb_result) */
    int64_t rows_done;  /**< rows written: all, or those before the first bad one */
    int64_t zero_rows;  /**< rows written whose gradient was all zero: the attack had no effect */
    int64_t bad_row;    /**< row of the first NaN or infinity; -1: none */
    int64_t bad_index;  /**< its element in the row; -1: none */
    int32_t bad_in_g;   /**< 1 when it is in g, 0 when in x */
    int32_t reserved0;  /**< 0 */
} absa_perturb_result;

/** Prepare a result struct of the caller. Threads: any. Since 0.1. */
ABSA_API void absa_perturb_result_init(absa_perturb_result *result, size_t size);

/**
 * Perturb @p rows rows: out = clip(x + step, min(lo, x), max(hi, x)).
 *
 * The box is stretched to an x that lies outside, so that such an input is never pushed further out
 * nor pulled in by more than its step (a normalisation round trip leaves -3e-8 where 0 was). With
 * epsilon 0, and where the gradient is 0, the bits of x are copied. Values are rounded to nearest:
 * SIGN may exceed epsilon by half a unit in the last place.
 *
 * @param options     how
 * @param rows        at least 0
 * @param x           clean inputs
 * @param g           gradient of each row's loss in x
 * @param[out] out    perturbed inputs; may be x itself, else must not overlap x or g
 * @param[out] result what was seen, also on failure; NULL: not asked
 * @retval ABSA_E_INVALID    a NULL, or a field out of range
 * @retval ABSA_E_NONFINITE  x or g holds a NaN or infinity: result names the first; rows before it
 *                           are done, it and later rows untouched
 * @retval ABSA_E_ABI        a struct was not filled by its _init function
 *
 * One pass over memory, row by row. Threads: any, also several on parts of one batch. Since 0.1.
 */
ABSA_API absa_status absa_perturb(const absa_perturb_options *options, int64_t rows, const void *x,
                                  const void *g, void *out, absa_perturb_result *result);

/**
 * Fast gradient sign method on contiguous float rows: absa_perturb() with its defaults.
 *
 * @param rows      rows, at least 0
 * @param row_size  elements of a row, at least 1
 * @param x         clean inputs, rows * row_size
 * @param g         gradients, likewise
 * @param epsilon   size of the step, finite, not negative
 * @param lo        lower end of the box; -INFINITY: none
 * @param hi        upper end of the box; INFINITY: none
 * @param[out] out  perturbed inputs; may be x
 * @return as absa_perturb(). Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_fgsm(int64_t rows, int64_t row_size, const float *x, const float *g,
                               double epsilon, double lo, double hi, float *out);

/**
 * Turn a size in pixels of [0, 1] into sizes and boxes per channel of normalised inputs
 * (pixel - mean) / std.
 *
 * @param channels      at least 1
 * @param pixel_epsilon size of the step in pixels, finite, not negative
 * @param mean          per channel, finite
 * @param std           per channel, above 0, finite
 * @param[out] epsilon  pixel_epsilon / std
 * @param[out] lo       (0 - mean) / std
 * @param[out] hi       (1 - mean) / std
 * @retval ABSA_E_INVALID  a NULL or a number out of range; nothing was written
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_perturb_normalised(int64_t channels, double pixel_epsilon,
                                             const double *mean, const double *std, double *epsilon,
                                             double *lo, double *hi);

ABSA_END_DECLS

#endif
