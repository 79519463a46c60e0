/** @file
 * Adversarial inputs: from inputs and the gradient of the loss in them to perturbed inputs.
 *
 * Pure functions over the host's arrays: no handle, no allocation, no state, no random numbers but
 * those that a seed of the options names. The host computes the gradient of each row's loss in its
 * input and must keep to this (the guide page "Adversarial inputs" shows how):
 * - the true labels, not the network's own predictions (they leak);
 * - batch norm and dropout in evaluation mode during the attack, each layer's own mode restored;
 * - parameter gradients and random numbers of the training untouched by it.
 *
 * The easiest call is one line:
 *
 * @code
 * absa_fgsm(rows, row_size, x, g, 0.005, 0.0, 1.0, x_adv);
 * @endcode
 *
 * Everything else goes through absa_perturb_options. One step is absa_perturb(); an attack with a
 * random start or several steps is absa_perturb_start() and absa_perturb_step() in the host's own
 * loop, or absa_perturb_run() with a callback for the gradient. absa_selection_count() and its
 * relatives say which rows of a batch to perturb; absa_collapse_check() says when training on
 * single-step inputs has stopped to protect against anything else.
 *
 * Sizes are in the units the network sees: when inputs are normalised, use
 * absa_perturb_normalised() to turn a size in pixels into one per channel.
 *
 * **The result of a step.** x is the clean input, p the point where the gradient g was taken (x
 * itself for a single step), e the element's epsilon, lo' = min(lo, x), hi' = max(hi, x). Then
 *
 *     out = clip(p + step, max(lo', x - e), min(hi', x + e))      SIGN, L2
 *     out = clip(p + step, lo', hi')                              RAW
 *
 * so that an input outside the box (a normalisation round trip leaves -3e-8 where 0 was) is neither
 * pushed further out nor pulled in by more than e. An element whose value does not change keeps its
 * bits: epsilon 0 is a bit-exact copy. A row's result depends on nothing but the row, so any split
 * of a batch over calls, threads and processes gives the same bits.
 *
 * **Rounding.** F32: sizes and box ends are first rounded to single precision. F32 and F64 results
 * are rounded to nearest, which may exceed the ball by half a unit in the last place. F16, BF16, U8
 * and I8 take the nearest value *inside* ball and box, x itself when there is no other; for U8 and
 * I8, sizes and box ends are in stored levels.
 *
 * Sources: FGSM and the raw step: I. Goodfellow, J. Shlens, C. Szegedy, "Explaining and harnessing
 * adversarial examples", ICLR 2015. R+FGSM: F. Tramer et al., "Ensemble adversarial training", ICLR
 * 2018. FFGSM: E. Wong, L. Rice, J. Kolter, "Fast is better than free", ICLR 2020. PGD: A. Madry et
 * al., "Towards deep learning models resistant to adversarial attacks", ICLR 2018.
 */
#ifndef ABSA_ADVERSARIAL_H
#define ABSA_ADVERSARIAL_H

#include <absa/vector.h>

ABSA_BEGIN_DECLS

/** @name Perturbing rows
 * @{ */

/** What is added to a point whose gradient is g. e is the element's epsilon times
 * absa_perturb_options::step_ratio, negative with ABSA_DIRECTION_DESCEND. */
enum absa_step {
    /** e * sign(g), sign(0) = sign(-0) = 0: FGSM. */
    ABSA_STEP_SIGN = 0,
    /** e * grad_scale * g: the formula the paper prints; may move further than epsilon. */
    ABSA_STEP_RAW = 1,
    /** e * g / |g|, |g| being the row's Euclidean length; where epsilon differs between elements,
     * e_i * w_i / |w| with w_i = epsilon_i g_i: the steepest point of that ellipsoid, which for
     * absa_perturb_normalised() is the ball in pixels. In several steps the point is also brought
     * back into this ball around x. */
    ABSA_STEP_L2 = 2
};

/** Which way a step goes. */
enum absa_direction {
    /** Away from the label whose loss was differentiated. */
    ABSA_DIRECTION_ASCEND = 0,
    /** Toward it: targeted attacks, with the loss of the label to be reached. */
    ABSA_DIRECTION_DESCEND = 1
};

