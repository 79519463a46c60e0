/* The plan of a network: what the drivers for the two element types work from. A *node* is an
 * output: node 0 is the network's input, node i what layer i computes (layers count from 1).
 *
 * Inside the library a chunk of rows is stored with the rows innermost: channel, height, width,
 * row. A window of an image, a channel, and the input of a dense layer are then long contiguous
 * runs, flattening costs nothing, and products of matrices need no transposed copies. */
#ifndef ABSA_REFNET_NET_H
#define ABSA_REFNET_NET_H

#include <absa/refnet.h>

#include "net_pool.h"
#include "refnet_common.h"

/* No memory holds more. */
#define ABSA__NET_MOST_ELEMENTS (INT64_C(1) << 46)

/* Added to variances by batch normalisation. */
#define ABSA__NET_EPSILON 1e-5

/* How a node moves when some of the parameters do. Passes along a vector of theta leave still
 * layers out, and so do passes backward, which none of those parameters needs. */
enum {
    ABSA__NET_STILL,
    ABSA__NET_STILL_READ, /* and a layer that moves reads its derivative, which must be zero */
    ABSA__NET_MOVES,
    ABSA__NET_MOVES_ITSELF /* some of the parameters are the layer's own */
};

/* Elements [first, first + count) of theta. */
typedef struct absa__net_run {
    int64_t first, count;
} absa__net_run;

enum {
    /* Numbers that it notes for each channel of a ghost batch. */
    ABSA__NET_NOTES = 5,
    ABSA__NET_MOST_THREADS = 64
};

typedef struct absa__net_node {
    int64_t channels, height, width;
    int64_t size;  /* elements of one row */
    int64_t value; /* where it starts among the values of a row */
    int64_t delta; /* where the loss's derivative in it starts among the deltas of a row */
    int32_t
        value_root; /* the node whose memory its values share; itself unless computed in place */
    int32_t delta_root;
    int32_t consumers; /* layers that read it */
} absa__net_node;

typedef struct absa__net_layer {
    absa_refnet_layer spec; /* with defaults filled in */
    int32_t in, other;      /* nodes; other is -1 unless the kind takes two */
    int64_t fan_in;         /* dense and convolution: inputs of one unit */
    int64_t weight, bias;   /* where they start in theta; -1: none */
    int64_t aux;            /* where the layer's own notes start among those of a row */
    int64_t block;          /* convolution: output pixels unfolded at a time */
    int64_t statistics;     /* batch normalisation: where its statistics start */
} absa__net_layer;

typedef struct absa__net_range {
    absa_refnet_range range;
    double start;    /* starting value, where the variance is 0 */
    double variance; /* of the starting values */
    char name[24];
} absa__net_range;

struct absa_refnet {
    absa_context *context;
    absa_refnet_options options; /* its pointers are NULL */
    absa__net_layer *layers;     /* layers[0] is not used */
    absa__net_node *nodes;       /* nodes[0] .. nodes[layer_count] */
    absa__net_range *ranges;
    int8_t *how;     /* per node: how it moves when all parameters do */
    int8_t *written; /* per thread and node: a pass backward has put something there */
    absa__net_pool *pool;
    int64_t threads;
    int64_t layer_count, range_count, range_capacity;
    int64_t n;
    int64_t values, deltas, aux; /* elements of a row */
    int64_t column;              /* elements of the buffer for unfolded convolution inputs */
    int64_t chunk;               /* most rows that are worked on at a time */
    int64_t kept;                /* probe rows that are kept */
    /* Elements of the arena's parts, which pass_real.h explains, and of all of it. */
    int64_t kept_count, theta_count, pass_count, r_count, work_count, arena_count;
    void *arena;

    /* Running ones, then for each thread as many sums over the last gradient call; the first
     * thread's are those of all in the end. */
    double *statistics;
    int64_t statistic_count;
    int64_t last_rows; /* rows in these sums; 0: there are none to track */
    int32_t mode;
    int32_t probe_mode;
    int32_t pass_mode; /* of the call that is running */
    int32_t reserved0;

    const void *probe_x, *probe_y;
    int64_t probe_rows; /* 0: there is no probe */
};

/* Some of the parameters, for products with them alone. */
struct absa_refnet_block {
    absa_context *context;
    absa_refnet *net;
    absa__net_run *runs; /* ascending */
    int64_t run_count;
    int64_t count; /* elements in runs */
    int64_t begin; /* no parameter before this one belongs to a layer that moves */
    int8_t *how;   /* per node */
    void *v;       /* all of theta: a block's vector among zeros */
};

