/** @file
 * The reference network: multi-layer perceptrons and convolutional networks with exact first and
 * second derivatives. It is a host of libabsa, in a library of its own (libabsa-refnet): tests,
 * examples and benchmarks have something to differentiate without a framework.
 *
 * A network is a chain of layers with shortcuts. It holds no parameters and no data: every call is
 * given theta, one flat vector whose parts absa_refnet_range_at() names, and rows of a batch.
 * All memory is planned and taken at creation; a batch of any size is worked through in chunks.
 *
 * ```c
 * absa_refnet_options o;
 * absa_refnet_options_init(&o, sizeof o);
 * o.name = "lenet"; o.channels = 1; o.height = o.width = 28; o.outputs = 10; o.probe_rows = 512;
 * absa_refnet_create(ctx, &o, &net);
 * absa_refnet_init_parameters(net, seed, theta);
 * absa_refnet_gradient(net, theta, x, labels, rows, gradient, &loss);     // a training step
 * absa_refnet_probe(net, theta, probe_x, probe_labels, 512, NULL);        // fix theta and batch
 * absa_refnet_space(net, &space, sizeof space);
 * absa_operator_from_hvp(ctx, &space, absa_refnet_hvp_callback, net, NULL, &op);
 * ```
 *
 * **Rows.** A row of x is one sample, channels * height * width contiguous elements of the
 * network's type in this order (images channel by channel, each row by row). What y holds depends
 * on the loss: int32_t labels for softmax and logistic, rows * outputs targets of the network's
 * element type for squared loss.
 *
 * **The loss** is the mean of the row losses, plus (weight_decay / 2) * theta'theta.
 *
 * **Threads.** With absa_refnet_options::threads above 1 the network has a pool of its own, which
 * lives as long as it does and soon sleeps between calls. Each thread takes a run of the batch's
 * rows, and sums of its own, which are added in the order of the threads. Have BLAS use one thread
 * then (OPENBLAS_NUM_THREADS=1), which is usually the fastest for one thread too. After fork() the
 * child must not use, nor destroy, a network with a pool.
 *
 * **Reproducibility.** The same call on the same machine gives the same bits, as long as threads
 * and the number of BLAS threads are the same.
 */
#ifndef ABSA_REFNET_H
#define ABSA_REFNET_H

#include <absa/block.h>
#include <absa/context.h>
#include <absa/vector.h>

ABSA_BEGIN_DECLS

/** The network handle. For one calling thread at a time. All memory is taken at creation. */
typedef struct absa_refnet absa_refnet;

/** Second derivatives of a network in some of its parameters. Belongs to the network's thread. */
typedef struct absa_refnet_block absa_refnet_block;

/** What a layer computes. */
enum absa_refnet_kind {
    /** y = W x + b, with all of x as one vector. W is units * inputs, row by row. */
    ABSA_REFNET_DENSE = 1,
    /** Two-dimensional convolution (cross-correlation, as frameworks have it) plus a bias per
     * channel. W is units * channels * size * size. */
    ABSA_REFNET_CONV = 2,
    /** max(x, 0); its derivative at 0 is 0. */
    ABSA_REFNET_RELU = 3,
    /** tanh(x). */
    ABSA_REFNET_TANH = 4,
    /** log(1 + exp(x)). */
    ABSA_REFNET_SOFTPLUS = 5,
    /** x Phi(x), Phi being the normal distribution function (no tanh approximation). */
    ABSA_REFNET_GELU = 6,
    /** Largest element of each size * size window; of equal ones the first counts. */
    ABSA_REFNET_MAX_POOL = 7,
    /** Mean of each size * size window. */
    ABSA_REFNET_AVERAGE_POOL = 8,
    /** Mean of each channel: leaves channels * 1 * 1. */
    ABSA_REFNET_GLOBAL_POOL = 9,
    /** The same elements as one vector, channel by channel. */
    ABSA_REFNET_FLATTEN = 10,
    /** Sum of the outputs of two layers: the source and other. */
    ABSA_REFNET_ADD = 11,
    /** Batch normalisation per channel, then a gain and a shift (Ioffe and Szegedy 2015), with
     * 1e-5 added to the variance. See enum absa_refnet_mode. */
    ABSA_REFNET_BATCH_NORM = 12
};

