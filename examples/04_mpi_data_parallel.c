/* Data-parallel training under MPI: every process has all parameters and a part of each batch. The
 * controller deals out the rows, and the Hessian over all parts of the probe decides for all. Any
 * number of processes decides the same: mpirun -n 3 04_mpi_data_parallel */
#include <absa/absa.h>

#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 8192, FEATURES = 24, PROBE = 1000, EPOCHS = 12 };

typedef struct host {
    double x[SAMPLES][FEATURES]; /* a real host holds its own rows only */
    double y[SAMPLES], w[FEATURES];
    int rank, ranks;
} host;

static double dot(const double *a, const double *b)
{
    double sum = 0.0;
    for (int j = 0; j < FEATURES; j++)
        sum += a[j] * b[j];
    return sum;
}

static double sigmoid(double t)
{
    return 1.0 / (1.0 + exp(-t));
}

/* This process's part of the probe. */
static int hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const host *h = user;
    const int first = PROBE * h->rank / h->ranks, end = PROBE * (h->rank + 1) / h->ranks;
    double *out = hv;
    for (int j = 0; j < FEATURES; j++)
        out[j] = 0.0;
    for (int i = first; i < end; i++) {
        const double s = sigmoid(dot(h->x[i], h->w)), c = s * (1.0 - s) * dot(h->x[i], v);
        for (int j = 0; j < FEATURES; j++)
            out[j] += c * h->x[i][j] / (end - first);
    }
    *samples = end - first; /* a mean over these: the library weights the processes by them */
    return 0;
}

/* The few doubles that checks and controllers exchange, and vectors: summed in place. */
static int sum_numbers(void *user, double *values, int64_t count)
{
    (void)user;
    return MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static int sum_vector(void *user, void *y)
{
    return sum_numbers(user, y, FEATURES);
}

static void make_data(host *h)
{
    static double coin[SAMPLES];
    double truth[FEATURES];
    absa_random_gaussian_f64(1, 0, 0, FEATURES, truth);
    absa_random_uniform(1, 1, 0, SAMPLES, coin);
    absa_random_gaussian_f64(1, 2, 0, SAMPLES * FEATURES, &h->x[0][0]);
    for (int i = 0; i < SAMPLES; i++)
        h->y[i] = coin[i] < sigmoid(dot(h->x[i], truth));
}

static absa_context *ctx;
static void check(absa_status status)
{
    if (status) {
        fprintf(stderr, "libabsa: %s\n", absa_context_message(ctx));
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

int main(int argc, char **argv)
{
    static host h;
    double acc[FEATURES] = {0};
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_controller *ctl = NULL;
    absa_controller_options o;
    absa_operator_options oo;
    absa_space space;
    absa_eigen_result r = {.struct_size = sizeof r};
    absa_plan plan = {.struct_size = sizeof plan};
    absa_micro m = {.struct_size = sizeof m};

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &h.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &h.ranks);
    make_data(&h);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, FEATURES);
    space.distribution = ABSA_DISTRIBUTION_REPLICATED;
    space.reduce = sum_numbers;
    absa_operator_options_init(&oo, sizeof oo);
    oo.reduce_vector = sum_vector;
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_ABS;
    o.samples = SAMPLES;
    o.epochs = EPOCHS;
    o.batch = o.micro_batch = 32; /* rows of a process that fit its memory */
    o.lr = 0.1;
    o.patience = 3;
    o.reduce = sum_numbers;
    o.process = h.rank;
    check(absa_context_create(NULL, &ctx));
    check(absa_controller_create(ctx, &o, &ctl));
    check(absa_operator_from_hvp(ctx, &space, hvp, &h, &oo, &op));
    check(absa_eigen_create(ctx, &space, NULL, &eigen));
    while (check(absa_controller_plan(ctl, h.rank, h.ranks, &plan)), !plan.finished) {
        if (plan.epoch_done) {
            check(absa_controller_end_epoch(ctl));
        } else if (plan.measure_due) {
            check(absa_eigen_run(eigen, op, NULL, &r));
            check(absa_controller_observe(ctl, &r, NULL));
            if (h.rank == 0)
                printf("epoch %2d  lambda %.6f in [%.6f, %.6f]  batch %d  lr %.2f\n",
                       (int)plan.epochs_ended, r.value, r.lower, r.upper, (int)plan.batch, plan.lr);
        } else {
            check(absa_controller_micro(ctl, h.rank, h.ranks, &m));
            for (int64_t i = m.first; i < m.first + m.rows; i++) {
                const double d = (sigmoid(dot(h.x[i], h.w)) - h.y[i]) / (double)m.rows;
                for (int j = 0; j < FEATURES; j++)
                    acc[j] += m.weight * d * h.x[i][j];
            }
            check(absa_controller_advance(ctl, m.global_rows));
            if (m.last) {
                sum_vector(NULL, acc); /* once an update */
                for (int j = 0; j < FEATURES; j++)
                    h.w[j] -= plan.lr * acc[j];
                memset(acc, 0, sizeof acc);
            }
        }
    }
    if (h.rank == 0)
        printf("%d updates instead of %d\n", (int)plan.update, EPOCHS * SAMPLES / 32);
    absa_controller_destroy(&ctl);
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
    return MPI_Finalize();
}
