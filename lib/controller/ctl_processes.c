/* What the processes of a run say to each other: whose measurement counts, and whether all decided
 * alike. */
#include "controller/ctl_handle.h"

#include "base/fail.h"

static absa_status reduce(absa_controller *c, double *values, int64_t count)
{
    absa__ctl_call_out(c);
    const int code = c->options.reduce(c->options.reduce_user, values, count);
    c->busy = 0;
    return code ? absa__callback_failed(c->ctx, "reduce", code) : ABSA_OK;
}

/* What was a number of 63 bits; the largest ones do not survive being doubles. */
static int64_t whole(double x)
{
    static const double beyond = 9223372036854775808.0; /* 2^63 */
    return x > -beyond && x < beyond ? (int64_t)x : INT64_MAX;
}

absa_status absa__ctl_share(absa_controller *c, absa_status own, absa__measurement *m)
{
    enum { VALUES = 8, FAILED = VALUES };
    double v[VALUES + 1] = {0.0};
    if (own)
        v[FAILED] = 1.0; /* nobody may wait for this process */
    else if (c->options.process == 0) {
        v[0] = m->value;
        v[1] = m->lower;
        v[2] = m->upper;
        v[3] = m->converged;
        v[4] = m->consistent;
        v[5] = m->answer;
        v[6] = (double)m->products;
        v[7] = m->standard_error;
    }
    const absa_status status = reduce(c, v, VALUES + 1);
    if (own || status)
        return own ? own : status;
    if (v[FAILED] != 0.0)
        return absa__fail(c->ctx, ABSA_E_PEER,
                          "%g of the other processes could not observe their measurement",
                          v[FAILED]);
    *m = (absa__measurement){.value = v[0],
                             .lower = v[1],
                             .upper = v[2],
                             .converged = v[3] != 0.0,
                             .consistent = v[4] != 0.0,
                             .answer = (int32_t)whole(v[5]),
                             .products = whole(v[6]),
                             .standard_error = v[7]};
    return ABSA_OK;
}

/* A 64-bit digest does not fit a double: four 16-bit parts with their squares tell whether all
 * processes hold the same, for the mean of squares is the square of the mean then only. */
absa_status absa__ctl_agree(absa_controller *c, absa_status own)
{
    enum { FAILED = 9 };
    const uint64_t digest = absa__ctl_digest(&c->options, &c->state);
    double v[FAILED + 1] = {1.0, [FAILED] = own ? 1.0 : 0.0};
    for (int i = 0; i < 4; i++) {
        const double part = (double)((digest >> (16 * i)) & 0xFFFFu);
        v[1 + i] = part;
        v[5 + i] = part * part;
    }
    const absa_status status = reduce(c, v, FAILED + 1);
    if (own || status)
        return own ? own : status;
    if (v[FAILED] != 0.0)
        return absa__fail(c->ctx, ABSA_E_PEER, "%g of the other processes could not decide",
                          v[FAILED]);
    for (int i = 0; i < 4; i++)
        if (v[5 + i] * v[0] != v[1 + i] * v[1 + i])
            return absa__fail(c->ctx, ABSA_E_PEER,
                              "the processes' controllers differ: create them with the same "
                              "options and tell all of them the same events");
    return ABSA_OK;
}
