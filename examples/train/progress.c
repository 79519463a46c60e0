/* What a person sees while the program runs. Nothing here changes a number. */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    int wanted, standing;
    double begun, last, done;
} line;

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_begin(int quiet, double done)
{
    line.wanted = !quiet && isatty(STDERR_FILENO);
    line.begun = seconds_now();
    line.last = line.begun;
    line.done = done;
}

void progress_show(const absa_plan *plan, int64_t epochs)
{
    static int64_t first = -1;
    const double now = seconds_now();
    if (first < 0)
        first = plan->samples;
    if (!line.wanted || now - line.last < 0.2)
        return;
    const double spent = now - line.begun, made = plan->progress - line.done;
    const double left = made > 0 ? spent * (1 - plan->progress) / made : 0;
    fprintf(stderr, "\repoch %.2f of %lld   batch %lld   %.0f rows/s   %d:%02d left\033[K",
            plan->epoch, (long long)epochs, (long long)plan->batch,
            (double)(plan->samples - first) / spent, (int)(left / 60), (int)fmod(left, 60));
    fflush(stderr);
    line.last = now;
    line.standing = 1;
}

void progress_wipe(void)
{
    if (line.standing)
        fputs("\r\033[K", stderr);
    line.standing = 0;
}

void table_head(int robust)
{
    if (robust)
        printf("%5s %5s %7s %5s %6s %5s %5s %5s %8s %14s %5s\n", "epoch", "batch", "lr", "gamma",
               "loss", "acc %", "fgsm", "pgd", "lambda", "[lower, upper]", "hvps");
    else
        printf("%5s %6s %7s %5s %7s %6s %9s %20s %7s\n", "epoch", "batch", "lr", "gamma", "loss",
               "acc %", "lambda", "[lower, upper]", "hvps");
    fflush(stdout);
}

void table_row(const history_row *row)
{
    char interval[48] = "-", value[24] = "-";
    progress_wipe();
    if (isfinite(row->value))
        snprintf(value, sizeof value, "%.3g", row->value);
    else if (isfinite(row->lower))
        snprintf(value, sizeof value, "> %.3g", row->lower);
    if (isfinite(row->value) && isfinite(row->lower) && isfinite(row->upper))
        snprintf(interval, sizeof interval, "[%.3g, %.3g]", row->lower, row->upper);
    if (isfinite(row->robust_pgd))
        printf("%5lld %5lld %7.4g %5.3f %6.4f %5.1f %5.1f %5.1f %8s %14s %5lld\n",
               (long long)row->epoch, (long long)row->batch, row->lr, row->gamma, row->loss,
               100 * row->accuracy, 100 * row->robust_fgsm, 100 * row->robust_pgd, value, interval,
               (long long)row->products);
    else
        printf("%5lld %6lld %7.4g %5.3f %7.4f %6.2f %9s %20s %7lld\n", (long long)row->epoch,
               (long long)row->batch, row->lr, row->gamma, row->loss, 100 * row->accuracy, value,
               interval, (long long)row->products);
    fflush(stdout);
}
