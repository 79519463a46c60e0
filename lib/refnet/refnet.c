/* The public functions of refnet.h: every argument is checked here, then the element type's driver
 * does the work. */
#include <absa/refnet.h>

#include "net.h"

#include <math.h>
#include <string.h>

void absa_refnet_options_init(absa_refnet_options *options, size_t size)
{
    absa_refnet_options o = {0};
    o.channels = o.height = o.width = 1;
    o.activation = ABSA_REFNET_RELU;
    o.element = ABSA_ELEMENT_F32;
    o.loss = ABSA_REFNET_SOFTMAX;
    absa__net_struct_init(options, size, &o, sizeof o);
}

absa_status absa_refnet_workspace(absa_context *context, const absa_refnet_options *options,
                                  int64_t *bytes)
{
    absa_refnet *net;
    if (!context || !options || !bytes)
        return absa__net_fail(context, ABSA_E_INVALID, "absa_refnet_workspace: %s is NULL",
                              !context   ? "context"
                              : !options ? "options"
                                         : "bytes");
    absa_status status = absa__net_plan(context, options, &net);
    if (status)
        return status;
    *bytes = absa__net_bytes(net);
    absa_refnet_destroy(&net);
    return ABSA_OK;
}

absa_status absa_refnet_create(absa_context *context, const absa_refnet_options *options,
                               absa_refnet **out)
{
    absa_refnet *net;
    if (!out)
        return absa__net_fail(context, ABSA_E_INVALID, "absa_refnet_create: out is NULL");
    *out = NULL;
    if (!context || !options)
        return absa__net_fail(context, ABSA_E_INVALID, "absa_refnet_create: %s is NULL",
                              !context ? "context" : "options");
    absa_status status = absa__net_plan(context, options, &net);
    if (status)
        return status;
    status =
        absa_context_alloc(context, net->arena_count, absa__net_element_size(net), &net->arena);
    if (!status)
        status = absa_context_alloc(context, absa__net_statistics(net), sizeof *net->statistics,
                                    (void **)&net->statistics);
    for (int64_t i = 1; i < net->statistic_count && !status; i += 2)
        net->statistics[i] = 1;
    if (!status)
        status = absa__net_pool_create(context, net->threads, &net->pool);
    if (status)
        absa_refnet_destroy(&net);
    *out = net;
    return status;
}

void absa_refnet_destroy(absa_refnet **net)
{
    if (!net || !*net)
        return;
    absa_refnet *n = *net;
    absa_context *ctx = n->context;
    *net = NULL;
    absa__net_pool_destroy(ctx, &n->pool);
    absa_context_release(ctx, n->arena, n->arena_count, absa__net_element_size(n));
    absa_context_release(ctx, n->statistics, absa__net_statistics(n), sizeof *n->statistics);
    absa_context_release(ctx, n->how, n->layer_count + 1, sizeof *n->how);
    absa_context_release(ctx, n->written, n->threads * (n->layer_count + 1), sizeof *n->written);
    absa_context_release(ctx, n->ranges, n->range_capacity, sizeof *n->ranges);
    absa_context_release(ctx, n->nodes, n->layer_count + 1, sizeof *n->nodes);
    absa_context_release(ctx, n->layers, n->layer_count + 1, sizeof *n->layers);
    absa_context_release(ctx, n, 1, sizeof *n);
    absa_context_destroy(&ctx);
}

int64_t absa_refnet_parameter_count(const absa_refnet *net)
{
    return net ? net->n : 0;
}

int64_t absa_refnet_input_count(const absa_refnet *net)
{
    return net ? net->nodes[0].size : 0;
}

int64_t absa_refnet_output_count(const absa_refnet *net)
{
    return net ? net->nodes[net->layer_count].size : 0;
}

int32_t absa_refnet_element(const absa_refnet *net)
{
    return net ? net->options.element : -1;
}

int64_t absa_refnet_range_count(const absa_refnet *net)
{
    return net ? net->range_count : 0;
}

void absa_refnet_range_init(absa_refnet_range *range, size_t size)
{
    const absa_refnet_range r = {0};
    absa__net_struct_init(range, size, &r, sizeof r);
}

absa_status absa_refnet_range_at(const absa_refnet *net, int64_t index, absa_refnet_range *range)
{
    if (!net)
        return ABSA_E_INVALID;
    if (!range || index < 0 || index >= net->range_count)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "absa_refnet_range_at: index %lld of %lld ranges, or range is NULL",
                              (long long)index, (long long)net->range_count);
    return absa__net_struct_write(net->context, "absa_refnet_range", &net->ranges[index].range,
                                  range, sizeof *range);
}

void absa_refnet_space(const absa_refnet *net, absa_space *space, size_t size)
{
    absa_space_host(space, size, net ? net->options.element : ABSA_ELEMENT_F32,
                    absa_refnet_parameter_count(net));
}

