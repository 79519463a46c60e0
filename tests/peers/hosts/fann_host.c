/* FANN, a C library that has training steps and no gradients: a batch step of rate 1 is the
 * negative mean gradient, so it is taken and taken back. Parameters stay where FANN keeps them. */
#include "host_run.h"

#include <doublefann.h>

enum { ROWS = 512, INPUTS = 3 };

typedef struct host {
    struct fann *ann;
    struct fann_train_data *data;
} host;

static double gradient(void *user, int64_t first, int64_t rows, void *out)
{
    host *h = user;
    double *g = out;
    const unsigned n = fann_get_total_connections(h->ann);
    struct fann_train_data *some = fann_subset_train_data(h->data, (unsigned)first, (unsigned)rows);
    double *before = malloc(n * sizeof *before);
    memcpy(before, h->ann->weights, n * sizeof *before);
    const double loss = fann_train_epoch(h->ann, some);
    for (unsigned i = 0; i < n; i++)
        g[i] = before[i] - h->ann->weights[i];
    memcpy(h->ann->weights, before, n * sizeof *before);
    free(before);
    fann_destroy_train(some);
    return loss / 2.0;
}

int main(void)
{
    host h;
    double x[ROWS * INPUTS];
    h.ann = fann_create_standard(3, INPUTS, 6, 1);
    h.data = fann_create_train(ROWS, INPUTS, 1);
    fann_set_activation_function_hidden(h.ann, FANN_SIGMOID_SYMMETRIC);
    fann_set_activation_function_output(h.ann, FANN_LINEAR);
    fann_set_train_error_function(h.ann, FANN_ERRORFUNC_LINEAR);
    fann_set_training_algorithm(h.ann, FANN_TRAIN_BATCH);
    fann_set_learning_rate(h.ann, 1.0F);
    trainer t = {.user = &h,
                 .theta = h.ann->weights,
                 .n = fann_get_total_connections(h.ann),
                 .element = ABSA_ELEMENT_F64,
                 .rows = ROWS,
                 .probe = 256,
                 .gradient = gradient,
                 .lr = 0.2,
                 .nudge = 1e-5,
                 .epochs = 12};
    absa_random_gaussian_f64(1, 0, 0, t.n, h.ann->weights);
    absa_random_gaussian_f64(1, 1, 0, ROWS * INPUTS, x);
    for (int64_t i = 0; i < t.n; i++)
        h.ann->weights[i] *= 0.3;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < INPUTS; j++)
            h.data->input[i][j] = 0.5 * x[i * INPUTS + j];
        h.data->output[i][0] = 0.5 * x[i * INPUTS] - 0.25 * x[i * INPUTS + 1] * x[i * INPUTS + 2];
    }
    const int result = host_run(&t);
    fann_destroy_train(h.data);
    fann_destroy(h.ann);
    return result;
}