/** What the parameters are fitted to. */
enum absa_refnet_loss_kind {
    /** Cross-entropy of softmax(outputs) and an int32_t label from 0 to outputs - 1. */
    ABSA_REFNET_SOFTMAX = 0,
    /** One output z, an int32_t label t of 0 or 1: log(1 + exp(z)) - t z. */
    ABSA_REFNET_LOGISTIC = 1,
    /** Half the squared distance of the outputs from targets of the network's element type. */
    ABSA_REFNET_SQUARED = 2
};

/** A part a range plays in its layer. */
enum absa_refnet_role {
    /** Weights of a dense or convolutional layer. */
    ABSA_REFNET_WEIGHT = 0,
    /** Bias of a dense or convolutional layer, one per unit. */
    ABSA_REFNET_BIAS = 1,
    /** Gains of a batch normalisation, one per channel. */
    ABSA_REFNET_GAIN = 2,
    /** Shifts of a batch normalisation, one per channel. */
    ABSA_REFNET_SHIFT = 3
};

/** Where batch normalisation takes mean and variance from. */
enum absa_refnet_mode {
    /** From the ghost batch a row belongs to: rows are taken ghost_rows at a time, in order, and
     * the last ghost batch of a call may be smaller. Derivatives go through mean and variance. */
    ABSA_REFNET_TRAIN = 0,
    /** From the running statistics, which are constants to every derivative. */
    ABSA_REFNET_EVALUATE = 1
};

/**
 * One layer of a network built layer by layer. Passed in arrays, so it never grows. Fields that a
 * kind does not use must be 0.
 */
typedef struct absa_refnet_layer {
    int32_t kind;    /**< one of enum absa_refnet_kind */
    int32_t units;   /**< outputs of a dense layer, output channels of a convolution; at least 1 */
    int32_t size;    /**< side of the window of a convolution or pool; a pool's is at most 15 */
    int32_t stride;  /**< step of the window; 0: 1 for convolutions, size for pools */
    int32_t padding; /**< convolutions: zeros on each side, less than size */
    int32_t no_bias; /**< dense and convolution: 1 leaves the bias out */
    int32_t source;  /**< where the input comes from: 0 the layer before, k > 0 the k-th layer
                      * (counted from 1, earlier than this one), -1 the network's input */
    int32_t other;   /**< ABSA_REFNET_ADD: the second summand, k > 0 or -1 as in source */
} absa_refnet_layer;

/** What absa_refnet_create() takes. Fill with absa_refnet_options_init(), then change fields. */
typedef struct absa_refnet_options {
    size_t struct_size; /**< sizeof(absa_refnet_options) */
    /** A network by name: "logreg" (one dense layer), "mlp" (dense layers of the hidden widths,
     * activation between them), or "lenet" (LeNet-5 with max pooling: 5 x 5 convolutions of 6
     * channels, padded by 2, and of 16, each followed by activation and a 2 x 2 max pool, then
     * dense 120, 84 and outputs; height and width at least 12), or "resnet8", "resnet20" (He et al.
     * 2016 for CIFAR: a 3 x 3 convolution of 16 channels, then one or three residual blocks each of
     * 16, 32 and 64 channels with batch normalisation, a normalised 1 x 1 convolution as shortcut
     * where the shape changes, global pool, dense). NULL: layers. */
    const char *name;
    const absa_refnet_layer *layers; /**< used when name is NULL; copied */
    int64_t layer_count;             /**< layers in the array, 1 to 4096; 0 with a name */
    int64_t channels;                /**< of a row of x; 1. Feature vectors: the features */
    int64_t height;                  /**< of a row of x; 1 */
    int64_t width;                   /**< of a row of x; 1 */
    int64_t outputs;       /**< named networks: outputs of the last layer; 0 with layers */
    const int64_t *hidden; /**< "mlp": widths of the hidden layers; NULL: 256, 128. Copied */
    int64_t hidden_count;  /**< widths in hidden; 0 when it is NULL */
    int32_t activation;  /**< named networks: ABSA_REFNET_RELU, TANH, SOFTPLUS or GELU; default RELU
                          */
    int32_t element;     /**< one of enum absa_element, for theta, x and all results; F32 */
    int32_t loss;        /**< one of enum absa_refnet_loss_kind; ABSA_REFNET_SOFTMAX */
    int32_t reserved0;   /**< 0 */
    double weight_decay; /**< adds (weight_decay / 2) theta'theta over *all* parameters to loss,
                          * gradient, Hessian and Gauss-Newton product; finite, at least 0; 0 */
    int64_t chunk_rows;  /**< most rows that a thread works on at a time; 0: chosen to fit the
                          * processor's cache */
    int64_t probe_rows;  /**< probe rows whose intermediate values are kept between products; what
                          * is beyond is computed again in every product, which then costs about
                          * three gradients instead of two. 0 */
    int64_t ghost_rows;  /**< rows of a ghost batch, see enum absa_refnet_mode; 0: 32. With batch
                          * normalisation, chunk_rows must be a multiple of it */
    int64_t threads;     /**< threads that share the rows of a batch, the caller's among them; 0: 1,
                          * at most 64. See "Threads" at the top of this file */
} absa_refnet_options;

