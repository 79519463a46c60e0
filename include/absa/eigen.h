/** @file
 * Extreme eigenvalues of a symmetric operator, with proof: a value, an interval that holds the true
 * eigenvalue with a stated probability, and the products it cost.
 *
 * One product (a Hessian-vector product) costs about two gradients over the probe batch; all else
 * is cheap. So the estimator computes everything it can know after *every* product: Ritz values,
 * residual, lower and upper bound, a meter of the operator's consistency, and whether to stop.
 *
 * **One eigenvalue or several.** absa_eigen_options::wanted asks for the k outermost *distinct*
 * eigenvalues; absa_eigen_pair() gives them one by one. One random start vector sees every distinct
 * eigenvalue once, however often it repeats; how often it does is the matter of
 * absa_eigen_options::multiplicity.
 *
 * **What the certificate says.** The start vector is random, so its part along any one eigenvector
 * is shorter than delta with probability eta only. Whatever eigenvalue x has a part that long
 * satisfies S(x) <= 1 / delta^2, S being a sum of squares that the recurrence gives. So each of the
 * k outermost distinct eigenvalues lies where S is that small, all of them at once with probability
 * 1 - k eta: everywhere else between and beyond the pairs is *excluded*, and nothing there can have
 * been missed. (J. L. M. van Dorsselaer, M. E. Hochstenbach, H. A. van der Vorst, "Computing
 * probabilistic bounds for extreme eigenvalues of symmetric matrices with the Lanczos method", SIAM
 * J. Matrix Anal. Appl. 22, 2000.)
 */
#ifndef ABSA_EIGEN_H
#define ABSA_EIGEN_H

#include <absa/operator.h>

ABSA_BEGIN_DECLS

/** The estimator handle. All memory is taken at creation. One thread at a time. */
typedef struct absa_eigen absa_eigen;

/** When a run stops. Every result carries the whole interval, whatever the rule. */
enum absa_rule {
    /** RESIDUAL, and upper - value <= 5 tolerance |value| at the asked eta. The default. */
    ABSA_RULE_CHECKED = 0,
    /** residual <= tolerance |value|: some eigenvalue is this near. */
    ABSA_RULE_RESIDUAL = 1,
    /** upper - value <= tolerance |value|: nothing above was missed, with probability 1 - eta. */
    ABSA_RULE_CERTIFIED = 2,
    /** Exactly max_products products. */
    ABSA_RULE_FIXED = 3,
    /** Power iteration until the Rayleigh quotient changes by less than tolerance relative to
     * itself, as the paper runs it; for comparison: it proves nothing (upper is +infinity). */
    ABSA_RULE_POWER = 4,
    /** Only whether the largest eigenvalue is below absa_eigen_args::threshold, see enum
     * absa_answer; with a NaN threshold as CERTIFIED. The cheapest rule: "no" usually takes one or
     * two products with a hint, and only a real drop pays for a full estimate. */
    ABSA_RULE_DECIDE = 5
};

/** What DECIDE found. */
enum absa_answer {
    /** Not asked, or the budget ran out before an answer. */
    ABSA_ANSWER_NONE = 0,
    /** The eigenvalue is not below the threshold: certain, whatever was answered before. value is a
     * lower bound, no estimate. */
    ABSA_ANSWER_NOT_BELOW = 1,
    /** It is below, with probability 1 - eta; the run went on to CERTIFIED for the value's sake. */
    ABSA_ANSWER_BELOW = 2,
    /** It is within the tolerance of the threshold; value is as good as CERTIFIED's. */
    ABSA_ANSWER_CLOSE = 3
};

