/* Threads stand in for processes. A reduction is two barriers around a table of contributions. */
#include "support/processes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct processes {
    pthread_barrier_t barrier;
    double **parts;
    int64_t *counts;
    void (*work)(process *);
};

int process_reduce(void *user, double *values, int64_t count)
{
    process *p = user;
    processes *all = p->all;
    all->parts[p->rank] = values;
    all->counts[p->rank] = count;
    pthread_barrier_wait(&all->barrier);
    double *sum = calloc((size_t)count + 1, sizeof *sum);
    int code = sum ? 0 : 1;
    for (int r = 0; sum && r < p->count; r++) {
        if (all->counts[r] != count)
            code = 2; /* the processes do not make the same calls */
        for (int64_t i = 0; i < count && code == 0; i++)
            sum[i] += all->parts[r][i];
    }
    pthread_barrier_wait(&all->barrier);
    if (code == 0)
        memcpy(values, sum, (size_t)count * sizeof *sum);
    free(sum);
    return code;
}

static int reduce_vector(void *user, void *y)
{
    return process_reduce(user, y, ((const process *)user)->n);
}

void process_replicate(process *p, absa_space *space, absa_operator_options *o)
{
    p->n = space->n;
    space->distribution = ABSA_DISTRIBUTION_REPLICATED;
    space->reduce = process_reduce;
    space->reduce_user = p;
    absa_operator_options_init(o, sizeof *o);
    o->reduce_vector = reduce_vector;
    o->reduce_user = p;
}

static void *enter(void *user)
{
    process *p = user;
    p->all->work(p);
    return NULL;
}

void processes_run(int count, void (*work)(process *), void *user)
{
    processes all = {.work = work};
    process *ps = calloc((size_t)count, sizeof *ps);
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    all.parts = calloc((size_t)count, sizeof *all.parts);
    all.counts = calloc((size_t)count, sizeof *all.counts);
    pthread_barrier_init(&all.barrier, NULL, (unsigned)count);
    for (int r = 0; r < count; r++) {
        ps[r] = (process){&all, user, r, count, 0};
        if (pthread_create(&threads[r], NULL, enter, &ps[r]) != 0)
            abort();
    }
    for (int r = 0; r < count; r++)
        pthread_join(threads[r], NULL);
    pthread_barrier_destroy(&all.barrier);
    free(all.counts);
    free(all.parts);
    free(threads);
    free(ps);
}