/** A named range of theta: what one layer keeps there. Prepare with absa_refnet_range_init(). */
typedef struct absa_refnet_range {
    size_t struct_size;     /**< sizeof(absa_refnet_range) */
    absa_block_range range; /**< name, for example "conv1.weight", which lives as long as the
                             * network; place in theta; and the layer as blocks count them, from 1:
                             * a dense or convolutional layer with its bias and the batch
                             * normalisation right behind it, or a batch normalisation elsewhere */
    int64_t shape[4];       /**< unused dimensions are 1; the product is range.count */
    int32_t rank;           /**< dimensions in shape: 1, 2 or 4 */
    int32_t layer;          /**< index of the layer in the chain, counted from 1 */
    int32_t role;           /**< one of enum absa_refnet_role */
    int32_t reserved0;      /**< 0 */
} absa_refnet_range;

/** What absa_refnet_evaluate() finds. Prepare with absa_refnet_evaluation_init(). */
typedef struct absa_refnet_evaluation {
    size_t struct_size; /**< sizeof(absa_refnet_evaluation) */
    int64_t rows;       /**< rows evaluated */
    int64_t correct;    /**< rows whose label wins: softmax the largest output (of equal ones the
                         * first), logistic 1 for z above 0, else 0; 0 for squared loss */
    double loss_sum;    /**< sum of the row losses, without the weight-decay term */
} absa_refnet_evaluation;

/**
 * Fill @p options with the defaults: a single-precision softmax network without layers.
 *
 * @param options  struct of the caller
 * @param size     sizeof *options as the caller was compiled
 *
 * Threads: any. Since 0.1.
 */
ABSA_API void absa_refnet_options_init(absa_refnet_options *options, size_t size);

/**
 * Say how many bytes absa_refnet_create() would take for good, without keeping any.
 *
 * @param context   the context
 * @param options   as for absa_refnet_create()
 * @param[out] bytes  the network's memory: activations and derivatives of one chunk, the kept
 *                  part of the probe, and two vectors of the size of theta
 * @return as absa_refnet_create(). Since 0.1.
 */
ABSA_API absa_status absa_refnet_workspace(absa_context *context,
                                           const absa_refnet_options *options, int64_t *bytes);

/**
 * Build a network and take all memory it will ever use.
 *
 * @param context  the context; the network holds a reference on it
 * @param options  copied, with the arrays it points to
 * @param[out] out the network, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, a field outside its range, or layers whose shapes do not fit;
 *                         the message names the field or the layer and the shapes
 * @retval ABSA_E_ABI      options were not filled by absa_refnet_options_init()
 * @retval ABSA_E_MEMORY   no memory, a size that overflows, or a thread that cannot be started
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_create(absa_context *context, const absa_refnet_options *options,
                                        absa_refnet **out);

/** Destroy the network and set the pointer to NULL; NULL is accepted. Since 0.1. */
ABSA_API void absa_refnet_destroy(absa_refnet **net);

/** Return the number of parameters, n: the length of theta. 0 for NULL. Since 0.1. */
ABSA_API int64_t absa_refnet_parameter_count(const absa_refnet *net);

/** Return the elements of a row of x. 0 for NULL. Since 0.1. */
ABSA_API int64_t absa_refnet_input_count(const absa_refnet *net);

/** Return the outputs of the last layer for a row. 0 for NULL. Since 0.1. */
ABSA_API int64_t absa_refnet_output_count(const absa_refnet *net);

/** Return the element type, one of enum absa_element; -1 for NULL. Since 0.1. */
ABSA_API int32_t absa_refnet_element(const absa_refnet *net);

/** Return how many ranges theta has. They follow each other without gaps. Since 0.1. */
ABSA_API int64_t absa_refnet_range_count(const absa_refnet *net);

