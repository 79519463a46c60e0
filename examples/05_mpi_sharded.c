/* Vectors that no process holds whole, under MPI: each has a run of the elements, dot products are
 * summed over all, and the product exchanges what lies at the borders. The operator is that of a
 * string with a heavy place in it: the second difference and a potential. Steps and values are the
 * same for any number of processes: mpirun -n 3 05_mpi_sharded */
#include <absa/absa.h>

#include <math.h>
#include <mpi.h>
#include <stdio.h>

enum { N = 100003 };

typedef struct host {
    int rank, ranks;
    int64_t first, n; /* this process's elements */
} host;

static double potential(int64_t i)
{
    const double x = (double)(i - N / 3) / 40.0;
    return 12.0 * exp(-x * x) + 0.5 * sin((double)i * 0.01);
}

/* Sends one number to a neighbour and takes one from the other; 0 where there is none. */
static int pass(const host *h, int step, double send, double *take)
{
    const int to = h->rank + step, from = h->rank - step;
    *take = 0.0;
    return MPI_Sendrecv(&send, 1, MPI_DOUBLE, to < 0 || to >= h->ranks ? MPI_PROC_NULL : to, 0,
                        take, 1, MPI_DOUBLE, from < 0 || from >= h->ranks ? MPI_PROC_NULL : from, 0,
                        MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* hv = H v on this process's elements. Nothing is summed over processes here: with sharded vectors
 * the library does that, and only for dot products. */
static int hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const host *h = user;
    const double *x = v;
    double *y = hv, left, right;
    if (pass(h, 1, x[h->n - 1], &left) || pass(h, -1, x[0], &right))
        return 1;
    for (int64_t i = 0; i < h->n; i++) {
        const double before = i > 0 ? x[i - 1] : left, after = i + 1 < h->n ? x[i + 1] : right;
        y[i] = 2.0 * x[i] - before - after + potential(h->first + i) * x[i];
    }
    *samples = 1; /* not a mean over samples */
    return 0;
}

static int sum_numbers(void *user, double *values, int64_t count)
{
    (void)user;
    return MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
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
    host h;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_eigen_options o;
    absa_eigen_result r;
    absa_space space;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &h.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &h.ranks);
    /* The later a process, the more it has: shards need not be equal. */
    const int64_t all = (int64_t)h.ranks * (h.ranks + 1) / 2;
    const int64_t end = N * ((int64_t)(h.rank + 1) * (h.rank + 2) / 2) / all;
    h.first = N * ((int64_t)h.rank * (h.rank + 1) / 2) / all;
    h.n = end - h.first;

    absa_space_init(&space, sizeof space);
    space.element = ABSA_ELEMENT_F64;
    space.distribution = ABSA_DISTRIBUTION_SHARDED;
    space.n = h.n;
    space.n_global = N;
    space.first = h.first;
    space.reduce = sum_numbers;
    absa_eigen_options_init(&o, sizeof o);
    o.rule = ABSA_RULE_CERTIFIED;
    o.tolerance = 1e-4;
    o.max_products = 400;
    absa_eigen_result_init(&r, sizeof r);
    check(absa_context_create(NULL, &ctx));
    check(absa_operator_from_hvp(ctx, &space, hvp, &h, NULL, &op));
    check(absa_eigen_create(ctx, &space, &o, &eigen));
    check(absa_eigen_run(eigen, op, NULL, &r));
    if (h.rank == 0)
        printf("top eigenvalue %.9f, in [%.9f, %.9f] with probability %g, %d products\n", r.value,
               r.lower, r.upper, 1.0 - r.eta, (int)r.products);
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
    return MPI_Finalize();
}
