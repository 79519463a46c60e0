/* Where everything lies: which outputs share memory, how many rows are worked on at a time, and how
 * large the arena is. */
#include "net.h"

enum {
    /* Bytes that the values and deltas of a chunk should take: they then stay in the cache between
     * the layers. */
    CHUNK_BYTES = 1 << 20,
    LEAST_CHUNK = 16,
    MOST_CHUNK = 256,
    /* Bytes of a block of unfolded convolution inputs. */
    COLUMN_BYTES = 1 << 18
};

static int is_activation(int32_t kind)
{
    return kind == ABSA_REFNET_RELU || kind == ABSA_REFNET_TANH || kind == ABSA_REFNET_SOFTPLUS ||
           kind == ABSA_REFNET_GELU;
}

/* A layer may overwrite its input's values when nothing else reads them: no other layer, and not
 * the layer that made them, of which only activations do. */
static int may_overwrite(const absa_refnet *net, int32_t node)
{
    if (node == 0 || net->nodes[node].consumers != 1)
        return 0;
    const int32_t kind = net->layers[node].spec.kind;
    return !is_activation(kind) && kind != ABSA_REFNET_FLATTEN;
}

static void share_memory(absa_refnet *net)
{
    for (int64_t i = 0; i <= net->layer_count; i++) {
        absa__net_node *node = &net->nodes[i];
        const absa__net_layer *layer = &net->layers[i];
        const int32_t kind = i ? layer->spec.kind : 0;
        node->value_root = node->delta_root = (int32_t)i;
        if (kind == ABSA_REFNET_FLATTEN) {
            node->value_root = net->nodes[layer->in].value_root;
            node->delta_root = net->nodes[layer->in].delta_root;
        } else if (is_activation(kind) && kind != ABSA_REFNET_GELU &&
                   may_overwrite(net, layer->in)) {
            node->value_root = layer->in;
            if (kind == ABSA_REFNET_RELU)
                node->delta_root = layer->in;
        }
    }
}

static void place_nodes(absa_refnet *net)
{
    net->aux = net->nodes[net->layer_count].size;
    for (int64_t i = 0; i <= net->layer_count; i++) {
        absa__net_node *node = &net->nodes[i];
        const int own_value = node->value_root == i, own_delta = node->delta_root == i;
        node->value = own_value ? net->values : net->nodes[node->value_root].value;
        node->delta = own_delta ? net->deltas : net->nodes[node->delta_root].delta;
        net->values += own_value ? node->size : 0;
        net->deltas += own_delta ? node->size : 0;
        if (i)
            net->layers[i].aux = net->aux;
        if (i && net->layers[i].spec.kind == ABSA_REFNET_MAX_POOL)
            net->aux += node->size;
        if (i && net->layers[i].spec.kind == ABSA_REFNET_BATCH_NORM)
            net->aux += ABSA__NET_NOTES * node->channels;
    }
}

/* Rows are worked on in multiples of 16 where the chunk allows it, so that runs of rows fill whole
 * vector registers; or in whole ghost batches. */
static int64_t row_step(const absa_refnet *net)
{
    if (net->statistic_count)
        return net->options.ghost_rows;
    return net->chunk % LEAST_CHUNK ? 1 : LEAST_CHUNK;
}

int64_t absa__net_piece(const absa_refnet *net, int64_t rows)
{
    const int64_t step = row_step(net), threads = net->threads;
    const int64_t turns = (rows - 1) / (net->chunk * threads) + 1;
    const int64_t piece = (rows - 1) / (turns * threads) + 1;
    const int64_t steps = (piece - 1) / step + 1;
    return steps * step < net->chunk ? steps * step : net->chunk;
}

/* The deltas of the input do not count: only an input gradient has any. */
static int64_t usual_chunk(const absa_refnet *net)
{
    const int64_t elements = net->values + net->deltas - net->nodes[0].size;
    const int64_t row = elements * (int64_t)absa__net_element_size(net);
    const int64_t step = row_step(net);
    const int64_t fit = CHUNK_BYTES / row,
                  rows = (fit < MOST_CHUNK ? fit : MOST_CHUNK) / step * step;
    return rows < step ? step : rows;
}