/** Which eigenvalue is asked for. POWER always gives the one of largest magnitude. */
enum absa_which {
    /** The largest. */
    ABSA_WHICH_LARGEST = 0,
    /** The smallest, the most negative one. */
    ABSA_WHICH_SMALLEST = 1,
    /** The one of largest magnitude, with its sign. Both ends are watched, and all rules but
     * RESIDUAL and POWER ask for |value| against the outer bounds of both: an end that was missed
     * is not taken for absent. RESIDUAL asks the same of the other end's residual as of value's,
     * unless the bounds exclude that the other end is the larger one. */
    ABSA_WHICH_MAGNITUDE = 2,
    /** The largest and the smallest; tolerance is relative to the larger magnitude of the two. */
    ABSA_WHICH_BOTH = 3
};

/** What is kept between products. */
enum absa_memory {
    /** BASIS where max_products + 1 vectors fit into max_vectors, else RESTART, or VALUE when
     * max_vectors is 3. POWER: VALUE. Never TWO_PASS, which costs products. */
    ABSA_MEMORY_AUTO = 0,
    /** Three vectors, three-term recurrence: values and bounds, no eigenvector. */
    ABSA_MEMORY_VALUE = 1,
    /** The whole basis, max_products + 1 vectors, fully reorthogonalised: gives the eigenvector. */
    ABSA_MEMORY_BASIS = 2,
    /** max_vectors vectors, 4 to 64 of them (more for many pairs), fully reorthogonalised; a full
     * basis shrinks to its best part and goes on (thick restart). Gives the eigenvector. Beside
     * BASIS, at tolerance 1e-2 (tests/bench/bench_restart.c): 8 vectors take up to a fifth more
     * products, a third more on a semicircle, whose eigenvalues crowd at the end; 12 at most a
     * tenth more; 4 up to four times as many. Smaller tolerances and both ends ask for more
     * vectors. For several pairs the default is 4 vectors and 2 for every pair: a fifth to a third
     * more. */
    ABSA_MEMORY_RESTART = 3,
    /** VALUE's three vectors and the eigenvector, whatever the number of products: once the rule
     * has fired after m products, a second pass of m - 1 products makes the basis anew and adds the
     * eigenvector up. result::products counts both passes, and max_products covers both, so the
     * first takes (max_products + 1) / 2 at most. A monitor's stop ends the run without a vector.
     */
    ABSA_MEMORY_TWO_PASS = 4
};

/** How the vectors of a BASIS are stored. */
enum absa_store {
    /** In the space's element type. */
    ABSA_STORE_FULL = 0,
    /** As bfloat16, for spaces of floats in host memory: two bytes an element, beside VALUE's three
     * vectors. The recurrence itself runs on the three; the stored vectors keep it orthogonal, to
     * 2^-8 or better, so that no value appears twice and the certificate holds. Values and bounds
     * are FULL's but for some roundings of single precision, over 150 products
     * (tests/unit/test_eigen_store.c, tests/property/test_eigen_exclusion.c); a vector is off by up
     * to 2^-8 of itself, and so is |H v - value v| from the stated residual. */
    ABSA_STORE_BF16 = 1
};

/** Why a run ended. */
enum absa_stop {
    /** No run has ended yet. */
    ABSA_STOP_NONE = 0,
    /** The rule that was asked for fired. */
    ABSA_STOP_CONVERGED = 1,
    /** max_products were spent before the rule fired; the result is the best so far. */
    ABSA_STOP_BUDGET = 2,
    /** The monitor asked for it; the result is the best so far. */
    ABSA_STOP_MONITOR = 3,
    /** The basis spans an invariant subspace up to rounding: there is nothing to go on with. Counts
     * as converged, with a value exact up to rounding, where the bounds are closed to half the
     * digits. They stay open where the start may have had no more than rounding of an eigenvector
     * (small eta, many unknowns in single precision), and for an operator too small for its
     * arithmetic, whose first product is not zero but shorter than sqrt(n_global) times FLT_MIN
     * (F32) or 6.7e-139 (F64). FIXED does not ask for closed bounds. */
    ABSA_STOP_EXACT = 4,
    /** DECIDE has its answer without needing a value. Counts as converged. */
    ABSA_STOP_DECIDED = 5
};

