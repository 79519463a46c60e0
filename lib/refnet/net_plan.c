/* From options to a plan: which layers there are, what shapes their outputs have, and which ranges
 * of theta are theirs. Everything that can be wrong with a network is found here, by name. Where
 * things lie in memory is left to net_memory.c. */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LAYERS = 4096, MAX_POOL = 15, MAX_CHUNK = 65536, USUAL_GHOST = 32 };

static const char *const KIND_NAMES[] = {
    [ABSA_REFNET_DENSE] = "dense",
    [ABSA_REFNET_CONV] = "conv",
    [ABSA_REFNET_RELU] = "relu",
    [ABSA_REFNET_TANH] = "tanh",
    [ABSA_REFNET_SOFTPLUS] = "softplus",
    [ABSA_REFNET_GELU] = "gelu",
    [ABSA_REFNET_MAX_POOL] = "maxpool",
    [ABSA_REFNET_AVERAGE_POOL] = "avgpool",
    [ABSA_REFNET_GLOBAL_POOL] = "globalpool",
    [ABSA_REFNET_FLATTEN] = "flatten",
    [ABSA_REFNET_ADD] = "add",
    [ABSA_REFNET_BATCH_NORM] = "norm",
};

static const char *const ROLE_NAMES[] = {[ABSA_REFNET_WEIGHT] = "weight",
                                         [ABSA_REFNET_BIAS] = "bias",
                                         [ABSA_REFNET_GAIN] = "gain",
                                         [ABSA_REFNET_SHIFT] = "shift"};

/* *out = a * b, or 0 when that is more than CBLAS can count. */
static int multiply(int64_t a, int64_t b, int64_t *out)
{
    if (a < 1 || b < 1 || a > INT32_MAX / b)
        return 0;
    *out = a * b;
    return 1;
}

static absa_status check_options(absa_context *ctx, const absa_refnet_options *o)
{
    int64_t size;
    if (o->channels < 1 || o->height < 1 || o->width < 1 ||
        !multiply(o->channels, o->height, &size) || !multiply(size, o->width, &size))
        return absa__net_fail(
            ctx, ABSA_E_INVALID,
            "absa_refnet_options: an input of %lld x %lld x %lld; each must be at "
            "least 1 and the product at most %d",
            (long long)o->channels, (long long)o->height, (long long)o->width, INT32_MAX);
    if (o->element != ABSA_ELEMENT_F32 && o->element != ABSA_ELEMENT_F64)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: element is %d, must be ABSA_ELEMENT_F32 or F64",
                              o->element);
    if (o->loss < ABSA_REFNET_SOFTMAX || o->loss > ABSA_REFNET_SQUARED)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: loss is %d, must be ABSA_REFNET_SOFTMAX, "
                              "LOGISTIC or SQUARED",
                              o->loss);
    if (!isfinite(o->weight_decay) || o->weight_decay < 0)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: weight_decay is %g, must be finite and not "
                              "negative",
                              o->weight_decay);
    if (o->chunk_rows < 0 || o->chunk_rows > MAX_CHUNK)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: chunk_rows is %lld, must be 0 to %d",
                              (long long)o->chunk_rows, MAX_CHUNK);
    if (o->probe_rows < 0)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: probe_rows is %lld, must not be negative",
                              (long long)o->probe_rows);
    if (o->ghost_rows < 0 || o->ghost_rows > MAX_CHUNK)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: ghost_rows is %lld, must be 0 to %d",
                              (long long)o->ghost_rows, MAX_CHUNK);
    if (o->threads < 0 || o->threads > ABSA__NET_MOST_THREADS)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: threads is %lld, must be 0 to %d",
                              (long long)o->threads, ABSA__NET_MOST_THREADS);
    if (o->reserved0 != 0)
        return absa__net_fail(ctx, ABSA_E_INVALID, "absa_refnet_options: reserved0 must be 0");
    if (o->name)
        return o->layers || o->layer_count
                   ? absa__net_fail(ctx, ABSA_E_INVALID,
                                    "absa_refnet_options: name and layers are both set")
                   : ABSA_OK;
    if (!o->layers || o->layer_count < 1 || o->layer_count > MAX_LAYERS)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: no name is set, so layers must be, and "
                              "layer_count, which is %lld, must be 1 to %d",
                              (long long)o->layer_count, MAX_LAYERS);
    if (o->outputs != 0 || o->hidden || o->hidden_count != 0)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: outputs and hidden are for networks by name");
    return ABSA_OK;
}

/* The node that source or other means, or -1. */
static int32_t node_of(int32_t source, int64_t layer)
{
    if (source == -1)
        return 0;
    if (source == 0)
        return (int32_t)(layer - 1);
    return source > 0 && source < layer ? source : -1;
}

