/* The same network computed in different ways: in chunks and whole, with the probe kept and not
 * kept, in single and in double precision, before and after other work. */
#include "refnet/networks.h"

#include <float.h>

typedef struct answers {
    double loss, probe_loss;
    double *outputs, *gradient, *input, *hv, *gv;
} answers;

static void *array(int64_t count, size_t size)
{
    return calloc((size_t)count, size);
}

static void ask(const point *p, const double *v, answers *a)
{
    const int64_t inputs = absa_refnet_input_count(p->net);
    const int64_t outputs = absa_refnet_output_count(p->net);
    a->outputs = array(ROWS * outputs, sizeof(double));
    a->gradient = array(p->n, sizeof(double));
    a->input = array(ROWS * inputs, sizeof(double));
    a->hv = array(p->n, sizeof(double));
    a->gv = array(p->n, sizeof(double));
    absa_refnet *net = p->net;
    cr_assert_eq(absa_refnet_probe(net, p->theta, p->x, p->y, ROWS, &a->probe_loss), ABSA_OK);
    cr_assert_eq(absa_refnet_predict(net, p->theta, p->x, ROWS, a->outputs), ABSA_OK);
    cr_assert_eq(absa_refnet_gradient(net, p->theta, p->x, p->y, ROWS, a->gradient, &a->loss),
                 ABSA_OK);
    cr_assert_eq(absa_refnet_input_gradient(net, p->theta, p->x, p->y, ROWS, a->input, NULL),
                 ABSA_OK);
    cr_assert_eq(absa_refnet_hvp(net, v, a->hv), ABSA_OK);
    cr_assert_eq(absa_refnet_gnvp(net, v, a->gv), ABSA_OK);
}

static void forget(answers *a)
{
    free(a->outputs);
    free(a->gradient);
    free(a->input);
    free(a->hv);
    free(a->gv);
}

static void agree(const char *name, const point *p, const answers *a, const answers *b,
                  double tolerance)
{
    const int64_t inputs = absa_refnet_input_count(p->net);
    const int64_t outputs = absa_refnet_output_count(p->net);
    cr_assert_float_eq(a->loss, b->loss, tolerance * b->loss, "%s", name);
    cr_assert_float_eq(a->probe_loss, b->loss, tolerance * b->loss, "%s", name);
    cr_assert_leq(distance(ROWS * outputs, a->outputs, b->outputs), tolerance, "%s", name);
    cr_assert_leq(distance(p->n, a->gradient, b->gradient), tolerance, "%s", name);
    cr_assert_leq(distance(ROWS * inputs, a->input, b->input), tolerance, "%s", name);
    cr_assert_leq(distance(p->n, a->hv, b->hv), tolerance, "%s", name);
    cr_assert_leq(distance(p->n, a->gv, b->gv), tolerance, "%s", name);
}

static void answers_of(const network_case *c, const absa_refnet_options *o, answers *a)
{
    point p;
    point_open(&p, c, o);
    double *v = vector_of(p.n, 11);
    ask(&p, v, a);
    free(v);
    point_close(&p);
}

/* Chunks change the order of sums of at most a few hundred terms each, through a dozen layers. */
Test(refnet_splits, chunks_change_nothing_but_the_order_of_sums)
{
    for (int i = 0; i < NETWORK_COUNT; i++)
        for (int64_t chunk = 1; chunk <= ROWS; chunk++)
            for (int64_t probe_rows = 0; probe_rows <= ROWS; probe_rows += 2) {
                absa_refnet_options o;
                answers whole, split;
                point p;
                point_options(&NETWORKS[i], &o);
                if (o.ghost_rows && chunk % o.ghost_rows)
                    continue;
                o.weight_decay = 0.1;
                answers_of(&NETWORKS[i], &o, &whole);
                o.chunk_rows = chunk;
                o.probe_rows = probe_rows;
                answers_of(&NETWORKS[i], &o, &split);
                point_open(&p, &NETWORKS[i], &o);
                agree(NETWORKS[i].name, &p, &split, &whole, 1e-13);
                point_close(&p);
                forget(&whole);
                forget(&split);
            }
}