/**
 * The answer of a run. Set struct_size with absa_eigen_result_init() before the first use; the
 * library writes no further than that.
 */
typedef struct absa_eigen_result {
    size_t struct_size; /**< sizeof(absa_eigen_result) */
    double value;       /**< the Ritz value asked for; never beyond the true eigenvalues but for
                             rounding */
    double lower;       /**< LARGEST: the largest eigenvalue is at least this, for certain;
                             SMALLEST: the smallest is at least this with probability 1 - eta;
                             -infinity: no bound. POWER: the certain one of the two by value's sign,
                             the other is infinite */
    double upper;       /**< LARGEST: the largest eigenvalue is at most this with probability
                             1 - eta; SMALLEST: the smallest is at most this, for certain;
                             +infinity: no bound */
    double eta;         /**< chance that any bound here is wrong, over the random starts: the asked
                             one times wanted, twice that where both ends are bounded, and once
                             more for every fresh start; at most 1 */
    double residual;    /**< |H v - value v| for the unit Ritz vector v, as the recurrence gives it
                         */
    double inconsistency;  /**< how far the products were from one symmetric matrix, beyond what
                                rounding explains, relative to |value|; above tolerance / 2 the
                              bounds are void (see consistent) */
    double other_value;    /**< MAGNITUDE and BOTH: the Ritz value of the other end, else NaN */
    double other_lower;    /**< its lower bound */
    double other_upper;    /**< its upper bound */
    double other_residual; /**< its residual */
    int32_t stop;          /**< one of enum absa_stop */
    int32_t converged;     /**< 1 when the rule that was asked for fired, or the value is exact as
                                ABSA_STOP_EXACT says */
    int32_t consistent;    /**< 0 when the operator changed between products (new batch, dropout,
                                kinks): lower and upper prove nothing then */
    int32_t rule;          /**< the rule that was asked for, one of enum absa_rule */
    int32_t which;         /**< what was asked for, one of enum absa_which */
    int32_t answer;        /**< DECIDE: one of enum absa_answer */
    int64_t products;      /**< products spent by this run */
    int64_t peak_vectors;  /**< vectors held at most */
    uint64_t stream;       /**< random stream of the start vector */
    int32_t memory;        /**< what was kept, one of enum absa_memory but AUTO */
    int32_t heuristic;     /**< 1: the operator is made of differences. lower and upper are widened
                                by three times the inconsistency and by what half the step changes
                                value by (one more product, beyond max_products), and prove nothing;
                                infinite where no vector is kept. consistent is 0 above an
                                inconsistency of 0.2 only */
    int64_t pairs;         /**< pairs that absa_eigen_pair() gives: the wanted ones, fewer while the
                                run is young or when the operator has no more */
    int64_t starts;        /**< random start vectors of this run: 1, and the fresh ones of
                                multiplicity */
    double rest_bound;     /**< multiplicity: counted as often as they repeat, no eigenvalues but
                                the pairs lie above this (SMALLEST: below), with probability
                                1 - eta; NaN: nothing is known */
} absa_eigen_result;

/** Prepare a result struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_eigen_result_init(absa_eigen_result *result, size_t size);

/**
 * Watch a run: called after every product.
 *
 * @param user      absa_eigen_options::monitor_user
 * @param now       what is known so far; stop is ABSA_STOP_NONE
 * @param[out] stop set to 1 to end the run with the best so far (ABSA_STOP_MONITOR)
 * @return 0, or anything else to fail the run with ABSA_E_CALLBACK
 */
typedef int (*absa_monitor_fn)(void *user, const absa_eigen_result *now, int32_t *stop);