static int is_window(int32_t kind)
{
    return kind == ABSA_REFNET_CONV || kind == ABSA_REFNET_MAX_POOL ||
           kind == ABSA_REFNET_AVERAGE_POOL;
}

/* Checks the fields of layer i on their own and fills in defaults. */
static absa_status check_layer(absa_context *ctx, int64_t i, absa__net_layer *layer)
{
    absa_refnet_layer *s = &layer->spec;
    const long long at = (long long)i;
    if (s->kind < ABSA_REFNET_DENSE || s->kind > ABSA_REFNET_BATCH_NORM)
        return absa__net_fail(ctx, ABSA_E_INVALID, "layer %lld: there is no kind %d", at, s->kind);
    const char *name = KIND_NAMES[s->kind];
    const int window = is_window(s->kind), conv = s->kind == ABSA_REFNET_CONV;
    const int weights = conv || s->kind == ABSA_REFNET_DENSE;
    if (weights ? s->units < 1 : s->units != 0)
        return absa__net_fail(ctx, ABSA_E_INVALID, "layer %lld (%s): units is %d, must be %s", at,
                              name, s->units, weights ? "1 or more" : "0");
    if (window ? s->size < 1 || (!conv && s->size > MAX_POOL) : s->size != 0)
        return absa__net_fail(ctx, ABSA_E_INVALID, "layer %lld (%s): size is %d, must be %s", at,
                              name, s->size,
                              conv     ? "1 or more"
                              : window ? "1 to 15"
                                       : "0");
    if (s->stride < 0 || (!window && s->stride != 0))
        return absa__net_fail(ctx, ABSA_E_INVALID, "layer %lld (%s): stride is %d, must be %s", at,
                              name, s->stride, window ? "1 or more, or 0 for the usual one" : "0");
    if (conv ? s->padding < 0 || s->padding >= s->size : s->padding != 0)
        return absa__net_fail(ctx, ABSA_E_INVALID, "layer %lld (%s): padding is %d, must be %s", at,
                              name, s->padding, conv ? "0 to size - 1" : "0");
    if (s->no_bias != 0 && !(weights && s->no_bias == 1))
        return absa__net_fail(ctx, ABSA_E_INVALID, "layer %lld (%s): no_bias is %d, must be %s", at,
                              name, s->no_bias, weights ? "0 or 1" : "0");
    layer->in = node_of(s->source, i);
    if (layer->in < 0)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "layer %lld (%s): source is %d, must be -1, 0 or an earlier layer",
                              at, name, s->source);
    layer->other = -1;
    if (s->kind == ABSA_REFNET_ADD) {
        layer->other = s->other == 0 ? -1 : node_of(s->other, i);
        if (layer->other < 0 || layer->other == layer->in)
            return absa__net_fail(ctx, ABSA_E_INVALID,
                                  "layer %lld (add): other is %d, must be -1 or an earlier layer "
                                  "that is not the source",
                                  at, s->other);
    } else if (s->other != 0) {
        return absa__net_fail(ctx, ABSA_E_INVALID, "layer %lld (%s): other is %d, must be 0", at,
                              name, s->other);
    }
    if (window && s->stride == 0)
        s->stride = conv ? 1 : s->size;
    return ABSA_OK;
}

static absa_status shape_window(absa_context *ctx, int64_t i, const absa_refnet_layer *s,
                                const absa__net_node *in, absa__net_node *out)
{
    const int64_t height = in->height + 2 * (int64_t)s->padding - s->size;
    const int64_t width = in->width + 2 * (int64_t)s->padding - s->size;
    if (height < 0 || width < 0)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "layer %lld (%s): a window of %d x %d is larger than its input of "
                              "%lld x %lld",
                              (long long)i, KIND_NAMES[s->kind], s->size, s->size,
                              (long long)in->height, (long long)in->width);
    out->channels = s->kind == ABSA_REFNET_CONV ? s->units : in->channels;
    out->height = height / s->stride + 1;
    out->width = width / s->stride + 1;
    return ABSA_OK;
}

