/* Decisions as text: names of reasons and events, and one line of JSON. */
#include "controller/ctl_state.h"

#include "base/real_text.h"
#include "base/structs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void absa_decision_init(absa_decision *decision, size_t size)
{
    absa_decision d = {0};
    absa__struct_init(decision, size, &d, sizeof d);
}

static const char *const reasons[] = {
    "none",         "first", "eigenvalue", "patience",     "not_below",
    "unsettled",    "dwell", "nonfinite",  "not_positive", "unconverged",
    "inconsistent", "blind", "fixed",      "decay",        "shrink",
};

static const char *const events[] = {"measurement",    "skip",     "epoch",  "collapse",
                                     "update_skipped", "schedule", "restart"};

const char *absa_reason_name(int32_t reason)
{
    return reason >= 0 && reason < (int32_t)(sizeof reasons / sizeof reasons[0]) ? reasons[reason]
                                                                                 : "?";
}

static const char *event_name(int32_t event)
{
    return event >= 0 && event < (int32_t)(sizeof events / sizeof events[0]) ? events[event] : "?";
}

/* JSON has no NaN and no infinity. */
static const char *number(double x, char text[ABSA__REAL_TEXT])
{
    if (!isfinite(x))
        return "null";
    absa__write_real(x, text);
    return text;
}

absa_status absa_decision_format(const absa_decision *decision, char *buffer, size_t capacity,
                                 size_t *size)
{
    absa_decision d;
    char t[10][ABSA__REAL_TEXT];
    if (!decision || !size)
        return ABSA_E_INVALID;
    absa_decision_init(&d, sizeof d);
    absa_status status = absa__struct_read(NULL, "absa_decision", decision, &d, sizeof d);
    if (status)
        return status;
    char line[1024];
    const int length = snprintf(
        line, sizeof line,
        "{\"event\":\"%s\",\"reason\":\"%s\",\"update\":%" PRId64 ",\"samples\":%" PRId64
        ",\"epoch\":%" PRId64 ",\"batch_before\":%" PRId64 ",\"batch\":%" PRId64
        ",\"lr_before\":%s,\"lr\":%s,\"gamma_before\":%s,\"gamma\":%s,\"value\":%s,\"lower\":%s,"
        "\"upper\":%s,\"threshold\":%s,\"reference\":%s,\"patience\":%" PRId64
        ",\"products\":%" PRId64 ",\"converged\":%d,\"consistent\":%d,\"answer\":%d"
        ",\"standard_error\":%s}",
        event_name(d.event), absa_reason_name(d.reason), d.update, d.samples, d.epoch,
        d.batch_before, d.batch, number(d.lr_before, t[0]), number(d.lr, t[1]),
        number(d.gamma_before, t[2]), number(d.gamma, t[3]), number(d.value, t[4]),
        number(d.lower, t[5]), number(d.upper, t[6]), number(d.threshold, t[7]),
        number(d.reference, t[8]), d.patience, d.products, (int)d.converged, (int)d.consistent,
        (int)d.answer, number(d.standard_error, t[9]));
    *size = (size_t)length + 1;
    if (!buffer)
        return ABSA_OK;
    if (capacity < *size)
        return ABSA_E_SPACE;
    for (size_t i = 0; i < *size; i++)
        buffer[i] = line[i];
    return ABSA_OK;
}