/** What absa_eigen_create() takes. Fill with absa_eigen_options_init(), then change fields. */
typedef struct absa_eigen_options {
    size_t struct_size;      /**< sizeof(absa_eigen_options) */
    int32_t rule;            /**< one of enum absa_rule; ABSA_RULE_CHECKED */
    int32_t memory;          /**< one of enum absa_memory; ABSA_MEMORY_AUTO */
    int64_t max_products;    /**< budget of one run, 1 to 1000; 60 */
    int64_t max_vectors;     /**< most vectors to hold, at least 3; 0: 8, more for several pairs,
                                  and what any other memory than RESTART needs when it is asked
                                  for by name. Two of BF16 count as one */
    double tolerance;        /**< relative, in (0, 1); 1e-2 */
    double eta;              /**< chance of a wrong bound on one eigenvalue, in (0, 0.5]; 1e-2 */
    uint64_t seed;           /**< of the start vectors; never derive it from data; 0 */
    int32_t which;           /**< one of enum absa_which; LARGEST, the only one for DECIDE */
    int32_t keep_hint;       /**< 1: the last Ritz vector is the next run's hint, the sum of the
                                  pairs' where there are several (needs BASIS, RESTART or TWO_PASS);
                                  0 */
    absa_monitor_fn monitor; /**< NULL: none */
    void *monitor_user;      /**< handed to monitor */
    int64_t wanted;          /**< k: pairs to find at each end that which names (MAGNITUDE: of both
                                  ends together), 1 to 32; 1. More than one needs BASIS or RESTART,
                                  and not POWER or DECIDE. The rules then ask every pair for what
                                  they say of one, tolerance being relative to the largest
                                  magnitude among the pairs */
    int64_t multiplicity;    /**< most fresh starts, 0 to 32; 0. When the rule has fired, the pairs
                                  are set aside and the run goes on from a new random vector
                                  orthogonal to them: what the start was blind to, another
                                  eigenvector of the same eigenvalue, shows up as one more pair.
                                  Ends when nothing as large as the last wanted pair is left. Needs
                                  BASIS or RESTART, and LARGEST or SMALLEST */
    int32_t store;           /**< one of enum absa_store; FULL */
    int32_t reserved0;       /**< 0 */
} absa_eigen_options;

/** Fill @p options with the defaults. Threads: any. Since 0.1. */
ABSA_API void absa_eigen_options_init(absa_eigen_options *options, size_t size);

/** What may change from run to run. Fill with absa_eigen_args_init(), then change fields. */
typedef struct absa_eigen_args {
    size_t struct_size;   /**< sizeof(absa_eigen_args) */
    uint64_t stream;      /**< the measurement's number; never reuse one under one seed. Two runs
                               with the same seed and stream start from the same random vector.
                               With multiplicity below 2^58: fresh start i takes stream + i 2^58 */
    const void *hint;     /**< vector of the space to start near, of any length in [1e-30, 1e30]
                               (F64: [1e-140, 1e140]); NULL: the kept one, if any. Borrowed for the
                               call */
    uint64_t hint_stream; /**< stream of the run the hint comes from; equal to stream is refused,
                               for the hint must not depend on this run's random vector. A kept
                               hint depends on the streams of all runs back to the last without
                               one: a stream between the lowest and the highest is refused */
    double hint_weight;   /**< length of the hint beside the random vector's 1, at most 2^-4 over
                               the element's epsilon (5.2e5 and 2.8e14), lest the random part be
                               lost in rounding; 1. 0: no hint. Bounds widen with it, and a large
                               one lets RESIDUAL stop at whatever eigenvector the hint is near */
    double threshold;     /**< DECIDE: what the largest eigenvalue is compared with; NaN */
    int32_t threshold_closed; /**< DECIDE: 1 when equal counts as below (<= instead of <); 0 */
    int32_t reserved0;        /**< 0 */
} absa_eigen_args;

/** Fill @p args with the defaults: stream 0, no hint. Threads: any. Since 0.1. */
ABSA_API void absa_eigen_args_init(absa_eigen_args *args, size_t size);