/** Where an attack starts; r is the element's epsilon times absa_perturb_options::start_ratio. */
enum absa_start {
    /** At x. */
    ABSA_START_NONE = 0,
    /** x + a uniform number of (-r, r], each element its own: FFGSM and PGD. */
    ABSA_START_UNIFORM = 1,
    /** x + r or x - r, each element its own: R+FGSM. */
    ABSA_START_SIGN = 2,
    /** A uniform point of the L2 ball (ellipsoid) of radius r around x. */
    ABSA_START_L2 = 3
};

/** Named attacks, see absa_perturb_options_attack(). */
enum absa_attack {
    /** One step of the sign. */
    ABSA_ATTACK_FGSM = 0,
    /** One step of the gradient itself. */
    ABSA_ATTACK_RAW = 1,
    /** One step of the gradient brought to length epsilon. */
    ABSA_ATTACK_L2 = 2,
    /** R+FGSM: a random sign of half of epsilon, then a step of the other half. */
    ABSA_ATTACK_RFGSM = 3,
    /** FFGSM: a uniform start, then a step of 1.25 epsilon, brought back into the ball. */
    ABSA_ATTACK_FFGSM = 4,
    /** PGD: a uniform start, then 10 steps of a quarter of epsilon. */
    ABSA_ATTACK_PGD = 5,
    /** PGD in the L2 ball, with a start, a number and a size of steps like those of PGD. */
    ABSA_ATTACK_PGD_L2 = 6
};

/** Element type of inputs and of their gradients. */
enum absa_input {
    /** For gradients: the type of the inputs, but F32 where these are U8 or I8. */
    ABSA_INPUT_SAME = -1,
    /** IEEE single precision; the number of ABSA_ELEMENT_F32. */
    ABSA_INPUT_F32 = 0,
    /** IEEE double precision; the number of ABSA_ELEMENT_F64. */
    ABSA_INPUT_F64 = 1,
    /** IEEE half precision, 16 bits. */
    ABSA_INPUT_F16 = 2,
    /** The upper 16 bits of single precision. */
    ABSA_INPUT_BF16 = 3,
    /** Levels 0 to 255. Not for gradients. */
    ABSA_INPUT_U8 = 4,
    /** Levels -128 to 127. Not for gradients. */
    ABSA_INPUT_I8 = 5
};

/** Where the elements of one channel lie in a row. */
enum absa_layout {
    /** Channel by channel (NCHW, or flat with one channel). */
    ABSA_LAYOUT_CHANNELS_FIRST = 0,
    /** All channels of a pixel together (NHWC). */
    ABSA_LAYOUT_CHANNELS_LAST = 1
};

/**
 * How to perturb. Fill with absa_perturb_options_init(), then change fields; only row_size must be.
 *
 * Arrays are borrowed for the call. Of epsilon, lo and hi each: an element_ array goes before a
 * channel_ array, which goes before the scalar.
 */
typedef struct absa_perturb_options {
    size_t struct_size;            /**< sizeof(absa_perturb_options) */
    int32_t step;                  /**< one of enum absa_step; SIGN */
    int32_t element;               /**< of x, point and out, one of enum absa_input; F32 */
    int32_t layout;                /**< one of enum absa_layout; CHANNELS_FIRST */
    int32_t g_element;             /**< of g, one of enum absa_input; SAME */
    int32_t direction;             /**< one of enum absa_direction; ASCEND */
    int32_t start;                 /**< one of enum absa_start; NONE. absa_perturb() has none */
    int64_t row_size;              /**< elements of a row, a multiple of channels; must be set */
    int64_t channels;              /**< at least 1; 1 */
    int64_t x_stride;              /**< elements from row to row of x; 0: row_size */
    int64_t g_stride;              /**< of g; 0: row_size */
    int64_t out_stride;            /**< of out and point; 0: row_size */
    int64_t mask_stride;           /**< of mask; 0: one mask for all rows */
    double epsilon;                /**< size of the step and of the ball, finite, not negative;
                                        0.005 */
    double lo;                     /**< lower end of the box; -infinity: none; -infinity */
    double hi;                     /**< upper end, at least lo; +infinity: none; +infinity */
    const double *channel_epsilon; /**< one size per channel; NULL: none */
    const double *channel_lo;      /**< one lower end per channel; NULL: none */
    const double *channel_hi;      /**< one upper end per channel; NULL: none */
    const double *element_epsilon; /**< one size per element of a row; NULL: none */
    const double *element_lo;      /**< one lower end per element of a row; NULL: none */
    const double *element_hi;      /**< one upper end per element of a row; NULL: none */
    const double *row_scale;       /**< one factor of epsilon per row, finite, not negative: with
                                        epsilon 1, a size per sample; NULL: 1 */
    const uint8_t *selected;       /**< one byte per row; a row with 0 is copied, its x and g are
                                        not looked at; NULL: all rows are perturbed */
    const uint8_t *mask;           /**< one byte per element; an element with 0 keeps its bits and
                                        does not count in |g|; NULL: all may move */
    double grad_scale;             /**< turns g into the gradient of a row's own loss (rows of a
                                        mean, 1 / loss scale); finite, above 0; SIGN and L2 ignore
                                        it; 1 */
    double step_ratio;             /**< size of a step as a part of epsilon; finite, not negative;
                                        1 */
    double start_ratio;            /**< reach of the random start as a part of epsilon; in [0, 1];
                                        1 */
    int64_t steps;                 /**< steps that absa_perturb_run() makes, at least 1; 1 */
    uint64_t seed;                 /**< of the random start, chosen by the user; 0 */
    int64_t update;                /**< number of the update: another one, other random numbers; at
                                        least 0; 0 */
    const int64_t *ids;            /**< one number per row that stays with the sample wherever it
                                        is processed; NULL: first_id, first_id + 1, ... */
    int64_t first_id;              /**< see ids; 0 */
} absa_perturb_options;

