/* A pool of threads that all do a part of one call at a time. Which part is a matter of the
 * thread's number alone, never of timing. Threads sleep between calls; but first they look out for
 * the next one for a while, because to be woken takes longer than many a part does. */
#include "net_pool.h"

#include "refnet_common.h"

#include <pthread.h>
#include <stdatomic.h>

/* Looks before a thread sleeps: some fifty microseconds, about what it takes to wake one up. */
enum { LOOKS = 2000 };

typedef struct worker {
    absa__net_pool *pool;
    int64_t index;
    pthread_t thread;
} worker;

struct absa__net_pool {
    pthread_mutex_t lock;
    pthread_cond_t begin, done;
    void (*part)(void *user, int64_t thread); /* NULL: end */
    void *user;
    /* Written under the lock; looked at without it. */
    atomic_uint_fast64_t turn;   /* calls so far */
    atomic_int_fast64_t working; /* threads that have not finished this turn */
    int64_t started;             /* of the workers; the caller is not among them */
    int64_t threads;
    worker workers[];
};

/* Lets the processor's other thread work. */
static void rest(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void *serve(void *user)
{
    const worker *w = user;
    absa__net_pool *pool = w->pool;
    uint64_t turn = 0;
    for (;;) {
        for (int i = 0; i < LOOKS && pool->turn == turn; i++)
            rest();
        pthread_mutex_lock(&pool->lock);
        while (pool->turn == turn)
            pthread_cond_wait(&pool->begin, &pool->lock);
        turn = pool->turn;
        void (*part)(void *, int64_t) = pool->part;
        void *argument = pool->user;
        pthread_mutex_unlock(&pool->lock);
        if (!part)
            return NULL;
        part(argument, w->index);
        pthread_mutex_lock(&pool->lock);
        if (--pool->working == 0)
            pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void begin_turn(absa__net_pool *pool, void (*part)(void *, int64_t), void *user)
{
    pthread_mutex_lock(&pool->lock);
    pool->part = part;
    pool->user = user;
    pool->working = pool->started;
    pool->turn++;
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
}

int64_t absa__net_pool_bytes(int64_t threads)
{
    return threads > 1 ? (int64_t)(sizeof(absa__net_pool) + (size_t)(threads - 1) * sizeof(worker))
                       : 0;
}

absa_status absa__net_pool_create(absa_context *ctx, int64_t threads, absa__net_pool **out)
{
    absa__net_pool *pool;
    *out = NULL;
    if (threads == 1)
        return ABSA_OK;
    const absa_status status =
        absa_context_alloc(ctx, absa__net_pool_bytes(threads), 1, (void **)&pool);
    if (status)
        return status;
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->begin, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (int64_t i = 1; i < threads; i++) {
        worker *w = &pool->workers[i - 1];
        w->pool = pool;
        w->index = i;
        const int failure = pthread_create(&w->thread, NULL, serve, w);
        if (failure) {
            absa__net_pool_destroy(ctx, &pool);
            return absa__net_fail(
                ctx, ABSA_E_MEMORY,
                "absa_refnet_options: thread %lld of %lld cannot be started: error %d",
                (long long)i + 1, (long long)threads, failure);
        }
        pool->started++;
    }
    *out = pool;
    return ABSA_OK;
}

void absa__net_pool_run(absa__net_pool *pool, void (*part)(void *user, int64_t thread), void *user)
{
    if (pool)
        begin_turn(pool, part, user);
    part(user, 0);
    if (!pool)
        return;
    for (int i = 0; i < LOOKS && pool->working > 0; i++)
        rest();
    pthread_mutex_lock(&pool->lock);
    while (pool->working > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void absa__net_pool_destroy(absa_context *ctx, absa__net_pool **pool)
{
    absa__net_pool *p = *pool;
    *pool = NULL;
    if (!p)
        return;
    begin_turn(p, NULL, NULL);
    for (int64_t i = 0; i < p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->begin);
    pthread_mutex_destroy(&p->lock);
    absa_context_release(ctx, p, absa__net_pool_bytes(p->threads), 1);
}