/**
 * Say beforehand what absa_eigen_create() would hold.
 *
 * @param space    the space of the vectors
 * @param options  NULL for the defaults
 * @param[out] vectors  vectors of the space; NULL: not asked
 * @param[out] bytes    bytes of host memory, vectors included when they live in host memory; NULL:
 *                      not asked
 * @retval ABSA_E_INVALID  as absa_eigen_create()
 * @retval ABSA_E_MEMORY   the size overflows
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_eigen_memory(const absa_space *space, const absa_eigen_options *options,
                                       int64_t *vectors, int64_t *bytes);

/**
 * Create an estimator for operators on @p space.
 *
 * @param context  the context
 * @param space    copied
 * @param options  copied; NULL for the defaults
 * @param[out] out the estimator, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID      a field is out of range; the message names it
 * @retval ABSA_E_UNSUPPORTED  the vector table lacks an operation; the message names it
 * @retval ABSA_E_ABI          a struct was not filled by its _init function
 * @retval ABSA_E_MEMORY       no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_eigen_create(absa_context *context, const absa_space *space,
                                       const absa_eigen_options *options, absa_eigen **out);

/** Destroy the estimator and set the pointer to NULL; NULL is accepted. Since 0.1. */
ABSA_API void absa_eigen_destroy(absa_eigen **eigen);

/**
 * Run to the end with an operator: absa_eigen_start(), then next, product, put until done.
 *
 * @param eigen        the estimator
 * @param op           operator on the same space (element type and length are checked)
 * @param args         NULL for the defaults: the next stream after the last run's, hint kept if any
 * @param[out] result  written on ABSA_OK only
 * @retval ABSA_OK           also when the budget ran out: see result->stop and result->converged
 * @retval ABSA_E_INVALID    a field of args is out of range, or the hint is not independent
 * @retval ABSA_E_NONFINITE  a product, or the hint, held a NaN or infinity; the message has its
 *                           number
 * @retval ABSA_E_CALLBACK   a callback stopped the run; absa_eigen_best() has the best so far
 * @retval ABSA_E_PEER       another process failed
 * @retval ABSA_E_BUSY       called from inside this estimator's own callback
 *
 * Allocates nothing. The handle stays usable after any failure. Since 0.1.
 */
ABSA_API absa_status absa_eigen_run(absa_eigen *eigen, absa_operator *op,
                                    const absa_eigen_args *args, absa_eigen_result *result);

/**
 * Go on with an open run, one that was started, or loaded, to its end with an operator.
 *
 * @param eigen        the estimator
 * @param op           the operator the run began with, at the same parameters and batch
 * @param[out] result  written on ABSA_OK only
 * @retval ABSA_E_STATE  no run is open
 *
 * Other failures as absa_eigen_run(). Since 0.1.
 */
ABSA_API absa_status absa_eigen_continue(absa_eigen *eigen, absa_operator *op,
                                         absa_eigen_result *result);

/** @name Reverse communication
 * For hosts that would rather call than be called; a run may span training steps as long as the
 * operator stays frozen.
 * @{ */

/** Begin a run, dropping an unfinished one. Parameters and failures as absa_eigen_run(). Since 0.1.
 */
ABSA_API absa_status absa_eigen_start(absa_eigen *eigen, const absa_eigen_args *args);

/**
 * Ask for the next product: the host computes y = H x and calls absa_eigen_put().
 *
 * @param eigen   the estimator
 * @param[out] x  vector of the space, not to be changed; NULL when the run has ended
 * @param[out] y  vector of the space to be filled; NULL when the run has ended
 * @retval ABSA_E_STATE  no run was started
 *
 * Calling it again before put gives the same pointers. Since 0.1.
 */
ABSA_API absa_status absa_eigen_next(absa_eigen *eigen, const void **x, void **y);

