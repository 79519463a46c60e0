/* The losses of a chunk of rows, their derivative in the outputs (delta), and the product of their
 * Hessian in the outputs with a vector. Scalars are doubles: there are few of them. Part of real.h.
 *
 * A row that is as good as settled leaves the other outputs probabilities far below 1, and all that
 * follows is made of those: 1 - p is the sum of the others, never a difference.
 *
 * Element (output o, row i) of z, delta and note is at o * rows + i. note keeps what the Hessian
 * needs: the probabilities, of logistic loss the smaller one. */

/* Returns the row's loss; *correct is 1 when its label wins. */
static double softmax_row(int64_t outputs, int64_t rows, const REAL *z, int32_t label, REAL *delta,
                          REAL *note, int64_t *correct)
{
    int64_t best = 0;
    for (int64_t o = 1; o < outputs; o++)
        if (z[o * rows] > z[best * rows])
            best = o;
    /* In distances from the largest: of large outputs, only those have all their digits. */
    const double top = (double)z[best * rows];
    double behind = 0, others = 0; /* all but the best, all but the label */
    for (int64_t o = 0; o < outputs; o++) {
        const double e = exp((double)z[o * rows] - top);
        behind += o == best ? 0 : e;
        others += o == label ? 0 : e;
    }
    for (int64_t o = 0; delta && o < outputs; o++) {
        const double p = exp((double)z[o * rows] - top) / (1 + behind);
        note[o * rows] = (REAL)p;
        delta[o * rows] = (REAL)(o == label ? -others / (1 + behind) : p);
    }
    *correct += best == label;
    return log1p(behind) + (top - (double)z[label * rows]);
}

static double logistic_row(const REAL *z, int32_t label, REAL *delta, REAL *note, int64_t *correct)
{
    const double output = (double)*z;
    if (delta) {
        *note = (REAL)(1 / (1 + exp(fabs(output))));
        *delta = (REAL)(label ? -1 / (1 + exp(output)) : 1 / (1 + exp(-output)));
    }
    *correct += (output > 0) == (label == 1);
    return (output < 0 ? 0 : output) - label * output + log1p(exp(-fabs(output)));
}

static double squared_row(int64_t outputs, int64_t rows, const REAL *z, const REAL *target,
                          REAL *delta)
{
    double sum = 0;
    for (int64_t o = 0; o < outputs; o++) {
        const double d = (double)z[o * rows] - (double)target[o];
        sum += d * d;
        if (delta)
            delta[o * rows] = (REAL)d;
    }
    return sum / 2;
}

/* The rows of a chunk whose first one is row `first` of y; delta NULL: loss only. */
static void loss_forward(const absa_refnet *net, const REAL *z, const void *y, int64_t first,
                         int64_t rows, REAL *delta, REAL *note, absa__net_sums *sums)
{
    const int64_t outputs = net->nodes[net->layer_count].size;
    const int32_t *labels = y;
    const REAL *targets = y;
    for (int64_t i = 0; i < rows; i++) {
        REAL *d = delta ? delta + i : NULL;
        double loss;
        if (net->options.loss == ABSA_REFNET_SOFTMAX)
            loss =
                softmax_row(outputs, rows, z + i, labels[first + i], d, note + i, &sums->correct);
        else if (net->options.loss == ABSA_REFNET_LOGISTIC)
            loss = logistic_row(z + i, labels[first + i], d, note + i, &sums->correct);
        else
            loss = squared_row(outputs, rows, z + i, targets + (first + i) * outputs, d);
        sums->loss += loss;
        if (!isfinite(loss) && sums->bad_row < 0)
            sums->bad_row = first + i;
    }
}

/* rdelta = L rz, L being the Hessian of each row's loss in its outputs. */
static void loss_hessian(const absa_refnet *net, const REAL *note, const REAL *rz, int64_t rows,
                         REAL *rdelta)
{
    const int64_t outputs = net->nodes[net->layer_count].size;
    if (net->options.loss == ABSA_REFNET_SQUARED) {
        memcpy(rdelta, rz, (size_t)(outputs * rows) * sizeof *rdelta);
        return;
    }
    if (net->options.loss == ABSA_REFNET_LOGISTIC) {
        for (int64_t i = 0; i < rows; i++)
            rdelta[i] = note[i] * (1 - note[i]) * rz[i];
        return;
    }
    for (int64_t i = 0; i < rows; i++) {
        int64_t best = 0;
        for (int64_t o = 1; o < outputs; o++)
            if (note[o * rows + i] > note[best * rows + i])
                best = o;
        /* The Hessian leaves out what all outputs have in common, here that of the likeliest. */
        const double common = (double)rz[best * rows + i];
        double mean = 0;
        for (int64_t o = 0; o < outputs; o++)
            mean += (double)note[o * rows + i] * ((double)rz[o * rows + i] - common);
        for (int64_t o = 0; o < outputs; o++) {
            const double p = (double)note[o * rows + i], d = (double)rz[o * rows + i] - common;
            rdelta[o * rows + i] = (REAL)(p * (d - mean));
        }
    }
}
