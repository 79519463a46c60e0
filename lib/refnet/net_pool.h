/* Threads that wait for work of one network. */
#ifndef ABSA_REFNET_NET_POOL_H
#define ABSA_REFNET_NET_POOL_H

#include <absa/context.h>

typedef struct absa__net_pool absa__net_pool;

/* Starts threads - 1 threads; the caller is the first. One thread: *out is NULL, which the other
 * functions take for a pool of the caller alone. *out is NULL on failure. */
absa_status absa__net_pool_create(absa_context *ctx, int64_t threads, absa__net_pool **out);

/* Calls part(user, t) on thread t for each t, and returns when all are done. */
void absa__net_pool_run(absa__net_pool *pool, void (*part)(void *user, int64_t thread), void *user);

void absa__net_pool_destroy(absa_context *ctx, absa__net_pool **pool);

/* Bytes that a pool takes from the context. */
int64_t absa__net_pool_bytes(int64_t threads);

#endif