/**
 * Take the product that the host has put into y.
 *
 * @retval ABSA_E_STATE      no product was asked for
 * @retval ABSA_E_NONFINITE  the product held a NaN or infinity: the run is over
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_eigen_put(absa_eigen *eigen);

/** @} */

/**
 * Give the best result so far of the current or last run, also after a failure.
 *
 * @param eigen        the estimator
 * @param[out] result  written on ABSA_OK only
 * @retval ABSA_E_STATE  no product has been taken yet
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_eigen_best(const absa_eigen *eigen, absa_eigen_result *result);

/**
 * Copy the unit Ritz vector of the last run into a vector of the space.
 *
 * @param eigen       the estimator
 * @param[out] out    vector of the space
 * @retval ABSA_E_UNSUPPORTED  the memory mode keeps no vector (VALUE)
 * @retval ABSA_E_STATE        no run has ended, or TWO_PASS ended before its second pass did
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_eigen_vector(absa_eigen *eigen, void *out);

/** One eigenvalue of several, with its place. Prepare with absa_pair_init(). */
typedef struct absa_pair {
    size_t struct_size; /**< sizeof(absa_pair) */
    double value;       /**< the Ritz value. The i-th largest distinct eigenvalue is at least the
                             i-th largest value, for certain (from the lower end: at most) */
    double lower;       /**< [lower, upper] is the part around value that the certificate does not
                             exclude: */
    double upper;       /**< with probability 1 - result::eta each of the wanted distinct
                             eigenvalues (where there are fewer pairs: of as many) lies in the
                             interval of one of the pairs, and the intervals of two pairs are the
                             same or apart. Eigenvalues that are
                             nearer to each other than their interval is wide count as one. -+
                             infinity: no bound */
    double residual;    /**< |H v - value v| for the pair's unit Ritz vector v */
    int64_t cluster;    /**< index of the first pair with the same interval: the pair's own where it
                             stands alone */
    int32_t from_below; /**< 1: counted from the lower end of the spectrum */
    int32_t fresh;      /**< 0: seen by the run's first start vector; else the number of the fresh
                             start that found it: an eigenvalue of a pair nearby once more. Its
                             interval may overlap others', and its residual is an upper bound */
} absa_pair;

/** Prepare a pair struct of the caller: zeros, and struct_size = @p size. Threads: any. Since 0.1.
 */
ABSA_API void absa_pair_init(absa_pair *pair, size_t size);

/**
 * Give one of the pairs of the current or last run, as far as it came; also from the monitor.
 *
 * @param eigen      the estimator
 * @param index      0 to absa_eigen_result::pairs - 1. LARGEST: falling values; SMALLEST: rising
 *                   values; MAGNITUDE: falling magnitudes; BOTH: the upper end's pairs, falling,
 *                   then the lower end's, rising. Pair 0 has the result's value
 * @param[out] pair  written on ABSA_OK only
 * @retval ABSA_E_STATE    no product has been taken yet
 * @retval ABSA_E_INVALID  there is no such pair
 *
 * MAGNITUDE: an eigenvalue whose magnitude is within tolerance of the last pair's may stand in for
 * it. Since 0.1.
 */
ABSA_API absa_status absa_eigen_pair(const absa_eigen *eigen, int64_t index, absa_pair *pair);

/**
 * Copy the unit Ritz vector of a pair of the last run into a vector of the space.
 *
 * @param eigen       the estimator
 * @param index       as for absa_eigen_pair()
 * @param[out] out    vector of the space
 * @retval ABSA_E_INVALID  there is no such pair
 *
 * Other failures as absa_eigen_vector(), which gives pair 0. The vectors of a run are orthonormal
 * up to the rounding of the store. Since 0.1.
 */
ABSA_API absa_status absa_eigen_pair_vector(absa_eigen *eigen, int64_t index, void *out);

/** @name Options by name
 * For command lines, bindings and configuration files: every field of absa_eigen_options but the
 * monitor.
 * @{ */