/** Fill @p options with the defaults: FGSM. Threads: any. Since 0.1. */
ABSA_API void absa_perturb_options_init(absa_perturb_options *options, size_t size);

/**
 * Choose a named attack: sets step, start, step_ratio, start_ratio and steps, nothing else.
 *
 * | attack | step | start   | start_ratio | step_ratio | steps |
 * |--------|------|---------|-------------|------------|-------|
 * | FGSM   | SIGN | NONE    | 1           | 1          | 1     |
 * | RAW    | RAW  | NONE    | 1           | 1          | 1     |
 * | L2     | L2   | NONE    | 1           | 1          | 1     |
 * | RFGSM  | SIGN | SIGN    | 0.5         | 0.5        | 1     |
 * | FFGSM  | SIGN | UNIFORM | 1           | 1.25       | 1     |
 * | PGD    | SIGN | UNIFORM | 1           | 0.25       | 10    |
 * | PGD_L2 | L2   | L2      | 1           | 0.25       | 10    |
 *
 * @param options  filled before
 * @param attack   one of enum absa_attack
 * @retval ABSA_E_INVALID  a NULL or an unknown attack; nothing was changed
 * @retval ABSA_E_ABI      options were not filled by absa_perturb_options_init()
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_perturb_options_attack(absa_perturb_options *options, int32_t attack);

/** The array that absa_perturb_result::bad_row is a row of. */
enum absa_perturb_array {
    /** The clean inputs. */
    ABSA_PERTURB_X = 0,
    /** The gradients. */
    ABSA_PERTURB_G = 1,
    /** The point that a step started from. */
    ABSA_PERTURB_POINT = 2
};

/** What was seen; fill with absa_perturb_result_init() first. */
typedef struct absa_perturb_result {
    size_t struct_size;    /**< sizeof(absa_perturb_result) */
    int64_t rows_done;     /**< rows written: all, or those before the first bad one */
    int64_t zero_rows;     /**< rows written whose gradient was zero in every element that may move:
                                the attack had no effect */
    int64_t unmoved_rows;  /**< rows written, not counting those that were not selected, whose
                                every value is that of x */
    int64_t bad_row;       /**< row of the first NaN or infinity; -1: none */
    int64_t bad_index;     /**< its element in the row; -1: none */
    int32_t bad_in;        /**< where it is, one of enum absa_perturb_array */
    int32_t callback_code; /**< what the callback of absa_perturb_run() returned; 0: no failure */
} absa_perturb_result;

/** Prepare a result struct of the caller. Threads: any. Since 0.1. */
ABSA_API void absa_perturb_result_init(absa_perturb_result *result, size_t size);

