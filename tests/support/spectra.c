#include "support/spectra.h"

#include <math.h>
#include <stdlib.h>

static const double PI = 3.14159265358979323846;

const char *spectrum_name(int spectrum)
{
    static const char *const names[SPECTRUM_COUNT] = {"outliers",   "3 % gap",    "1 % cluster",
                                                      "indefinite", "semicircle", "power law",
                                                      "log-uniform"};
    return names[spectrum];
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The quantile p of the semicircle on [-1, 1], by bisection of its distribution function. */
static double semicircle(double p)
{
    double low = -1.0, high = 1.0;
    for (int i = 0; i < 60; i++) {
        const double x = 0.5 * (low + high);
        if (0.5 + (x * sqrt(1.0 - x * x) + asin(x)) / PI < p)
            low = x;
        else
            high = x;
    }
    return 0.5 * (low + high);
}

static double bulk(int64_t n, int64_t i)
{
    return 0.3 * cos(PI * ((double)i + 0.5) / (double)n);
}

void make_spectrum(int spectrum, int64_t n, double *v)
{
    for (int64_t i = 0; i < n; i++) {
        const double part = ((double)i + 0.5) / (double)n, step = (double)i / (double)(n - 1);
        switch (spectrum) {
        case SPECTRUM_GAP:
            v[i] = i == 0 ? 1.0 : 0.97 - 1.17 * step;
            break;
        case SPECTRUM_CLUSTER:
            v[i] = i < 5 ? 1.0 - 0.0025 * (double)i : bulk(n, i);
            break;
        case SPECTRUM_INDEFINITE:
            v[i] = i == 0 ? 1.0 : i == n - 1 ? -0.98 : bulk(n, i);
            break;
        case SPECTRUM_SEMICIRCLE:
            v[i] = semicircle(1.0 - part);
            break;
        case SPECTRUM_POWER_LAW:
            v[i] = 1.0 / (double)(i + 1);
            break;
        case SPECTRUM_LOG_UNIFORM:
            v[i] = pow(10.0, -6.0 * step);
            break;
        default:
            v[i] = i < 3 ? 1.0 - 0.2 * (double)i : i == n - 1 ? -0.7 : bulk(n, i);
            break;
        }
    }
    qsort(v, (size_t)n, sizeof *v, descending);
    const double top = v[0];
    for (int64_t i = 0; i < n; i++)
        v[i] /= top;
}