/* Finds the shape of layer i's output from those of earlier ones. */
static absa_status shape_layer(absa_refnet *net, int64_t i)
{
    absa_context *ctx = net->context;
    absa__net_layer *layer = &net->layers[i];
    const absa_refnet_layer *s = &layer->spec;
    const absa__net_node *in = &net->nodes[layer->in];
    absa__net_node *out = &net->nodes[i];
    absa_status status = ABSA_OK;
    int fits = 1;
    out->channels = in->channels;
    out->height = in->height;
    out->width = in->width;
    if (s->kind == ABSA_REFNET_DENSE) {
        layer->fan_in = in->size;
        out->channels = s->units;
        out->height = out->width = 1;
    } else if (is_window(s->kind)) {
        status = shape_window(ctx, i, s, in, out);
        fits = multiply(in->channels, s->size, &layer->fan_in) &&
               multiply(layer->fan_in, s->size, &layer->fan_in);
    } else if (s->kind == ABSA_REFNET_GLOBAL_POOL) {
        out->height = out->width = 1;
    } else if (s->kind == ABSA_REFNET_FLATTEN) {
        out->channels = in->size;
        out->height = out->width = 1;
    } else if (s->kind == ABSA_REFNET_ADD) {
        const absa__net_node *b = &net->nodes[layer->other];
        if (b->channels != in->channels || b->height != in->height || b->width != in->width)
            return absa__net_fail(ctx, ABSA_E_INVALID,
                                  "layer %lld (add): %lld x %lld x %lld and %lld x %lld x %lld "
                                  "cannot be added",
                                  (long long)i, (long long)in->channels, (long long)in->height,
                                  (long long)in->width, (long long)b->channels,
                                  (long long)b->height, (long long)b->width);
        net->nodes[layer->other].consumers++;
    }
    if (status)
        return status;
    net->nodes[layer->in].consumers++;
    if (!fits || !multiply(out->channels, out->height, &out->size) ||
        !multiply(out->size, out->width, &out->size))
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "layer %lld (%s): a window or output of more than %d elements",
                              (long long)i, KIND_NAMES[s->kind], INT32_MAX);
    return ABSA_OK;
}

static absa_status check_graph(const absa_refnet *net)
{
    for (int64_t i = 0; i < net->layer_count; i++)
        if (net->nodes[i].consumers == 0)
            return absa__net_fail(net->context, ABSA_E_INVALID, "%s %lld is not used by any layer",
                                  i ? "the output of layer" : "the network's input, node",
                                  (long long)i);
    const int64_t outputs = net->nodes[net->layer_count].size;
    if (net->options.loss == ABSA_REFNET_LOGISTIC && outputs != 1)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "logistic loss needs 1 output, the last layer has %lld",
                              (long long)outputs);
    return ABSA_OK;
}

/* ReLU-like functions lose about half of the variance, which the weights before them make up for.
 */
static double start_variance(const absa_refnet *net, int64_t layer)
{
    double variance = 1 / (double)net->layers[layer].fan_in;
    int64_t reads = layer;
    for (int64_t i = layer + 1; i <= net->layer_count; i++)
        if (net->layers[i].in == reads) {
            const int32_t kind = net->layers[i].spec.kind;
            if (kind == ABSA_REFNET_BATCH_NORM) {
                reads = i;
                continue;
            }
            if (kind == ABSA_REFNET_RELU || kind == ABSA_REFNET_GELU ||
                kind == ABSA_REFNET_SOFTPLUS)
                variance *= 2;
            break;
        }
    return variance;
}

/* Appends a range of theta that belongs to a layer of the network, and to a layer of blocks. */
static int64_t append_range(absa_refnet *net, int64_t layer, int64_t in_blocks, int number,
                            int32_t role, const int64_t shape[4], int32_t rank)
{
    absa__net_range *r = &net->ranges[net->range_count++];
    snprintf(r->name, sizeof r->name, "%s%d.%s", KIND_NAMES[net->layers[layer].spec.kind], number,
             ROLE_NAMES[role]);
    r->range.range.name = r->name;
    r->range.range.first = net->n;
    r->range.range.count = 1;
    for (int d = 0; d < 4; d++) {
        r->range.shape[d] = shape[d];
        r->range.range.count *= shape[d];
    }
    r->range.range.layer = in_blocks;
    r->range.rank = rank;
    r->range.layer = (int32_t)layer;
    r->range.role = role;
    r->start = role == ABSA_REFNET_GAIN ? 1 : 0;
    r->variance = role == ABSA_REFNET_WEIGHT ? start_variance(net, layer) : 0;
    net->n += r->range.range.count;
    return r->range.range.first;
}

/* A batch normalisation right behind the layer whose weights it rescales counts as part of it. */
static int begins_block_layer(const absa_refnet *net, int64_t layer)
{
    const absa__net_layer *l = &net->layers[layer];
    const int32_t before = layer > 1 && l->in == layer - 1 ? net->layers[layer - 1].spec.kind : 0;
    return l->spec.kind != ABSA_REFNET_BATCH_NORM ||
           (before != ABSA_REFNET_CONV && before != ABSA_REFNET_DENSE);
}

