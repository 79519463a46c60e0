/* One run of ARPACK for one element type, by reverse communication: implicitly restarted Lanczos
 * for the largest eigenvalue. Included with REAL, SAUPD, SEUPD and ARPACK_RUN defined; work and
 * product are bench_eigen.c's. */

/* Runs with ncv vectors until the residual is at most tol |value|. */
static answer ARPACK_RUN(work *w, int ncv, double tol)
{
    const int n = (int)w->n, room = ncv * (ncv + 8);
    REAL *resid = w->memory, *v = resid + w->n, *workd = v + w->n * ncv;
    REAL *small = workd + 3 * w->n, value = 0;
    int ido = 0, info = 0, ipntr[14] = {0};
    int iparam[11] = {1, 0, 1000, 1, 0, 0, 1, 0, 0, 0, 0};
    answer a = {0};
    const int64_t first = w->products;
    const double before = w->inside, start = begin(w);
    do {
        SAUPD(&ido, "I", n, "LA", 1, (REAL)tol, resid, ncv, v, n, iparam, ipntr, workd, small, room,
              &info);
        if (ido == 1 || ido == -1)
            product(w, workd + ipntr[0] - 1, workd + ipntr[1] - 1, NULL);
    } while (ido == 1 || ido == -1);
    a.outside = now() - start - (w->inside - before);
    a.start = w->to_first;
    a.products = w->products - first;
    a.converged = info == 0;
    int select[64] = {0};
    if (info >= 0)
        SEUPD(0, "A", select, &value, v, n, 0, "I", n, "LA", 1, (REAL)tol, resid, ncv, v, n, iparam,
              ipntr, workd, small, room, &info);
    a.value = (double)value;
    a.upper = HUGE_VAL;
    return a;
}