absa_status absa_refnet_init_parameters(const absa_refnet *net, uint64_t seed, void *theta)
{
    if (!net)
        return ABSA_E_INVALID;
    if (!theta)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "absa_refnet_init_parameters: theta is NULL");
    memset(theta, 0, (size_t)net->n * absa__net_element_size(net));
    for (int64_t i = 0; i < net->range_count; i++) {
        const absa__net_range *r = &net->ranges[i];
        for (int64_t j = 0; r->start != 0 && j < r->range.range.count; j++)
            if (net->options.element == ABSA_ELEMENT_F32)
                ((float *)theta)[r->range.range.first + j] = (float)r->start;
            else
                ((double *)theta)[r->range.range.first + j] = r->start;
        if (r->variance > 0)
            absa__net_driver_of(net)->fill_normal(seed, (uint64_t)i, sqrt(r->variance),
                                                  r->range.range.count, theta,
                                                  r->range.range.first);
    }
    return ABSA_OK;
}

/* Names the first pointer that is NULL, and checks rows. */
static absa_status check_batch(const absa_refnet *net, const char *function, const void *theta,
                               const void *x, int64_t rows, const void *out)
{
    const char *name = !theta ? "theta" : !x ? "x" : !out ? "the output" : NULL;
    if (name)
        return absa__net_fail(net->context, ABSA_E_INVALID, "%s: %s is NULL", function, name);
    if (rows < 1 || rows > INT64_MAX / net->nodes[0].size / (int64_t)sizeof(double))
        return absa__net_fail(net->context, ABSA_E_INVALID, "%s: rows is %lld, must be 1 or more",
                              function, (long long)rows);
    return ABSA_OK;
}

