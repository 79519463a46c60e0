#include "alike.h"

#include <pthread.h>
#include <stdio.h>

typedef struct worker {
    pthread_barrier_t *start;
    void (*work)(void *job);
    void *job;
} worker;

static void *begin(void *user)
{
    const worker *w = user;
    pthread_barrier_wait(w->start);
    w->work(w->job);
    return NULL;
}

int alike_run(void (*work)(void *job), void *jobs, size_t size,
              int (*same)(const void *alone, const void *job), const char *what)
{
    worker workers[ALIKE_THREADS];
    pthread_t threads[ALIKE_THREADS];
    pthread_barrier_t all;
    int bad = 0;

    work(jobs);
    pthread_barrier_init(&all, NULL, ALIKE_THREADS);
    for (int t = 0; t < ALIKE_THREADS; t++) {
        workers[t] = (worker){&all, work, (char *)jobs + (size_t)(t + 1) * size};
        if (pthread_create(&threads[t], NULL, begin, &workers[t]) != 0)
            return 1;
    }
    printf("TAP version 13\n1..%d\n", ALIKE_THREADS);
    for (int t = 0; t < ALIKE_THREADS; t++) {
        pthread_join(threads[t], NULL);
        const int good = same(jobs, workers[t].job);
        bad += !good;
        printf("%s %d - thread %d %s\n", good ? "ok" : "not ok", t + 1, t, what);
    }
    pthread_barrier_destroy(&all);
    return bad > 0;
}
