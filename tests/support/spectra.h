/* Spectra by name: the shapes that decide how many products an estimator takes. */
#ifndef ABSA_TEST_SPECTRA_H
#define ABSA_TEST_SPECTRA_H

#include <stdint.h>

enum spectrum {
    SPECTRUM_OUTLIERS = 0,    /* a few values over a small bulk, both ends: a network's Hessian */
    SPECTRUM_GAP = 1,         /* 3 % between the first value and an even rest */
    SPECTRUM_CLUSTER = 2,     /* five values within 1 % at the top of a small bulk */
    SPECTRUM_INDEFINITE = 3,  /* the other end at -0.98 */
    SPECTRUM_SEMICIRCLE = 4,  /* Wigner's: no outlier at all */
    SPECTRUM_POWER_LAW = 5,   /* 1, 1/2, 1/3, ... */
    SPECTRUM_LOG_UNIFORM = 6, /* six decades, evenly in the logarithm */
    SPECTRUM_COUNT = 7
};

const char *spectrum_name(int spectrum);

/* n eigenvalues, descending, the first of them 1. */
void make_spectrum(int spectrum, int64_t n, double *values);

#endif