static absa_status check_labels(const absa_refnet *net, const char *function, const void *y,
                                int64_t rows)
{
    const int32_t *labels = y;
    const int64_t outputs = net->nodes[net->layer_count].size;
    const int64_t classes = net->options.loss == ABSA_REFNET_LOGISTIC ? 2 : outputs;
    if (!y)
        return absa__net_fail(net->context, ABSA_E_INVALID, "%s: y is NULL", function);
    for (int64_t i = 0; net->options.loss != ABSA_REFNET_SQUARED && i < rows; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return absa__net_fail(net->context, ABSA_E_INVALID,
                                  "%s: the label of row %lld is %d, must be 0 to %lld", function,
                                  (long long)i, labels[i], (long long)classes - 1);
    return ABSA_OK;
}

/* Checks what a pass over labelled rows is given, and fixes the mode it runs in. */
static absa_status begin_pass(absa_refnet *net, const char *function, const void *theta,
                              const void *x, const void *y, int64_t rows, const void *out)
{
    absa_status status = check_batch(net, function, theta, x, rows, out);
    if (!status)
        status = check_labels(net, function, y, rows);
    if (!status)
        net->pass_mode = net->mode;
    return status;
}

/* What a pass starts from; theta is NULL where weight decay does not count. */
static absa__net_sums no_sums(const absa_refnet *net, const void *theta)
{
    absa__net_sums sums = {.bad_row = -1};
    const double decay = net->options.weight_decay;
    if (theta && decay > 0)
        sums.penalty = decay / 2 * absa__net_driver_of(net)->square(net->n, theta);
    return sums;
}

/* Turns what a pass found into the loss, or into a failure that names the row. loss may be NULL. */
static absa_status conclude(const absa_refnet *net, const char *function, int64_t rows,
                            const absa__net_sums *sums, double *loss)
{
    if (sums->bad_row >= 0)
        return absa__net_fail(
            net->context, ABSA_E_NONFINITE,
            "%s: the loss of row %lld is not finite; theta or x holds a NaN or an "
            "infinity, or the outputs overflow",
            function, (long long)sums->bad_row);
    const double value = absa__net_loss(sums, rows);
    if (!isfinite(value))
        return absa__net_fail(net->context, ABSA_E_NONFINITE, "%s: the loss overflows", function);
    if (loss)
        *loss = value;
    return ABSA_OK;
}

absa_status absa_refnet_loss(absa_refnet *net, const void *theta, const void *x, const void *y,
                             int64_t rows, double *loss)
{
    if (!net)
        return ABSA_E_INVALID;
    const absa_status status = begin_pass(net, __func__, theta, x, y, rows, loss);
    if (status)
        return status;
    absa__net_sums sums = no_sums(net, theta);
    absa__net_driver_of(net)->evaluate(net, theta, x, y, rows, NULL, &sums);
    return conclude(net, __func__, rows, &sums, loss);
}

absa_status absa_refnet_gradient(absa_refnet *net, const void *theta, const void *x, const void *y,
                                 int64_t rows, void *gradient, double *loss)
{
    if (!net)
        return ABSA_E_INVALID;
    absa_status status = begin_pass(net, __func__, theta, x, y, rows, gradient);
    if (status)
        return status;
    net->last_rows = 0;
    absa__net_sums sums = no_sums(net, theta);
    absa__net_driver_of(net)->gradient(net, theta, x, y, rows, gradient, &sums);
    status = conclude(net, __func__, rows, &sums, loss);
    if (!status && net->mode == ABSA_REFNET_TRAIN)
        net->last_rows = rows;
    return status;
}

absa_status absa_refnet_input_gradient(absa_refnet *net, const void *theta, const void *x,
                                       const void *y, int64_t rows, void *gradient, double *loss)
{
    if (!net)
        return ABSA_E_INVALID;
    const absa_status status = begin_pass(net, __func__, theta, x, y, rows, gradient);
    if (status)
        return status;
    absa__net_sums sums = no_sums(net, theta);
    absa__net_driver_of(net)->input_gradient(net, theta, x, y, rows, gradient, &sums);
    return conclude(net, __func__, rows, &sums, loss);
}

absa_status absa_refnet_predict(absa_refnet *net, const void *theta, const void *x, int64_t rows,
                                void *outputs)
{
    if (!net)
        return ABSA_E_INVALID;
    absa_status status = check_batch(net, __func__, theta, x, rows, outputs);
    if (status)
        return status;
    net->pass_mode = net->mode;
    absa__net_driver_of(net)->evaluate(net, theta, x, NULL, rows, outputs, NULL);
    return ABSA_OK;
}

void absa_refnet_evaluation_init(absa_refnet_evaluation *evaluation, size_t size)
{
    const absa_refnet_evaluation e = {0};
    absa__net_struct_init(evaluation, size, &e, sizeof e);
}

absa_status absa_refnet_evaluate(absa_refnet *net, const void *theta, const void *x, const void *y,
                                 int64_t rows, absa_refnet_evaluation *evaluation)
{
    if (!net)
        return ABSA_E_INVALID;
    absa_refnet_evaluation e = {0};
    absa_status status = begin_pass(net, __func__, theta, x, y, rows, evaluation);
    if (status)
        return status;
    absa__net_sums sums = no_sums(net, NULL);
    absa__net_driver_of(net)->evaluate(net, theta, x, y, rows, NULL, &sums);
    status = conclude(net, __func__, rows, &sums, NULL);
    if (status)
        return status;
    e.rows = rows;
    e.correct = sums.correct;
    e.loss_sum = sums.loss;
    return absa__net_struct_write(net->context, "absa_refnet_evaluation", &e, evaluation, sizeof e);
}

absa_status absa_refnet_probe(absa_refnet *net, const void *theta, const void *x, const void *y,
                              int64_t rows, double *loss)
{
    if (!net)
        return ABSA_E_INVALID;
    absa_refnet_probe_clear(net);
    absa_status status = check_batch(net, __func__, theta, x, rows, net);
    if (!status)
        status = check_labels(net, __func__, y, rows);
    if (status)
        return status;
    net->pass_mode = net->probe_mode = net->mode;
    absa__net_sums sums = no_sums(net, theta);
    absa__net_driver_of(net)->probe(net, theta, x, y, rows, &sums);
    status = conclude(net, __func__, rows, &sums, loss);
    if (status)
        return status;
    net->probe_x = x;
    net->probe_y = y;
    net->probe_rows = rows;
    return ABSA_OK;
}

void absa_refnet_probe_clear(absa_refnet *net)
{
    if (!net)
        return;
    net->probe_x = net->probe_y = NULL;
    net->probe_rows = 0;
}

absa_status absa__net_check_product(const absa_refnet *net, const char *function, const void *v,
                                    const void *out)
{
    if (!v || !out || v == out)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "%s: the vector and the result must be two and not NULL", function);
    if (net->probe_rows == 0)
        return absa__net_fail(net->context, ABSA_E_STATE,
                              "%s: there is no probe; call absa_refnet_probe() first", function);
    return ABSA_OK;
}

static absa_status product(absa_refnet *net, const char *function, int gauss_newton, const void *v,
                           void *out)
{
    if (!net)
        return ABSA_E_INVALID;
    const absa_status status = absa__net_check_product(net, function, v, out);
    if (status)
        return status;
    net->pass_mode = net->probe_mode;
    absa__net_driver_of(net)->product(net, gauss_newton, v, out);
    return ABSA_OK;
}

absa_status absa_refnet_hvp(absa_refnet *net, const void *v, void *hv)
{
    return product(net, __func__, 0, v, hv);
}

absa_status absa_refnet_gnvp(absa_refnet *net, const void *v, void *gv)
{
    return product(net, __func__, 1, v, gv);
}

int absa_refnet_hvp_callback(void *net, const void *v, void *hv, int64_t *samples)
{
    absa_refnet *n = net;
    *samples = n->probe_rows;
    return absa_refnet_hvp(n, v, hv);
}

int absa_refnet_gnvp_callback(void *net, const void *v, void *gv, int64_t *samples)
{
    absa_refnet *n = net;
    *samples = n->probe_rows;
    return absa_refnet_gnvp(n, v, gv);
}
