/* Batch normalisation's two modes and its running statistics: who moves them, by how much, and what
 * they belong to. */
#include "refnet/networks.h"

/* Normalises its input of 2 channels of 2 x 2: the statistics are those of x itself. */
static const network_case INPUT_NORM = {
    "normalised input", ABSA_REFNET_SOFTMAX,      2, 2, 2, .layers = {ACT(BATCH_NORM), DENSE(3)},
    .ghost_rows = 2,    .mode = ABSA_REFNET_TRAIN};
enum { STATISTICS = 4 };

static void open_norm(point *p)
{
    absa_refnet_options o;
    point_options(&INPUT_NORM, &o);
    o.probe_rows = ROWS;
    point_open(p, &INPUT_NORM, &o);
    cr_assert_eq(absa_refnet_statistic_count(p->net), STATISTICS);
}

static void gradient(point *p)
{
    double g[64];
    cr_assert_leq(p->n, 64);
    cr_assert_eq(absa_refnet_gradient(p->net, p->theta, p->x, p->y, ROWS, g, NULL), ABSA_OK);
}

static void statistics(const point *p, double *out)
{
    cr_assert_eq(absa_refnet_read_statistics(p->net, out), ABSA_OK);
}

/* Mean and unbiased variance of a channel in each ghost batch, averaged by rows. */
static void statistics_by_definition(const point *p, double *out)
{
    memset(out, 0, STATISTICS * sizeof *out);
    for (int c = 0; c < 2; c++)
        for (int first = 0; first < ROWS; first += 2) {
            const int end = first + 2 < ROWS ? first + 2 : ROWS, count = 4 * (end - first);
            double mean = 0, variance = 0;
            for (int i = 4 * first; i < 4 * end; i++)
                mean += p->x[i / 4 * 8 + c * 4 + i % 4] / count;
            for (int i = 4 * first; i < 4 * end; i++)
                variance += pow(p->x[i / 4 * 8 + c * 4 + i % 4] - mean, 2) / (count - 1);
            out[2 * c] += mean * (end - first) / ROWS;
            out[2 * c + 1] += variance * (end - first) / ROWS;
        }
}

Test(refnet_modes, tracking_moves_running_statistics_by_the_share)
{
    point p;
    double want[STATISTICS], got[STATISTICS];
    open_norm(&p);
    statistics_by_definition(&p, want);
    gradient(&p);
    cr_assert_eq(absa_refnet_track(p.net, 0.25), ABSA_OK);
    statistics(&p, got);
    for (int i = 0; i < STATISTICS; i++)
        cr_assert_float_eq(got[i], 0.75 * p.statistics[i] + 0.25 * want[i], 1e-14);
    gradient(&p);
    cr_assert_eq(absa_refnet_track(p.net, 1), ABSA_OK);
    statistics(&p, got);
    for (int i = 0; i < STATISTICS; i++)
        cr_assert_float_eq(got[i], want[i], 1e-14);
    point_close(&p);
}

Test(refnet_modes, nothing_but_tracking_touches_running_statistics)
{
    point p;
    double before[STATISTICS], after[STATISTICS], v[64], out[64], z[ROWS * 3];
    absa_refnet_evaluation e;
    absa_refnet_evaluation_init(&e, sizeof e);
    open_norm(&p);
    memcpy(v, p.theta, (size_t)p.n * sizeof *v);
    statistics(&p, before);
    for (int32_t mode = ABSA_REFNET_TRAIN; mode <= ABSA_REFNET_EVALUATE; mode++) {
        cr_assert_eq(absa_refnet_set_mode(p.net, mode), ABSA_OK);
        gradient(&p);
        cr_assert_eq(absa_refnet_loss(p.net, p.theta, p.x, p.y, ROWS, z), ABSA_OK);
        cr_assert_eq(absa_refnet_input_gradient(p.net, p.theta, p.x, p.y, ROWS, out, z), ABSA_OK);
        cr_assert_eq(absa_refnet_predict(p.net, p.theta, p.x, ROWS, z), ABSA_OK);
        cr_assert_eq(absa_refnet_evaluate(p.net, p.theta, p.x, p.y, ROWS, &e), ABSA_OK);
        cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
        cr_assert_eq(absa_refnet_hvp(p.net, v, out), ABSA_OK);
        cr_assert_eq(absa_refnet_gnvp(p.net, v, out), ABSA_OK);
        statistics(&p, after);
        cr_assert_eq(memcmp(before, after, sizeof before), 0);
    }
    point_close(&p);
}

