/* RTLD_NEXT. */
#define _GNU_SOURCE
/* The rows of a batch shared by threads: the same values but for the order of sums, the same bits
 * each time, the same failures. */
#include "refnet/networks.h"
#include "support/faulty_alloc.h"

#include <errno.h>
#include <dlfcn.h>
#include <pthread.h>

/* More rows than ROWS, so that threads have several pieces, the last of them short. */
enum { MANY = 43 };

/* Threads that may still be started; the rest fails, as where a limit is reached. */
static int threads_left = 1000;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *symbol = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real, &symbol, sizeof real);
    if (threads_left == 0)
        return EAGAIN;
    threads_left--;
    return real(thread, attributes, start, argument);
}

typedef struct sample {
    absa_context *ctx;
    absa_refnet *net;
    int64_t n, inputs;
    double *theta, *x, *v, *targets, *statistics;
    int32_t labels[MANY];
    const void *y;
} sample;

static void open_sample(sample *s, const network_case *c, int64_t threads, int64_t probe_rows)
{
    absa_refnet_options o;
    point_options(c, &o);
    o.threads = threads;
    o.chunk_rows = o.ghost_rows ? 2 * o.ghost_rows : 4;
    o.probe_rows = probe_rows;
    o.weight_decay = 0.1;
    cr_assert_eq(absa_context_create(NULL, &s->ctx), ABSA_OK);
    cr_assert_eq(absa_refnet_create(s->ctx, &o, &s->net), ABSA_OK, "%s",
                 absa_context_message(s->ctx));
    const int64_t outputs = absa_refnet_output_count(s->net);
    const int64_t classes = c->loss == ABSA_REFNET_LOGISTIC ? 2 : outputs;
    s->n = absa_refnet_parameter_count(s->net);
    s->inputs = MANY * absa_refnet_input_count(s->net);
    s->theta = vector_of(s->n, 1);
    s->x = vector_of(s->inputs, 2);
    s->v = vector_of(s->n, 3);
    s->targets = vector_of(MANY * outputs, 4);
    for (int32_t i = 0; i < MANY; i++)
        s->labels[i] = i % (int32_t)classes;
    for (int64_t i = 0; i < s->n; i++)
        s->theta[i] *= 0.4;
    s->statistics = calloc((size_t)absa_refnet_statistic_count(s->net) + 1, sizeof(double));
    s->y = c->loss == ABSA_REFNET_SQUARED ? (const void *)s->targets : (const void *)s->labels;
    cr_assert_eq(absa_refnet_set_mode(s->net, c->mode), ABSA_OK);
}

static void close_sample(sample *s)
{
    double *all[] = {s->theta, s->x, s->v, s->targets, s->statistics};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    absa_refnet_destroy(&s->net);
    absa_context_destroy(&s->ctx);
}

/* Everything that a network computes of a batch, one after the other. */
typedef struct found {
    int64_t count;
    double *numbers;
} found;

static double *room(found *f, int64_t count)
{
    f->numbers = realloc(f->numbers, (size_t)(f->count + count) * sizeof *f->numbers);
    memset(f->numbers + f->count, 0, (size_t)count * sizeof *f->numbers);
    f->count += count;
    return f->numbers + f->count - count;
}

static found ask(sample *s, int64_t rows)
{
    found f = {0, NULL};
    double loss;
    absa_refnet_evaluation e;
    absa_refnet *net = s->net;
    absa_refnet_evaluation_init(&e, sizeof e);
    cr_assert_eq(absa_refnet_gradient(net, s->theta, s->x, s->y, rows, room(&f, s->n), &loss),
                 ABSA_OK);
    *room(&f, 1) = loss;
    if (absa_refnet_statistic_count(net)) {
        const absa_status tracked = absa_refnet_track(net, 0.25);
        cr_assert(tracked == ABSA_OK || tracked == ABSA_E_STATE);
        cr_assert_eq(absa_refnet_read_statistics(net, room(&f, absa_refnet_statistic_count(net))),
                     ABSA_OK);
    }
    cr_assert_eq(
        absa_refnet_input_gradient(net, s->theta, s->x, s->y, rows, room(&f, s->inputs), &loss),
        ABSA_OK);
    cr_assert_eq(absa_refnet_predict(net, s->theta, s->x, rows,
                                     room(&f, rows * absa_refnet_output_count(net))),
                 ABSA_OK);
    cr_assert_eq(absa_refnet_evaluate(net, s->theta, s->x, s->y, rows, &e), ABSA_OK);
    *room(&f, 1) = e.loss_sum;
    *room(&f, 1) = (double)e.correct;
    cr_assert_eq(absa_refnet_probe(net, s->theta, s->x, s->y, rows, &loss), ABSA_OK);
    *room(&f, 1) = loss;
    cr_assert_eq(absa_refnet_hvp(net, s->v, room(&f, s->n)), ABSA_OK);
    cr_assert_eq(absa_refnet_gnvp(net, s->v, room(&f, s->n)), ABSA_OK);
    return f;
}

