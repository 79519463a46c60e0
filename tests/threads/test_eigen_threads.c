/* Contexts are independent: estimators that run in many threads at once, each on a context of its
 * own, give the bits that one alone gives. A plain program, for Criterion cannot run under
 * ThreadSanitizer, which is what this test is for. */
#include "alike.h"

#include <absa/eigen.h>

#include <string.h>

enum { N = 200, RUNS = 5 };

/* A sharp direction on a slope, so that a run takes some ten products. */
static int product(void *user, const void *v, void *hv, int64_t *samples)
{
    const double *x = v;
    double *y = hv;
    (void)user;
    (void)samples;
    for (int i = 0; i < N; i++)
        y[i] = (i == 0 ? 5.0 : (double)i / N) * x[i];
    return 0;
}

typedef struct job {
    absa_eigen_result results[RUNS];
    absa_status status;
} job;

static void work(void *user)
{
    job *j = user;
    absa_context *ctx = NULL;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_space space;

    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    j->status = absa_context_create(NULL, &ctx);
    if (j->status == ABSA_OK)
        j->status = absa_operator_from_hvp(ctx, &space, product, NULL, NULL, &op);
    if (j->status == ABSA_OK)
        j->status = absa_eigen_create(ctx, &space, NULL, &eigen);
    for (int run = 0; run < RUNS && j->status == ABSA_OK; run++) {
        memset(&j->results[run], 0, sizeof j->results[run]);
        absa_eigen_result_init(&j->results[run], sizeof j->results[run]);
        j->status = absa_eigen_run(eigen, op, NULL, &j->results[run]);
    }
    /* Failing calls write messages: into this thread's context alone. */
    if (j->status == ABSA_OK && absa_eigen_run(eigen, NULL, NULL, &j->results[0]) == ABSA_OK)
        j->status = ABSA_E_STATE;
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

static int same(const void *first, const void *job_of_thread)
{
    const struct job *alone = first, *j = job_of_thread;
    return alone->status == ABSA_OK && j->status == ABSA_OK &&
           memcmp(j->results, alone->results, sizeof alone->results) == 0;
}

int main(void)
{
    static job jobs[ALIKE_THREADS + 1];
    return alike_run(work, jobs, sizeof jobs[0], same, "gets the bits of a run alone");
}