static absa_status lay_out_theta(absa_refnet *net)
{
    int numbers[ABSA_REFNET_BATCH_NORM + 1] = {0};
    int64_t in_blocks = 0;
    for (int64_t i = 1; i <= net->layer_count; i++) {
        absa__net_layer *layer = &net->layers[i];
        const absa_refnet_layer *s = &layer->spec;
        const int conv = s->kind == ABSA_REFNET_CONV, norm = s->kind == ABSA_REFNET_BATCH_NORM;
        layer->weight = layer->bias = -1;
        if (!conv && !norm && s->kind != ABSA_REFNET_DENSE)
            continue;
        const int number = ++numbers[s->kind];
        in_blocks += begins_block_layer(net, i);
        if (norm) {
            const int64_t channels[4] = {net->nodes[i].channels, 1, 1, 1};
            layer->weight = append_range(net, i, in_blocks, number, ABSA_REFNET_GAIN, channels, 1);
            layer->bias = append_range(net, i, in_blocks, number, ABSA_REFNET_SHIFT, channels, 1);
            layer->statistics = net->statistic_count;
            net->statistic_count += 2 * channels[0];
            continue;
        }
        const int64_t dense[4] = {s->units, layer->fan_in, 1, 1};
        const int64_t window[4] = {s->units, net->nodes[layer->in].channels, s->size, s->size};
        const int64_t bias[4] = {s->units, 1, 1, 1};
        layer->weight = append_range(net, i, in_blocks, number, ABSA_REFNET_WEIGHT,
                                     conv ? window : dense, conv ? 4 : 2);
        if (!s->no_bias)
            layer->bias = append_range(net, i, in_blocks, number, ABSA_REFNET_BIAS, bias, 1);
        /* Before a sum of them can overflow: a layer alone has less than 2^63. */
        if (net->n > ABSA__NET_MOST_ELEMENTS)
            return absa__net_fail(net->context, ABSA_E_MEMORY,
                                  "layer %lld (%s): %lld parameters so far do not fit into any "
                                  "memory",
                                  (long long)i, KIND_NAMES[s->kind], (long long)net->n);
    }
    return ABSA_OK;
}

static absa_status fill_plan(absa_refnet *net, const absa_refnet_options *o)
{
    int64_t count;
    absa_status status = ABSA_OK;
    absa__net_node *input = &net->nodes[0];
    input->channels = o->channels;
    input->height = o->height;
    input->width = o->width;
    input->size = o->channels * o->height * o->width;
    absa_refnet_layer *specs = NULL;
    if (o->name) {
        status = absa_context_alloc(net->context, net->layer_count, sizeof *specs, (void **)&specs);
        if (!status)
            status = absa__net_named(net->context, o, specs, &count);
    }
    for (int64_t i = 1; i <= net->layer_count && !status; i++) {
        net->layers[i].spec = specs ? specs[i - 1] : o->layers[i - 1];
        status = check_layer(net->context, i, &net->layers[i]);
        if (!status)
            status = shape_layer(net, i);
    }
    absa_context_release(net->context, specs, net->layer_count, sizeof *specs);
    if (!status)
        status = check_graph(net);
    if (!status)
        status = lay_out_theta(net);
    if (status)
        return status;
    absa__net_moves(net, NULL, 0, net->how);
    return absa__net_place(net);
}

absa_status absa__net_plan(absa_context *ctx, const absa_refnet_options *options, absa_refnet **out)
{
    absa_refnet_options o;
    absa_refnet *net;
    absa_refnet_options_init(&o, sizeof o);
    *out = NULL;
    absa_status status = absa__net_struct_read(ctx, "absa_refnet_options", options, &o, sizeof o);
    if (!status)
        status = check_options(ctx, &o);
    int64_t count = o.layer_count;
    if (!status && o.name)
        status = absa__net_named(ctx, &o, NULL, &count);
    if (!status)
        status = absa_context_alloc(ctx, 1, sizeof *net, (void **)&net);
    if (status)
        return status;
    net->context = absa_context_retain(ctx);
    net->options = o;
    net->options.ghost_rows = o.ghost_rows ? o.ghost_rows : USUAL_GHOST;
    net->threads = o.threads ? o.threads : 1;
    net->options.name = NULL;
    net->options.layers = NULL;
    net->options.hidden = NULL;
    net->layer_count = count;
    net->range_capacity = 2 * count;
    status = absa_context_alloc(ctx, count + 1, sizeof *net->layers, (void **)&net->layers);
    if (!status)
        status = absa_context_alloc(ctx, count + 1, sizeof *net->nodes, (void **)&net->nodes);
    if (!status)
        status = absa_context_alloc(ctx, net->range_capacity, sizeof *net->ranges,
                                    (void **)&net->ranges);
    if (!status)
        status = absa_context_alloc(ctx, net->threads * (count + 1), sizeof *net->written,
                                    (void **)&net->written);
    if (!status)
        status = absa_context_alloc(ctx, count + 1, sizeof *net->how, (void **)&net->how);
    if (!status)
        status = fill_plan(net, &o);
    if (status)
        absa_refnet_destroy(&net);
    *out = net;
    return status;
}