/** Prepare a range struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_refnet_range_init(absa_refnet_range *range, size_t size);

/**
 * Describe one range of theta.
 *
 * @param net         the network
 * @param index       0 to absa_refnet_range_count() - 1, in the order of theta
 * @param[in,out] range  prepared by its _init function; written up to its size
 * @retval ABSA_E_INVALID  a NULL or an index outside the range
 * @retval ABSA_E_ABI      struct_size is impossible
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_range_at(const absa_refnet *net, int64_t index,
                                          absa_refnet_range *range);

/**
 * Describe the space theta lives in: what absa_operator_from_hvp() and absa_eigen_create() take.
 *
 * @param net         the network
 * @param[out] space  struct of the caller
 * @param size        sizeof *space as the caller was compiled. Since 0.1.
 */
ABSA_API void absa_refnet_space(const absa_refnet *net, absa_space *space, size_t size);

/**
 * Fill theta with random starting values.
 *
 * Gains are 1 and shifts 0. Weights are normal with variance 2 / fan_in where a ReLU, GELU or
 * softplus comes next, and 1 / fan_in otherwise (He et al. 2015; LeCun et al. 1998); biases are 0.
 * A batch normalisation between does not count. Range k takes stream k of absa/random.h, so the
 * values of a seed depend on nothing but seed, shapes and element type.
 *
 * @param net         the network
 * @param seed        chosen by the user
 * @param[out] theta  n elements
 * @retval ABSA_E_INVALID  a NULL
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_init_parameters(const absa_refnet *net, uint64_t seed,
                                                 void *theta);

/** @name Batch normalisation
 * A network begins in ABSA_REFNET_TRAIN, with running means of 0 and running variances of 1. Every
 * call follows the mode that is set; absa_refnet_hvp() and absa_refnet_gnvp() that of their probe.
 * Only absa_refnet_track() and absa_refnet_write_statistics() change running statistics. All of
 * this does nothing to a network without batch normalisation.
 * @{ */

/**
 * Choose where batch normalisation takes its statistics from, for the calls that follow.
 *
 * @param net   the network
 * @param mode  one of enum absa_refnet_mode
 * @retval ABSA_E_INVALID  no such mode, or net is NULL
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_set_mode(absa_refnet *net, int32_t mode);

/**
 * Move the running statistics towards those of the last absa_refnet_gradient() call: running = (1 -
 * share) * running + share * (mean over its ghost batches). Variances are the unbiased ones.
 *
 * To be called once after each training step. Clears a probe that was set in
 * ABSA_REFNET_EVALUATE, because its function has changed.
 *
 * @param net    the network
 * @param share  above 0, at most 1; 0.1 is usual
 * @retval ABSA_E_INVALID  share out of range, or net is NULL
 * @retval ABSA_E_STATE    there is no successful gradient call in ABSA_REFNET_TRAIN since the last
 *                         call of this function
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_track(absa_refnet *net, double share);

/** Return how many running statistics there are: two for each normalised channel. Since 0.1. */
ABSA_API int64_t absa_refnet_statistic_count(const absa_refnet *net);

/**
 * Copy the running statistics out, for a checkpoint: layer by layer, channel by channel, mean then
 * variance.
 *
 * @param net              the network
 * @param[out] statistics  absa_refnet_statistic_count() doubles
 * @retval ABSA_E_INVALID  a NULL
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_read_statistics(const absa_refnet *net, double *statistics);

/**
 * Set the running statistics. Clears a probe that was set in ABSA_REFNET_EVALUATE.
 *
 * @param net         the network
 * @param statistics  as absa_refnet_read_statistics() writes them; copied
 * @retval ABSA_E_INVALID    a NULL, or a negative variance
 * @retval ABSA_E_NONFINITE  a NaN or an infinity; nothing is changed
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_write_statistics(absa_refnet *net, const double *statistics);

/** @} */

/** @name Loss, gradients, evaluation
 * These leave the probe as it is. Common parameters and answers:
 *
 * - theta: n elements; x: rows * absa_refnet_input_count() elements; y: labels or targets, see the
 *   top of this file; rows: at least 1. All borrowed for the call.
 * - ABSA_E_INVALID: a NULL, no rows, or a label out of range; the message names the row.
 * - ABSA_E_NONFINITE: the loss of a row is NaN or infinite, and the message names the row; or the
 *   loss of all of them is too large for a double.
 * - On failure the outputs are untouched, but for the input gradient, which may be partly written.
 * @{ */