Test(refnet_splits, the_same_calls_give_the_same_bits)
{
    for (int i = 0; i < NETWORK_COUNT; i++) {
        absa_refnet_options o;
        answers first, second;
        point p;
        point_options(&NETWORKS[i], &o);
        o.chunk_rows = o.ghost_rows ? o.ghost_rows : 2;
        o.probe_rows = 4;
        answers_of(&NETWORKS[i], &o, &first);
        point_open(&p, &NETWORKS[i], &o);
        double *v = vector_of(p.n, 11);
        ask(&p, v, &second);
        agree(NETWORKS[i].name, &p, &second, &first, 0);
        forget(&second);
        /* Again on the same network, whose memory now holds what was left. */
        ask(&p, v, &second);
        agree(NETWORKS[i].name, &p, &second, &first, 0);
        forget(&second);
        forget(&first);
        free(v);
        point_close(&p);
    }
}

Test(refnet_splits, a_smaller_batch_between_products_leaves_the_probe_alone)
{
    for (int i = 0; i < NETWORK_COUNT; i++)
        for (int64_t probe_rows = 0; probe_rows <= ROWS; probe_rows += ROWS) {
            absa_refnet_options o;
            point p;
            point_options(&NETWORKS[i], &o);
            o.probe_rows = probe_rows;
            point_open(&p, &NETWORKS[i], &o);
            double *v = vector_of(p.n, 11), *other = vector_of(p.n, 12), loss;
            double *before = vector_of(p.n, 1), *after = vector_of(p.n, 1);
            cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
            cr_assert_eq(absa_refnet_hvp(p.net, v, before), ABSA_OK);
            cr_assert_eq(absa_refnet_gradient(p.net, other, p.x, p.y, 1, after, &loss), ABSA_OK);
            cr_assert_eq(absa_refnet_hvp(p.net, other, after), ABSA_OK);
            /* The probe has its own theta. */
            memcpy(p.theta, other, (size_t)p.n * sizeof *other);
            cr_assert_eq(absa_refnet_hvp(p.net, v, after), ABSA_OK);
            cr_assert_eq(memcmp(before, after, (size_t)p.n * sizeof *after), 0, "%s",
                         NETWORKS[i].name);
            double *all[] = {v, other, before, after};
            for (int j = 0; j < 4; j++)
                free(all[j]);
            point_close(&p);
        }
}

/* What is kept is not computed, so not read, again: NaN in its rows changes nothing. Of the rows
 * beyond, which are, it changes everything. */
Test(refnet_splits, rows_that_are_kept_are_not_read_again)
{
    for (int i = 0; i < NETWORK_COUNT; i++)
        for (int all = 0; all < 2; all++) {
            absa_refnet_options o;
            point p;
            point_options(&NETWORKS[i], &o);
            o.chunk_rows = o.ghost_rows ? o.ghost_rows : 2;
            o.probe_rows = all || o.chunk_rows > ROWS ? ROWS : o.chunk_rows;
            point_open(&p, &NETWORKS[i], &o);
            const int64_t kept = o.probe_rows * absa_refnet_input_count(p.net);
            double *v = vector_of(p.n, 11), *before = vector_of(p.n, 1), *after = vector_of(p.n, 1);
            cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
            cr_assert_eq(absa_refnet_hvp(p.net, v, before), ABSA_OK);
            for (int64_t k = 0; k < kept; k++)
                p.x[k] = NAN;
            cr_assert_eq(absa_refnet_hvp(p.net, v, after), ABSA_OK);
            cr_assert_eq(memcmp(before, after, (size_t)p.n * sizeof *after), 0, "%s",
                         NETWORKS[i].name);
            if (o.probe_rows < ROWS) {
                p.x[kept] = NAN;
                cr_assert_eq(absa_refnet_hvp(p.net, v, after), ABSA_OK);
                cr_assert(isnan(dot_of(p.n, after, after)), "%s", NETWORKS[i].name);
            }
            free(v);
            free(before);
            free(after);
            point_close(&p);
        }
}