/* What a pass over a batch finds. */
typedef struct absa__net_sums {
    double loss;
    int64_t correct;
    int64_t bad_row; /* first row with a loss that is not finite; -1: none */
    double penalty;  /* given to the pass: what weight decay adds to the mean loss */
} absa__net_sums;

/* The loss that a pass over these rows has found, unless one of them is bad. */
static inline double absa__net_loss(const absa__net_sums *sums, int64_t rows)
{
    return sums->loss / (double)rows + sums->penalty;
}

/* One element type's code. Pointers are to elements of the type; arguments are checked before.
 * Where sums->bad_row is set on return, the pass stopped there. */
typedef struct absa__net_driver {
    /* Forward over all rows; outputs (row-major) and sums may be NULL, y only with sums. */
    void (*evaluate)(absa_refnet *net, const void *theta, const void *x, const void *y,
                     int64_t rows, void *outputs, absa__net_sums *sums);
    /* Of the mean plus weight decay; out is untouched when a row is bad or the loss overflows. */
    void (*gradient)(absa_refnet *net, const void *theta, const void *x, const void *y,
                     int64_t rows, void *out, absa__net_sums *sums);
    /* Of the row losses in x, row-major; out is written chunk by chunk up to a bad row. */
    void (*input_gradient)(absa_refnet *net, const void *theta, const void *x, const void *y,
                           int64_t rows, void *out, absa__net_sums *sums);
    void (*probe)(absa_refnet *net, const void *theta, const void *x, const void *y, int64_t rows,
                  absa__net_sums *sums);
    /* Hessian, or Gauss-Newton matrix, at the probe, times v. */
    void (*product)(absa_refnet *net, int gauss_newton, const void *v, void *out);
    /* The same with a block's vectors. */
    void (*block_product)(absa_refnet_block *block, int gauss_newton, const void *v, void *out);
    double (*square)(int64_t n, const void *theta);
    /* out[first ...] = normal numbers with this standard deviation. */
    void (*fill_normal)(uint64_t seed, uint64_t stream, double deviation, int64_t count, void *out,
                        int64_t first);
} absa__net_driver;

/* The drivers are compiled for any processor and, where the build says so, again for processors
 * with wider vectors: ABSA__NET_VARIANT is then the end of their names. */
#ifdef ABSA__NET_VARIANT
#define ABSA__NET_JOIN(type, variant)   absa__net_driver_##type##_##variant
#define ABSA__NET_EXPAND(type, variant) ABSA__NET_JOIN(type, variant)
#define ABSA__NET_DRIVER(type)          ABSA__NET_EXPAND(type, ABSA__NET_VARIANT)
#else
#define ABSA__NET_DRIVER(type) absa__net_driver_##type
#endif
extern const absa__net_driver ABSA__NET_DRIVER(f32), ABSA__NET_DRIVER(f64);

/* The driver for the network's element type that fits this processor best. */
const absa__net_driver *absa__net_driver_of(const absa_refnet *net);

/* Makes the plan of a network: everything but the memory that grows with its size, which are the
 * arena and the statistics. *out is NULL on failure. */
absa_status absa__net_plan(absa_context *ctx, const absa_refnet_options *options,
                           absa_refnet **out);

/* Places everything in memory, and counts the arena; the last step of the plan. */
absa_status absa__net_place(absa_refnet *net);

/* The rows of the pieces that a batch is cut into: equal ones, and as many for each thread. */
int64_t absa__net_piece(const absa_refnet *net, int64_t rows);

/* Checks what a product is given; function names the caller in messages. */
absa_status absa__net_check_product(const absa_refnet *net, const char *function, const void *v,
                                    const void *out);

/* Says for each node how it moves when the parameters in runs do, and for NULL when all do. */
void absa__net_moves(const absa_refnet *net, const absa__net_run *runs, int64_t count, int8_t *how);

/* Numbers in net->statistics. */
int64_t absa__net_statistics(const absa_refnet *net);

/* Bytes the network takes from the context, arena included. */
int64_t absa__net_bytes(const absa_refnet *net);

/* Writes the layers of a network by name, or only counts them when layers is NULL. */
absa_status absa__net_named(absa_context *ctx, const absa_refnet_options *options,
                            absa_refnet_layer *layers, int64_t *count);

/* These layers leave out work with a derivative that is zero. */
static inline int absa__net_skips_still_input(const absa__net_layer *layer)
{
    return layer->spec.kind == ABSA_REFNET_DENSE || layer->spec.kind == ABSA_REFNET_CONV;
}

static inline size_t absa__net_element_size(const absa_refnet *net)
{
    return net->options.element == ABSA_ELEMENT_F32 ? sizeof(float) : sizeof(double);
}

#endif