/**
 * Compute the loss: mean over the rows plus the weight-decay term.
 *
 * @param net        the network
 * @param theta,x,y,rows  see above
 * @param[out] loss  one double. Since 0.1.
 */
ABSA_API absa_status absa_refnet_loss(absa_refnet *net, const void *theta, const void *x,
                                      const void *y, int64_t rows, double *loss);

/**
 * Compute the gradient of the loss in theta.
 *
 * @param net            the network
 * @param theta,x,y,rows see above
 * @param[out] gradient  n elements: of the mean over the rows plus weight_decay * theta
 * @param[out] loss      NULL, or the loss. Since 0.1.
 */
ABSA_API absa_status absa_refnet_gradient(absa_refnet *net, const void *theta, const void *x,
                                          const void *y, int64_t rows, void *gradient,
                                          double *loss);

/**
 * Compute the gradient in x of each row's own loss: what an attack needs.
 *
 * The result is the derivative of the sum of the row losses, *not* divided by the number of rows.
 * So row i of it is the derivative of row i's loss and does not depend on the other rows; but for
 * batch normalisation in ABSA_REFNET_TRAIN, which couples the rows of a ghost batch.
 *
 * @param net            the network
 * @param theta,x,y,rows see above
 * @param[out] gradient  rows * absa_refnet_input_count() elements; must not overlap x
 * @param[out] loss      NULL, or the loss. Since 0.1.
 */
ABSA_API absa_status absa_refnet_input_gradient(absa_refnet *net, const void *theta, const void *x,
                                                const void *y, int64_t rows, void *gradient,
                                                double *loss);

/**
 * Compute the outputs of the last layer (before softmax or logistic function).
 *
 * @param net           the network
 * @param theta,x,rows  see above
 * @param[out] outputs  rows * absa_refnet_output_count() elements. They are not checked for NaN.
 *                      Since 0.1.
 */
ABSA_API absa_status absa_refnet_predict(absa_refnet *net, const void *theta, const void *x,
                                         int64_t rows, void *outputs);

/** Prepare an evaluation struct of the caller: zeros, and struct_size = @p size. Since 0.1. */
ABSA_API void absa_refnet_evaluation_init(absa_refnet_evaluation *evaluation, size_t size);

/**
 * Sum the row losses and count the rows that are classified correctly.
 *
 * Sums over parts of a data set add up: call it part by part.
 *
 * @param net                 the network
 * @param theta,x,y,rows      see above
 * @param[in,out] evaluation  prepared by its _init function; written up to its size
 * @retval ABSA_E_ABI         struct_size is impossible. Since 0.1.
 */
ABSA_API absa_status absa_refnet_evaluate(absa_refnet *net, const void *theta, const void *x,
                                          const void *y, int64_t rows,
                                          absa_refnet_evaluation *evaluation);

/** @} */

/** @name Second derivatives at a fixed point
 * absa_refnet_probe() fixes theta and a batch; products at that point follow, as many as wanted.
 * @{ */

/**
 * Fix the point of the products that follow, and prepare it: one forward and one backward pass.
 *
 * theta is copied. x and y are borrowed until the next probe, absa_refnet_probe_clear() or the end
 * of the network, for rows beyond absa_refnet_options::probe_rows are read again.
 *
 * @param net            the network
 * @param theta,x,y,rows as above
 * @param[out] loss      NULL, or the loss at the point
 * @retval ABSA_E_INVALID, ABSA_E_NONFINITE  as above; there is then no probe
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_probe(absa_refnet *net, const void *theta, const void *x,
                                       const void *y, int64_t rows, double *loss);

/** Forget the probe, so that its x and y may be released. NULL is accepted. Since 0.1. */
ABSA_API void absa_refnet_probe_clear(absa_refnet *net);

/**
 * Compute hv = H v, H being the Hessian of the loss (mean over the probe's rows, weight decay
 * included) at the probe's theta.
 *
 * Exact up to rounding: Pearlmutter's R-operator (Neural Computation 6, 1994), which
 * differentiates the forward and the backward pass along v. At the kinks of ReLU and max pooling,
 * H is that of the pieces the probe lies on.
 *
 * @param net      the network
 * @param v        n elements, borrowed for the call
 * @param[out] hv  n elements, not v
 * @retval ABSA_E_STATE    no probe is set
 * @retval ABSA_E_INVALID  a NULL, or v == hv
 *
 * The values of v are not scanned: a NaN goes through. Since 0.1.
 */