static float *to_float(int64_t n, const double *x)
{
    float *y = malloc((size_t)n * sizeof *y);
    for (int64_t i = 0; i < n; i++)
        y[i] = (float)x[i];
    return y;
}

static void to_double(int64_t n, const float *x, double *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = (double)x[i];
}

/* A sum of m terms in single precision errs by at most m eps of the size of its terms; no sum here
 * has more than 300 terms, and a second derivative passes 4 times through at most 12 layers. In
 * practice errors do not all point the same way: 300 * 12 eps = 4e-4 is generous. */
Test(refnet_splits, single_precision_is_double_precision_rounded)
{
    const double tolerance = 300 * 12 * FLT_EPSILON;
    for (int i = 0; i < NETWORK_COUNT; i++) {
        const network_case *c = &NETWORKS[i];
        absa_refnet_options o;
        point p, q;
        answers a, b;
        point_options(c, &o);
        o.weight_decay = 0.1;
        o.chunk_rows = o.ghost_rows ? o.ghost_rows : 2;
        point_open(&p, &NETWORKS[i], &o);
        double *v = vector_of(p.n, 11);
        const int64_t inputs = absa_refnet_input_count(p.net);
        const int64_t outputs = absa_refnet_output_count(p.net);
        float *theta = to_float(p.n, p.theta), *x = to_float(ROWS * inputs, p.x);
        float *fv = to_float(p.n, v), *targets = to_float(ROWS * 8, p.targets);
        /* The referee works on the rounded numbers. */
        to_double(p.n, theta, p.theta);
        to_double(ROWS * inputs, x, p.x);
        to_double(p.n, fv, v);
        to_double(ROWS * 8, targets, p.targets);
        ask(&p, v, &b);
        ask(&p, v, &a);
        o.element = ABSA_ELEMENT_F32;
        point_open(&q, c, &o);
        const void *y = c->loss == ABSA_REFNET_SQUARED ? (const void *)targets : q.labels;
        float *g = array(p.n > ROWS * inputs ? p.n : ROWS * inputs, sizeof *g);
        cr_assert_eq(absa_refnet_predict(q.net, theta, x, ROWS, g), ABSA_OK);
        to_double(ROWS * outputs, g, a.outputs);
        cr_assert_eq(absa_refnet_gradient(q.net, theta, x, y, ROWS, g, &a.loss), ABSA_OK);
        to_double(p.n, g, a.gradient);
        cr_assert_eq(absa_refnet_input_gradient(q.net, theta, x, y, ROWS, g, NULL), ABSA_OK);
        to_double(ROWS * inputs, g, a.input);
        cr_assert_eq(absa_refnet_probe(q.net, theta, x, y, ROWS, &a.probe_loss), ABSA_OK);
        cr_assert_eq(absa_refnet_hvp(q.net, fv, g), ABSA_OK);
        to_double(p.n, g, a.hv);
        cr_assert_eq(absa_refnet_gnvp(q.net, fv, g), ABSA_OK);
        to_double(p.n, g, a.gv);
        agree(c->name, &p, &a, &b, tolerance);
        float *floats[] = {theta, x, fv, targets, g};
        for (int j = 0; j < 5; j++)
            free(floats[j]);
        free(v);
        forget(&a);
        forget(&b);
        point_close(&p);
        point_close(&q);
    }
}

/* Blocks of unfolded inputs, and chunks that fill them, only appear in larger networks. */
Test(refnet_splits, lenet_agrees_with_itself_in_other_chunks_and_precision)
{
    absa_refnet_options o;
    point p;
    answers whole, split;
    absa_refnet_options_init(&o, sizeof o);
    o.name = "lenet";
    o.channels = 3;
    o.height = o.width = 32;
    o.outputs = 8;
    o.element = ABSA_ELEMENT_F64;
    answers_of(NULL, &o, &whole);
    o.chunk_rows = 1;
    answers_of(NULL, &o, &split);
    point_open(&p, NULL, &o);
    /* Sums of up to 5000 terms. */
    agree("lenet", &p, &split, &whole, 1e-11);
    forget(&whole);
    forget(&split);
    point_close(&p);
}