/**
 * Perturb @p rows rows by one step from x.
 *
 * @param options     how; start, steps and ids are not looked at
 * @param rows        at least 0
 * @param x           clean inputs
 * @param g           gradient of each row's loss in x; must not overlap out
 * @param[out] out    perturbed inputs; may be x itself with the same stride, else must not overlap
 *                    it
 * @param[out] result what was seen, also on failure; NULL: not asked
 * @retval ABSA_E_INVALID    a NULL, a field out of range, out is g, or out is x with another
 *                           stride; nothing was written
 * @retval ABSA_E_NONFINITE  x or g holds a NaN or infinity in a selected row: result names the
 *                           first (of one row, x before g); rows before it are done, it and later
 *                           rows untouched
 * @retval ABSA_E_ABI        a struct was not filled by its _init function
 *
 * One pass over memory: a row is checked, then written while it is in cache; an output of 16 MiB or
 * more goes past the caches where the processor can do that. Threads: any, also several on parts of
 * one batch. Since 0.1.
 */
ABSA_API absa_status absa_perturb(const absa_perturb_options *options, int64_t rows, const void *x,
                                  const void *g, void *out, absa_perturb_result *result);

/**
 * Write the points where an attack starts: x, moved as absa_perturb_options::start says and brought
 * into ball and box.
 *
 * The random numbers of a row are a function of (seed, update, id) alone. With k the first word of
 * Philox(seed; 2, 0) and (w1, w2) = Philox(k; update, id), all 64-bit words, low half first,
 * element i takes number i of the uniform (L2: normal) sequence with seed w1 and stream w2 of
 * absa/random.h; for L2, the radius is r u^(1/n) with u the uniform number n or n + 1, the even
 * one.
 *
 * @param options     how; step, direction, step_ratio, grad_scale and g_* are not looked at
 * @param rows        at least 0
 * @param x           clean inputs
 * @param[out] point  the points, with out_stride; may be x itself with the same stride, but then
 *                    the clean inputs that absa_perturb_step() needs are lost
 * @param[out] result what was seen, also on failure; zero_rows stays 0; NULL: not asked
 * @retval ABSA_E_INVALID    a NULL, a field out of range, or point is x with another stride;
 *                           nothing was written
 * @retval ABSA_E_NONFINITE  as absa_perturb()
 * @retval ABSA_E_ABI        a struct was not filled by its _init function
 *
 * Threads: any, also several on parts of one batch. Since 0.1.
 */
ABSA_API absa_status absa_perturb_start(const absa_perturb_options *options, int64_t rows,
                                        const void *x, void *point, absa_perturb_result *result);

/**
 * Make one step of an attack: move @p point along its gradient, then bring it back into ball and
 * box around the clean x.
 *
 * @code
 * absa_perturb_options_attack(&o, ABSA_ATTACK_PGD);
 * absa_perturb_start(&o, rows, x, point, NULL);
 * for (int64_t k = 0; k < o.steps; k++) {
 *     input_gradient(network, rows, point, labels, g);
 *     absa_perturb_step(&o, rows, x, g, point, NULL);
 * }
 * @endcode
 *
 * @param options       how; start and ids are not looked at
 * @param rows          at least 0
 * @param x             clean inputs; not overlapping point
 * @param g             gradient of each row's loss in point; not overlapping point
 * @param[in,out] point where the attack is, with out_stride
 * @param[out] result   what was seen, also on failure; NULL: not asked
 * @retval ABSA_E_INVALID    a NULL, a field out of range, or point is x or g; nothing was written
 * @retval ABSA_E_NONFINITE  as absa_perturb(); the order within a row is x, g, point
 * @retval ABSA_E_ABI        a struct was not filled by its _init function
 *
 * With point == x in value it does what absa_perturb() does. Threads: any, also several on parts of
 * one batch. Since 0.1.
 */
ABSA_API absa_status absa_perturb_step(const absa_perturb_options *options, int64_t rows,
                                       const void *x, const void *g, void *point,
                                       absa_perturb_result *result);

/**
 * Compute the gradient of each row's loss in the row's input.
 *
 * @param user      the caller's
 * @param rows      rows of the call
 * @param point     where, with out_stride
 * @param[out] g    the gradient, with g_stride; rows that are not selected need not be written
 * @return 0, or anything else to stop with ABSA_E_CALLBACK
 */
typedef int (*absa_input_gradient_fn)(void *user, int64_t rows, const void *point, void *g);

