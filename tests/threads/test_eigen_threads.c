/* Contexts are independent: estimators that run in many threads at once, each on a context of its
 * own, give the bits that one alone gives. A plain program, for Criterion cannot run under
 * ThreadSanitizer, which is what this test is for. */
#include <absa/eigen.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { N = 200, THREADS = 6, RUNS = 5 };

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
    pthread_barrier_t *start;
    absa_eigen_result results[RUNS];
    absa_status status;
} job;

static void *work(void *user)
{
    job *j = user;
    absa_context *ctx = NULL;
    absa_operator *op = NULL;
    absa_eigen *eigen = NULL;
    absa_space space;

    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    pthread_barrier_wait(j->start);
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
    return NULL;
}

int main(void)
{
    static job alone, jobs[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t one, all;
    int bad = 0;

    pthread_barrier_init(&one, NULL, 1);
    pthread_barrier_init(&all, NULL, THREADS);
    alone.start = &one;
    work(&alone);
    for (int t = 0; t < THREADS; t++) {
        jobs[t].start = &all;
        if (pthread_create(&threads[t], NULL, work, &jobs[t]) != 0)
            return 1;
    }
    printf("TAP version 13\n1..%d\n", THREADS);
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        const int same = alone.status == ABSA_OK && jobs[t].status == ABSA_OK &&
                         memcmp(jobs[t].results, alone.results, sizeof alone.results) == 0;
        bad += !same;
        printf("%s %d - thread %d gets the bits of a run alone\n", same ? "ok" : "not ok", t + 1,
               t);
    }
    pthread_barrier_destroy(&all);
    pthread_barrier_destroy(&one);
    return bad > 0;
}