/* Elements up to the next multiple of 64 bytes, for either type. */
static int64_t aligned(int64_t count)
{
    return (count + 15) / 16 * 16;
}

int64_t absa__net_statistics(const absa_refnet *net)
{
    return net->statistic_count * (1 + net->threads);
}

static void place_columns(absa_refnet *net)
{
    const int64_t room = COLUMN_BYTES / (int64_t)absa__net_element_size(net);
    for (int64_t i = 1; i <= net->layer_count; i++) {
        absa__net_layer *layer = &net->layers[i];
        if (layer->spec.kind != ABSA_REFNET_CONV)
            continue;
        const int64_t pixels = net->nodes[i].height * net->nodes[i].width;
        const int64_t pixel = layer->fan_in * net->chunk, fit = room / pixel;
        layer->block = fit < 1 ? 1 : fit < pixels ? fit : pixels;
        if (net->column < layer->block * pixel)
            net->column = layer->block * pixel;
    }
}

absa_status absa__net_place(absa_refnet *net)
{
    int64_t largest = 0;
    share_memory(net);
    place_nodes(net);
    net->chunk = net->options.chunk_rows ? net->options.chunk_rows : usual_chunk(net);
    if (net->options.chunk_rows && net->statistic_count && net->chunk % net->options.ghost_rows)
        return absa__net_fail(
            net->context, ABSA_E_INVALID,
            "absa_refnet_options: chunk_rows is %lld; with batch normalisation it "
            "must be a multiple of the ghost batch, %lld",
            (long long)net->chunk, (long long)net->options.ghost_rows);
    for (int64_t i = 0; i <= net->layer_count; i++) {
        largest = largest < net->nodes[i].size ? net->nodes[i].size : largest;
        if (i && net->layers[i].fan_in > largest)
            largest = net->layers[i].fan_in;
    }
    if (net->chunk > INT32_MAX / largest)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "absa_refnet_options: with chunks of %lld rows a layer has more than "
                              "%d elements; lower chunk_rows",
                              (long long)net->chunk, INT32_MAX);
    place_columns(net);
    net->kept = net->options.probe_rows;
    /* In doubles first, which do not overflow. */
    const double row = (double)(net->values + net->deltas + net->aux), chunk = (double)net->chunk;
    const double each = 2 * row * chunk + (double)net->column + (double)net->n;
    if (row * (double)net->kept + (double)net->n + each * (double)net->threads >
        (double)ABSA__NET_MOST_ELEMENTS)
        return absa__net_fail(net->context, ABSA_E_MEMORY,
                              "a network of %lld parameters with %lld kept probe rows does not fit "
                              "into any memory",
                              (long long)net->n, (long long)net->kept);
    const int64_t slot = net->values + net->deltas + net->aux;
    net->kept_count = aligned(slot * net->kept);
    net->theta_count = aligned(net->n);
    net->column = aligned(net->column);
    net->pass_count = aligned(slot * net->chunk);
    net->r_count = aligned((net->values + net->deltas) * net->chunk);
    net->work_count = net->pass_count + net->r_count + net->column + aligned(net->n);
    net->arena_count = net->kept_count + net->theta_count + net->threads * net->work_count;
    return ABSA_OK;
}

int64_t absa__net_bytes(const absa_refnet *net)
{
    const size_t per_layer = sizeof *net->layers + sizeof *net->nodes + sizeof *net->how +
                             sizeof *net->written * (size_t)net->threads;
    return (int64_t)(sizeof *net + per_layer * (size_t)(net->layer_count + 1) +
                     sizeof *net->ranges * (size_t)net->range_capacity +
                     sizeof *net->statistics * (size_t)absa__net_statistics(net) +
                     (size_t)absa__net_pool_bytes(net->threads) +
                     absa__net_element_size(net) * (size_t)net->arena_count);
}