/* Sums of at most 43 * 42 products, through a dozen layers, in another order. */
Test(refnet_pool, threads_change_nothing_but_the_order_of_sums)
{
    for (int i = 0; i < NETWORK_COUNT; i++)
        for (int64_t threads = 2; threads <= 7; threads += 5)
            for (int64_t rows = 1; rows <= MANY; rows += 14) {
                sample one, many;
                open_sample(&one, &NETWORKS[i], 1, rows);
                open_sample(&many, &NETWORKS[i], threads, rows / 2);
                found a = ask(&one, rows), b = ask(&many, rows);
                cr_assert_eq(a.count, b.count);
                const double off = distance(a.count, b.numbers, a.numbers);
                cr_assert_lt(off, 1e-12, "%s, %lld threads, %lld rows: %g", NETWORKS[i].name,
                             (long long)threads, (long long)rows, off);
                free(a.numbers);
                free(b.numbers);
                close_sample(&one);
                close_sample(&many);
            }
}

Test(refnet_pool, the_same_number_of_threads_gives_the_same_bits)
{
    for (int i = 0; i < NETWORK_COUNT; i++) {
        sample first, second;
        open_sample(&first, &NETWORKS[i], 3, MANY);
        found a = ask(&first, MANY);
        for (int again = 0; again < 4; again++) {
            open_sample(&second, &NETWORKS[i], 3, MANY);
            found b = ask(&second, MANY);
            cr_assert_eq(memcmp(a.numbers, b.numbers, (size_t)a.count * sizeof *a.numbers), 0, "%s",
                         NETWORKS[i].name);
            free(b.numbers);
            close_sample(&second);
        }
        free(a.numbers);
        close_sample(&first);
    }
}

/* Rows 20 and 41 lie in the parts of different threads. */
Test(refnet_pool, of_several_bad_rows_the_first_is_named)
{
    for (int64_t threads = 1; threads <= 5; threads++) {
        sample s;
        open_sample(&s, &NETWORKS[3], threads, 0);
        double loss = 17, *g = vector_of(s.n, 5), *same = vector_of(s.n, 5);
        s.x[41 * absa_refnet_input_count(s.net)] = NAN;
        s.x[20 * absa_refnet_input_count(s.net)] = INFINITY;
        s.theta[0] = 0; /* 0 times infinity is NaN */
        cr_assert_eq(absa_refnet_gradient(s.net, s.theta, s.x, s.y, MANY, g, &loss),
                     ABSA_E_NONFINITE);
        cr_assert(strstr(absa_context_message(s.ctx), "row 20 "), "%s",
                  absa_context_message(s.ctx));
        cr_assert_eq(memcmp(g, same, (size_t)s.n * sizeof *g), 0);
        cr_assert_eq(loss, 17.0);
        free(g);
        free(same);
        close_sample(&s);
    }
}

static void resnet_options(absa_refnet_options *o, int64_t threads)
{
    absa_refnet_options_init(o, sizeof *o);
    o->name = "resnet8";
    o->channels = 1;
    o->height = o->width = 8;
    o->outputs = 3;
    o->threads = threads;
    o->probe_rows = 64;
}

Test(refnet_pool, the_workspace_counts_what_threads_need)
{
    int64_t alone = 0;
    for (int64_t threads = 1; threads <= 4; threads++) {
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        absa_refnet_options o;
        absa_refnet *net;
        int64_t said;
        resnet_options(&o, threads);
        cr_assert_eq(absa_refnet_workspace(ctx, &o, &said), ABSA_OK);
        const int64_t before = f.live_bytes;
        cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK);
        cr_assert_eq(f.live_bytes - before, said);
        cr_assert_gt(said, alone);
        alone = said;
        absa_refnet_destroy(&net);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
        cr_assert_eq(f.errors, 0);
    }
}

Test(refnet_pool, every_allocation_and_every_thread_may_fail)
{
    absa_refnet_options o;
    absa_refnet *net;
    absa_status status = ABSA_E_MEMORY;
    resnet_options(&o, 4);
    for (int64_t k = 2; status == ABSA_E_MEMORY; k++) {
        faulty_alloc f = {.fail_at = k};
        absa_context *ctx = faulty_context(&f);
        cr_assert_lt(k, 50);
        cr_assert_neq(ctx, NULL);
        status = absa_refnet_create(ctx, &o, &net);
        cr_assert(status == ABSA_OK || (status == ABSA_E_MEMORY && !net));
        absa_refnet_destroy(&net);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
    }
    for (threads_left = 0; threads_left <= 2;) {
        const int left = threads_left;
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_E_MEMORY);
        cr_assert_eq(net, NULL);
        cr_assert_neq(strstr(absa_context_message(ctx), "cannot be started"), NULL);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
        threads_left = left + 1;
    }
    threads_left = 1000;
}

Test(refnet_pool, impossible_numbers_of_threads_are_refused)
{
    static const int64_t wrong[] = {-1, 65, INT64_MAX};
    for (int i = 0; i < 3; i++) {
        absa_context *ctx;
        absa_refnet_options o;
        absa_refnet *net;
        resnet_options(&o, wrong[i]);
        cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
        cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_E_INVALID);
        cr_assert_neq(strstr(absa_context_message(ctx), "threads is"), NULL);
        absa_context_destroy(&ctx);
    }
}