ABSA_API absa_status absa_refnet_hvp(absa_refnet *net, const void *v, void *hv);

/**
 * Compute gv = G v, G being the Gauss-Newton matrix of the loss at the probe: mean of J' L J, J
 * the outputs' Jacobian in theta and L the Hessian of the loss in the outputs (Schraudolph, Neural
 * Computation 14, 2002); weight decay included.
 *
 * Positive semidefinite for every loss of this library. Parameters and answers as for
 * absa_refnet_hvp(). Since 0.1.
 */
ABSA_API absa_status absa_refnet_gnvp(absa_refnet *net, const void *v, void *gv);

/**
 * Be the absa_hvp_fn of a network: hand it to absa_operator_from_hvp() with the network as user.
 *
 * @param net            the absa_refnet
 * @param v,hv           as for absa_refnet_hvp()
 * @param[out] samples   rows of the probe
 * @return what absa_refnet_hvp() returns. Since 0.1.
 */
ABSA_API int absa_refnet_hvp_callback(void *net, const void *v, void *hv, int64_t *samples);

/** absa_refnet_hvp_callback() for the Gauss-Newton matrix. Since 0.1. */
ABSA_API int absa_refnet_gnvp_callback(void *net, const void *v, void *gv, int64_t *samples);

/** @} */

/** @name Blocks: second derivatives in some of the parameters
 * Products of a block's own dimension m (absa/block.h). Their passes begin at the first layer with
 * a selected parameter, forward, and stop there, backward; so the cost falls with the number of
 * layers behind it. What the probe keeps is the same.
 * @{ */

/**
 * Make a selection over the network's parameters, with the ranges of absa_refnet_range_at();
 * nothing is selected yet.
 *
 * "last:2" of resnet8 is its last 3 x 3 convolution with batch normalisation and the dense layer.
 *
 * @param net      the network; may be destroyed before the selection
 * @param[out] out to be destroyed with absa_block_destroy(); NULL on failure
 * @retval ABSA_E_INVALID  a NULL, or a network without parameters
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_layout(const absa_refnet *net, absa_block **out);

/**
 * Prepare products of a block, for all probes to come.
 *
 * @param net        the network; outlives the block
 * @param selection  over the network's parameters; copied
 * @param[out] out   the block, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, or a selection over another number of parameters
 * @retval ABSA_E_STATE    nothing is selected
 * @retval ABSA_E_MEMORY   no memory: a vector of the size of theta is kept
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_refnet_block_create(absa_refnet *net, const absa_block *selection,
                                              absa_refnet_block **out);

/** Destroy the block and set the pointer to NULL; NULL is accepted. Since 0.1. */
ABSA_API void absa_refnet_block_destroy(absa_refnet_block **block);

/** Return the block's dimension, m. 0 for NULL. Since 0.1. */
ABSA_API int64_t absa_refnet_block_count(const absa_refnet_block *block);

/**
 * Compute hv = H v, H being the rows and columns of absa_refnet_hvp()'s that are selected.
 *
 * @param block    the block; its network must have a probe
 * @param v        m elements, borrowed for the call
 * @param[out] hv  m elements, not v
 * @return as absa_refnet_hvp(). Since 0.1.
 */
ABSA_API absa_status absa_refnet_block_hvp(absa_refnet_block *block, const void *v, void *hv);

/** absa_refnet_block_hvp() for the Gauss-Newton matrix of absa_refnet_gnvp(). Since 0.1. */
ABSA_API absa_status absa_refnet_block_gnvp(absa_refnet_block *block, const void *v, void *gv);

/**
 * Be the absa_hvp_fn of a block: hand it to absa_operator_from_hvp() with the block as user, on the
 * space that absa_block_space() makes of absa_refnet_space().
 *
 * @param block          the absa_refnet_block
 * @param v,hv           as for absa_refnet_block_hvp()
 * @param[out] samples   rows of the probe
 * @return what absa_refnet_block_hvp() returns. Since 0.1.
 */
ABSA_API int absa_refnet_block_hvp_callback(void *block, const void *v, void *hv, int64_t *samples);

/** absa_refnet_block_hvp_callback() for the Gauss-Newton matrix. Since 0.1. */
ABSA_API int absa_refnet_block_gnvp_callback(void *block, const void *v, void *gv,
                                             int64_t *samples);

/** @} */

ABSA_END_DECLS

#endif
