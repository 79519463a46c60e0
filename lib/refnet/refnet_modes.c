/* Batch normalisation seen from outside: the mode, and the running statistics. */
#include <absa/refnet.h>

#include "net.h"

#include <math.h>
#include <string.h>

/* Running statistics are part of the function that a probe in ABSA_REFNET_EVALUATE has fixed. */
static void statistics_changed(absa_refnet *net)
{
    if (net->statistic_count && net->probe_mode == ABSA_REFNET_EVALUATE)
        absa_refnet_probe_clear(net);
}

absa_status absa_refnet_set_mode(absa_refnet *net, int32_t mode)
{
    if (!net)
        return ABSA_E_INVALID;
    if (mode != ABSA_REFNET_TRAIN && mode != ABSA_REFNET_EVALUATE)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "absa_refnet_set_mode: mode is %d, must be ABSA_REFNET_TRAIN or "
                              "ABSA_REFNET_EVALUATE",
                              mode);
    net->mode = mode;
    return ABSA_OK;
}

absa_status absa_refnet_track(absa_refnet *net, double share)
{
    if (!net)
        return ABSA_E_INVALID;
    if (!(share > 0 && share <= 1))
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "absa_refnet_track: share is %g, must be above 0 and at most 1",
                              share);
    if (net->statistic_count == 0)
        return ABSA_OK;
    if (net->last_rows == 0)
        return absa__net_fail(net->context, ABSA_E_STATE,
                              "absa_refnet_track: call absa_refnet_gradient() in ABSA_REFNET_TRAIN "
                              "first; each call is tracked once");
    const double *last = net->statistics + net->statistic_count;
    for (int64_t i = 0; i < net->statistic_count; i++)
        net->statistics[i] += share * (last[i] / (double)net->last_rows - net->statistics[i]);
    net->last_rows = 0;
    statistics_changed(net);
    return ABSA_OK;
}

int64_t absa_refnet_statistic_count(const absa_refnet *net)
{
    return net ? net->statistic_count : 0;
}

absa_status absa_refnet_read_statistics(const absa_refnet *net, double *statistics)
{
    if (!net)
        return ABSA_E_INVALID;
    if (!statistics)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "absa_refnet_read_statistics: statistics is NULL");
    if (net->statistic_count)
        memcpy(statistics, net->statistics, (size_t)net->statistic_count * sizeof *statistics);
    return ABSA_OK;
}

absa_status absa_refnet_write_statistics(absa_refnet *net, const double *statistics)
{
    if (!net)
        return ABSA_E_INVALID;
    if (!statistics)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "absa_refnet_write_statistics: statistics is NULL");
    for (int64_t i = 0; i < net->statistic_count; i++) {
        if (!isfinite(statistics[i]))
            return absa__net_fail(net->context, ABSA_E_NONFINITE,
                                  "absa_refnet_write_statistics: statistic %lld is %g",
                                  (long long)i, statistics[i]);
        if (i % 2 == 1 && statistics[i] < 0)
            return absa__net_fail(net->context, ABSA_E_INVALID,
                                  "absa_refnet_write_statistics: statistic %lld, a variance, is %g",
                                  (long long)i, statistics[i]);
    }
    if (net->statistic_count)
        memcpy(net->statistics, statistics, (size_t)net->statistic_count * sizeof *statistics);
    statistics_changed(net);
    return ABSA_OK;
}