/**
 * Run a whole attack: start, then absa_perturb_options::steps times gradient and step.
 *
 * @param options     how
 * @param rows        at least 0; the callback is not called for 0
 * @param x           clean inputs; not overlapping out
 * @param gradient    computes the gradient at a point
 * @param user        handed to gradient
 * @param g           memory for the gradient, rows of g_stride; its contents are lost
 * @param[out] out    perturbed inputs; unfinished after a failure
 * @param[out] result what the last step saw, also on failure; NULL: not asked
 * @retval ABSA_E_CALLBACK  gradient returned non-zero, which is in result
 * @return otherwise as absa_perturb_step()
 *
 * Threads: any; gradient is called on the caller's. Since 0.1.
 */
ABSA_API absa_status absa_perturb_run(const absa_perturb_options *options, int64_t rows,
                                      const void *x, absa_input_gradient_fn gradient, void *user,
                                      void *g, void *out, absa_perturb_result *result);

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
 * For pixels of 0 to 255, give all three in these units divided by 255. Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_perturb_normalised(int64_t channels, double pixel_epsilon,
                                             const double *mean, const double *std, double *epsilon,
                                             double *lo, double *hi);

/** @} */

/** @name Selecting rows
 * Which rows of a batch of B are perturbed: the first ones, as in the paper
 * (absa_selection_prefix()), or some that a seed chooses (absa_selection_keyed()). Either way the
 * count is one of the whole batch, not of a micro-batch or process, and does not depend on how the
 * batch is split.
 * @{ */

/** How batch * share becomes a whole number. */
enum absa_rounding {
    /** floor(batch * share), as the paper and absa_plan::adversarial_rows. */
    ABSA_ROUNDING_FLOOR = 0,
    /** One more with a probability of what floor cuts off, so that the mean over updates is
     * batch * share; keyed by (seed, update). */
    ABSA_ROUNDING_STOCHASTIC = 1
};

/**
 * Compute how many rows of a batch are perturbed.
 *
 * @param batch      rows of the whole batch, over all micro-batches and processes; 0 to 2^53
 * @param share      gamma, in [0, 1]; the product is taken in double precision
 * @param rounding   one of enum absa_rounding
 * @param seed       for STOCHASTIC; chosen by the user
 * @param update     for STOCHASTIC: number of the update, at least 0
 * @param[out] count 0 to batch
 * @retval ABSA_E_INVALID  a NULL or a number out of range; nothing was written
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_selection_count(int64_t batch, double share, int32_t rounding,
                                          uint64_t seed, int64_t update, int64_t *count);

/**
 * Compute how many of the rows [first, first + rows) are among the first @p count of the batch:
 * these are the first rows of the part.
 *
 * @param count  as from absa_selection_count()
 * @param first  place of the part's first row in the whole batch
 * @param rows   rows of the part
 * @return 0 to rows; 0 when an argument is negative. Threads: any. Since 0.1.
 */
ABSA_API int64_t absa_selection_prefix(int64_t count, int64_t first, int64_t rows);

/**
 * A choice of rows by (seed, update, id): the @ref count samples of the batch with the smallest
 * keys. Fill with absa_selection_init(), set seed, update and count, then absa_selection_keyed().
 *
 * The key of a sample is (w1, w2) = Philox(k; update, id), w1 before w2, with k the first word of
 * Philox(seed; 1, 0); words as in absa_perturb_start().
 */
typedef struct absa_selection {
    size_t struct_size;      /**< sizeof(absa_selection) */
    uint64_t seed;           /**< chosen by the user; 0 */
    int64_t update;          /**< number of the update, at least 0; 0 */
    int64_t count;           /**< rows to choose from the whole batch, at least 0; 0 */
    uint64_t threshold_high; /**< set by absa_selection_keyed(): rows with a key up to this are
                                  chosen */
    uint64_t threshold_low;  /**< see threshold_high */
} absa_selection;

/** Fill @p selection with the defaults: none of the rows. Threads: any. Since 0.1. */
ABSA_API void absa_selection_init(absa_selection *selection, size_t size);

