/* Networks by name: turns a name and a few sizes into a list of layers. Whether the list fits the
 * input is decided where every list is checked, in net_plan.c. */
#include "net.h"

#include <string.h>

/* Appends layers to a list, or only counts them when there is none. */
typedef struct list {
    absa_refnet_layer *layers;
    int64_t count;
} list;

static void append(list *l, int32_t kind, int64_t units, int32_t size, int32_t padding)
{
    absa_refnet_layer layer = {
        .kind = kind, .units = (int32_t)units, .size = size, .padding = padding};
    if (l->layers)
        l->layers[l->count] = layer;
    l->count++;
}

static void mlp(list *l, const absa_refnet_options *o)
{
    static const int64_t usual[] = {256, 128};
    const int64_t *hidden = o->hidden ? o->hidden : usual;
    const int64_t count = o->hidden ? o->hidden_count : (int64_t)(sizeof usual / sizeof *usual);
    for (int64_t i = 0; i < count; i++) {
        append(l, ABSA_REFNET_DENSE, hidden[i], 0, 0);
        append(l, o->activation, 0, 0, 0);
    }
    append(l, ABSA_REFNET_DENSE, o->outputs, 0, 0);
}

/* LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998,
 * with max pooling and full connections between the channels. */
static void lenet(list *l, const absa_refnet_options *o)
{
    append(l, ABSA_REFNET_CONV, 6, 5, 2);
    append(l, o->activation, 0, 0, 0);
    append(l, ABSA_REFNET_MAX_POOL, 0, 2, 0);
    append(l, ABSA_REFNET_CONV, 16, 5, 0);
    append(l, o->activation, 0, 0, 0);
    append(l, ABSA_REFNET_MAX_POOL, 0, 2, 0);
    append(l, ABSA_REFNET_FLATTEN, 0, 0, 0);
    append(l, ABSA_REFNET_DENSE, 120, 0, 0);
    append(l, o->activation, 0, 0, 0);
    append(l, ABSA_REFNET_DENSE, 84, 0, 0);
    append(l, o->activation, 0, 0, 0);
    append(l, ABSA_REFNET_DENSE, o->outputs, 0, 0);
}

/* A normalised convolution without bias, and an activation unless it is 0. */
static void normalised(list *l, int64_t units, int32_t size, int32_t stride, int32_t source,
                       int32_t activation)
{
    append(l, ABSA_REFNET_CONV, units, size, size / 2);
    if (l->layers) {
        l->layers[l->count - 1].stride = stride;
        l->layers[l->count - 1].source = source;
        l->layers[l->count - 1].no_bias = 1;
    }
    append(l, ABSA_REFNET_BATCH_NORM, 0, 0, 0);
    if (activation)
        append(l, activation, 0, 0, 0);
}

/* A shortcut stands in front of its block, so that the layers from any point of the main path to
 * the end come last in theta. */
static void residual_block(list *l, int64_t units, int32_t stride, int project, int32_t activation)
{
    const int32_t input = (int32_t)l->count;
    if (project)
        normalised(l, units, 1, stride, 0, 0);
    const int32_t shortcut = (int32_t)l->count;
    normalised(l, units, 3, stride, input, activation);
    normalised(l, units, 3, 1, 0, 0);
    append(l, ABSA_REFNET_ADD, 0, 0, 0);
    if (l->layers)
        l->layers[l->count - 1].other = shortcut;
    append(l, activation, 0, 0, 0);
}

/* He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2016, section 4.2, with
 * projections (their option B) where the shape changes: 6 * blocks + 2 layers with weights. */
static void resnet(list *l, const absa_refnet_options *o, int blocks)
{
    normalised(l, 16, 3, 1, 0, o->activation);
    for (int stage = 0; stage < 3; stage++)
        for (int block = 0; block < blocks; block++) {
            const int reduces = stage > 0 && block == 0;
            residual_block(l, 16 << stage, reduces ? 2 : 1, reduces, o->activation);
        }
    append(l, ABSA_REFNET_GLOBAL_POOL, 0, 0, 0);
    append(l, ABSA_REFNET_DENSE, o->outputs, 0, 0);
}

static absa_status check_sizes(absa_context *ctx, const absa_refnet_options *o, int is_mlp)
{
    if (o->outputs < 1 || o->outputs > INT32_MAX)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: outputs is %lld; a network by name needs 1 or "
                              "more",
                              (long long)o->outputs);
    if (o->activation < ABSA_REFNET_RELU || o->activation > ABSA_REFNET_GELU)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: activation is %d, must be ABSA_REFNET_RELU, "
                              "TANH, SOFTPLUS or GELU",
                              o->activation);
    if (!is_mlp && o->hidden_count != 0)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: hidden widths are for \"mlp\", not for \"%s\"",
                              o->name);
    if (o->hidden_count < 0 || o->hidden_count > 1000 || !o->hidden != !o->hidden_count)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: hidden_count is %lld, must be 0 without hidden "
                              "and 1 to 1000 with it",
                              (long long)o->hidden_count);
    for (int64_t i = 0; i < o->hidden_count; i++)
        if (o->hidden[i] < 1 || o->hidden[i] > INT32_MAX)
            return absa__net_fail(ctx, ABSA_E_INVALID,
                                  "absa_refnet_options: hidden[%lld] is %lld, must be 1 or more",
                                  (long long)i, (long long)o->hidden[i]);
    return ABSA_OK;
}

absa_status absa__net_named(absa_context *ctx, const absa_refnet_options *o,
                            absa_refnet_layer *layers, int64_t *count)
{
    list l = {layers, 0};
    const int is_mlp = strcmp(o->name, "mlp") == 0, is_lenet = strcmp(o->name, "lenet") == 0;
    const int blocks = strcmp(o->name, "resnet8") == 0    ? 1
                       : strcmp(o->name, "resnet20") == 0 ? 3
                                                          : 0;
    if (!is_mlp && !is_lenet && !blocks && strcmp(o->name, "logreg") != 0)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_options: no network is named \"%.40s\"; there are "
                              "logreg, mlp, lenet, resnet8 and resnet20",
                              o->name);
    absa_status status = check_sizes(ctx, o, is_mlp);
    if (status)
        return status;
    if (is_mlp)
        mlp(&l, o);
    else if (is_lenet)
        lenet(&l, o);
    else if (blocks)
        resnet(&l, o, blocks);
    else
        append(&l, ABSA_REFNET_DENSE, o->outputs, 0, 0);
    *count = l.count;
    return ABSA_OK;
}