Test(refnet_modes, each_training_gradient_is_tracked_once)
{
    point p;
    open_norm(&p);
    cr_assert_eq(absa_refnet_track(p.net, 0.1), ABSA_E_STATE);
    gradient(&p);
    cr_assert_eq(absa_refnet_track(p.net, 0), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_track(p.net, NAN), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_track(p.net, 0.1), ABSA_OK);
    cr_assert_eq(absa_refnet_track(p.net, 0.1), ABSA_E_STATE);
    cr_assert_eq(absa_refnet_set_mode(p.net, ABSA_REFNET_EVALUATE), ABSA_OK);
    gradient(&p);
    cr_assert_eq(absa_refnet_track(p.net, 0.1), ABSA_E_STATE, "these are not the batch's own");
    cr_assert_eq(absa_refnet_set_mode(p.net, 2), ABSA_E_INVALID);
    point_close(&p);
}

/* It has overwritten what the call before had found. */
Test(refnet_modes, a_gradient_that_failed_is_not_tracked)
{
    point p;
    double g[64], after[STATISTICS];
    open_norm(&p);
    gradient(&p);
    const double kept = p.x[0];
    p.x[0] = NAN;
    cr_assert_eq(absa_refnet_gradient(p.net, p.theta, p.x, p.y, ROWS, g, NULL), ABSA_E_NONFINITE);
    cr_assert_eq(absa_refnet_track(p.net, 0.1), ABSA_E_STATE);
    statistics(&p, after);
    cr_assert_eq(memcmp(after, p.statistics, sizeof after), 0);
    p.x[0] = kept;
    gradient(&p);
    cr_assert_eq(absa_refnet_track(p.net, 0.1), ABSA_OK);
    point_close(&p);
}

Test(refnet_modes, a_probe_keeps_its_mode_and_goes_when_its_statistics_go)
{
    point p;
    double before[64], after[64], loss;
    open_norm(&p);
    for (int32_t mode = ABSA_REFNET_TRAIN; mode <= ABSA_REFNET_EVALUATE; mode++) {
        cr_assert_eq(absa_refnet_set_mode(p.net, mode), ABSA_OK);
        cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, &loss), ABSA_OK);
        cr_assert_eq(absa_refnet_hvp(p.net, p.theta, before), ABSA_OK);
        cr_assert_eq(absa_refnet_set_mode(p.net, 1 - mode), ABSA_OK);
        cr_assert_eq(absa_refnet_hvp(p.net, p.theta, after), ABSA_OK);
        cr_assert_eq(memcmp(before, after, (size_t)p.n * sizeof *after), 0);
        cr_assert_eq(absa_refnet_write_statistics(p.net, p.statistics), ABSA_OK);
        cr_assert_eq(absa_refnet_hvp(p.net, p.theta, after),
                     mode == ABSA_REFNET_TRAIN ? ABSA_OK : ABSA_E_STATE);
    }
    point_close(&p);
}

Test(refnet_modes, impossible_statistics_are_refused)
{
    point p;
    double bad[STATISTICS] = {0, 1, 0, -1}, got[STATISTICS];
    open_norm(&p);
    cr_assert_eq(absa_refnet_write_statistics(p.net, bad), ABSA_E_INVALID);
    cr_assert(strstr(absa_context_message(p.ctx), "statistic 3"));
    bad[2] = NAN;
    cr_assert_eq(absa_refnet_write_statistics(p.net, bad), ABSA_E_NONFINITE);
    cr_assert_eq(absa_refnet_write_statistics(p.net, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_read_statistics(p.net, NULL), ABSA_E_INVALID);
    statistics(&p, got);
    cr_assert_eq(memcmp(got, p.statistics, sizeof got), 0);
    point_close(&p);
}

Test(refnet_modes, a_chunk_holds_whole_ghost_batches)
{
    absa_context *ctx;
    absa_refnet *net;
    absa_refnet_options o;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    point_options(&INPUT_NORM, &o);
    o.chunk_rows = 3;
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_E_INVALID);
    cr_assert(strstr(absa_context_message(ctx), "a multiple of the ghost batch, 2"));
    o.ghost_rows = -1;
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_E_INVALID);
    absa_context_destroy(&ctx);
}