/**
 * Set one option by its field's name.
 *
 * @param context   for messages; NULL is accepted
 * @param options   filled by absa_eigen_options_init()
 * @param name      a field's name
 * @param value     decimal text, for real ones also a fraction of two, "1/300", without white
 * space; choices as their constants in lower case without the prefix ("certified", "two_pass"), or
 * by number
 * @retval ABSA_E_INVALID  no such option, or the value is no number of its kind; the message says
 *                         what would be right. Ranges are checked by absa_eigen_create()
 * @retval ABSA_E_ABI      options was not filled by its _init function
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_eigen_options_set(absa_context *context, absa_eigen_options *options,
                                            const char *name, const char *value);

/**
 * Give one option as text that absa_eigen_options_set() takes back to the same bits.
 *
 * @param context   for messages; NULL is accepted
 * @param options   filled by absa_eigen_options_init()
 * @param name      a field's name
 * @param buffer    where to write the text with its final zero; NULL asks for the size only
 * @param capacity  bytes of buffer
 * @param[out] size bytes written, or needed
 * @retval ABSA_E_INVALID  no such option
 * @retval ABSA_E_SPACE    capacity is too small; size tells the need, nothing was written
 * @retval ABSA_E_ABI      options was not filled by its _init function
 *
 * Threads: any. Since 0.1.
 */
ABSA_API absa_status absa_eigen_options_get(absa_context *context,
                                            const absa_eigen_options *options, const char *name,
                                            char *buffer, size_t capacity, size_t *size);

/** Return the name of option @p index, counted from 0; NULL behind the last. Threads: any. Since
 * 0.1. */
ABSA_API const char *absa_eigen_options_name(int32_t index);

/** @} */

/**
 * Save the estimator: random streams used, the last result, and, with @p vectors, what an open run
 * needs to go on to the same bits, or what the next run's hint is made of.
 *
 * @param eigen     the estimator; with sharded vectors each process saves its own part
 * @param vectors   0: no vectors: an open run is dropped in what is saved, and so is the hint; 1:
 *                  with them, about n elements for every vector in use
 * @param buffer    where to write; NULL asks for the size only
 * @param capacity  bytes of buffer
 * @param[out] size bytes written, or needed
 * @retval ABSA_E_SPACE        capacity is too small; size tells the need, nothing was written
 * @retval ABSA_E_UNSUPPORTED  the vector table has no read
 * @retval ABSA_E_CALLBACK     its read failed; buffer holds anything, size is not written
 * @retval ABSA_E_BUSY         called from inside this estimator's own callback
 *
 * An open run is saved between absa_eigen_put() and absa_eigen_next(), or before the product that
 * was asked for is put: that product is asked for again. Since 0.1.
 */
ABSA_API absa_status absa_eigen_save(absa_eigen *eigen, int32_t vectors, void *buffer,
                                     size_t capacity, size_t *size);

/**
 * Restore what absa_eigen_save() wrote, on any machine of the same element sizes.
 *
 * @param eigen   created with the same options on a space of the same shape (segments may differ)
 * @param buffer  the saved bytes
 * @param size    how many
 * @retval ABSA_E_FORMAT       truncated, damaged, or not an estimator's state
 * @retval ABSA_E_VERSION      written by a newer release
 * @retval ABSA_E_MISMATCH     saved under other options; the message names the first that differs
 * @retval ABSA_E_UNSUPPORTED  the vector table has no write
 * @retval ABSA_E_CALLBACK     its write failed: the handle is as new, every run forgotten
 * @retval ABSA_E_BUSY         called from inside this estimator's own callback
 *
 * Changes nothing on any other failure. A loaded open run goes on with absa_eigen_continue() or
 * absa_eigen_next(). Since 0.1.
 */
ABSA_API absa_status absa_eigen_load(absa_eigen *eigen, const void *buffer, size_t size);

ABSA_END_DECLS

#endif
