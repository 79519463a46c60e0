/* Looking for a NaN or infinity, for one element type. Included by inputs.c with REAL, FIRST_BAD,
 * ABS, LARGEST and BITS (an integer as wide as REAL) defined, which it takes away again. Asking
 * first whether there is any lets the compiler make vector code of the case that there is none. */

static int64_t FIRST_BAD(int64_t n, const REAL *x)
{
    BITS bad = 0;
    for (int64_t i = 0; i < n; i++)
        bad |= !(ABS(x[i]) <= LARGEST);
    for (int64_t i = 0; bad && i < n; i++)
        if (!(ABS(x[i]) <= LARGEST))
            return i;
    return -1;
}

#undef REAL
#undef FIRST_BAD
#undef ABS
#undef LARGEST
#undef BITS