/**
 * Find the threshold that exactly absa_selection::count samples of the batch are below.
 *
 * Every process calls it with the same seed, update and count, and its own samples of the batch.
 * Where each process knows the whole batch, or counts rows by their place in it (ids 0 to B - 1),
 * @p reduce is not needed.
 *
 * @param[in,out] selection  seed, update and count in; the threshold out
 * @param rows         samples of this process in the batch; without reduce: the whole batch
 * @param ids          their numbers, no two alike in the batch; NULL: 0, 1, ..., rows - 1
 * @param reduce       sums over processes; NULL: this process knows the whole batch
 * @param reduce_user  handed to reduce
 * @retval ABSA_E_INVALID   a NULL, a number out of range, count above the batch, an id that
 *                          occurs twice where it matters, or reduce gave what is no count of rows
 * @retval ABSA_E_CALLBACK  reduce failed
 * @retval ABSA_E_PEER      another process failed
 * @retval ABSA_E_ABI       the struct was not filled by its _init function
 *
 * On failure nothing was written. Reads the ids a few times (about log B / 4 reductions of 64
 * doubles). Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_selection_keyed(absa_selection *selection, int64_t rows,
                                          const int64_t *ids, absa_reduce_fn reduce,
                                          void *reduce_user);

/**
 * Mark the chosen ones of some rows: what absa_perturb_options::selected takes.
 *
 * @param selection      from absa_selection_keyed()
 * @param rows           rows of this part of the batch, at least 0
 * @param ids            their numbers; NULL: first_id, first_id + 1, ...
 * @param first_id       see ids
 * @param[out] selected  one byte per row, 1 or 0
 * @param[out] chosen    how many are 1; NULL: not asked
 * @retval ABSA_E_INVALID  a NULL or a number out of range
 * @retval ABSA_E_ABI      the struct was not filled by its _init function
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_selection_rows(const absa_selection *selection, int64_t rows,
                                         const int64_t *ids, int64_t first_id, uint8_t *selected,
                                         int64_t *chosen);

/** @} */

/** @name Watching for collapse
 * Training on single-step inputs may fall, within an epoch and without a sign in its own loss, into
 * a state where the single step no longer raises the loss and several steps raise it without limit
 * ("catastrophic overfitting", Wong, Rice, Kolter 2020). Compare both now and then on a probe
 * batch.
 * @{ */

/** When to call it a collapse. Fill with absa_collapse_options_init(). */
typedef struct absa_collapse_options {
    size_t struct_size; /**< sizeof(absa_collapse_options) */
    double ratio;       /**< how many times the rise under one step the rise under several may be;
                             at least 1; 4 */
    double margin;      /**< rise under several steps that is too small to say anything, in units of
                             the loss; not negative; 0.1 */
    double confidence;  /**< standard errors by which both must be exceeded; not negative; 2 */
} absa_collapse_options;

/** Fill @p options with the defaults. Threads: any. Since 0.1. */
ABSA_API void absa_collapse_options_init(absa_collapse_options *options, size_t size);

/** What absa_collapse_check() found; fill with absa_collapse_result_init() first. */
typedef struct absa_collapse_result {
    size_t struct_size;    /**< sizeof(absa_collapse_result) */
    double one_step_rise;  /**< mean loss under one step less the clean one */
    double many_step_rise; /**< mean loss under several steps less the clean one */
    double excess;         /**< many_step_rise - ratio * max(one_step_rise, 0) */
    double standard_error; /**< of excess; 0 for a single row */
    int32_t collapsed;     /**< 1: collapsed; call absa_controller_adversarial_collapse() */
    int32_t reserved0;     /**< 0 */
} absa_collapse_result;

/** Prepare a result struct of the caller. Threads: any. Since 0.1. */
ABSA_API void absa_collapse_result_init(absa_collapse_result *result, size_t size);

/**
 * Say whether single-step adversarial training has collapsed.
 *
 * It has when several steps raise the loss by more than margin, and by more than ratio times what
 * one step does, both by more than confidence standard errors over the rows. Where the loss is
 * nearly linear in the ball the two rises are alike; after a collapse one step raises it by
 * nothing, or lowers it.
 *
 * @param options      when; NULL: the defaults
 * @param rows         rows of the probe, at least 1; 1 when only means are known
 * @param clean        loss of each row at x
 * @param one_step     under the step of training
 * @param many_steps   under several steps in the same ball (ABSA_ATTACK_PGD)
 * @param[out] result  what was found
 * @retval ABSA_E_INVALID    a NULL or a number out of range
 * @retval ABSA_E_NONFINITE  a loss is a NaN or infinity
 * @retval ABSA_E_ABI        a struct was not filled by its _init function
 *
 * On failure nothing was written. Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_collapse_check(const absa_collapse_options *options, int64_t rows,
                                         const double *clean, const double *one_step,
                                         const double *many_steps, absa_collapse_result *result);

/** @} */

ABSA_END_DECLS

#endif
