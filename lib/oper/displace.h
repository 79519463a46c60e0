/* Moving the host's parameters along a vector and back, for operators made of differences. */
#ifndef ABSA_OPER_DISPLACE_H
#define ABSA_OPER_DISPLACE_H

#include "linalg/space.h"

typedef struct absa__displacement {
    void *theta;    /* the host's */
    void *snapshot; /* what it is put back to */
    double step, scale;
} absa__displacement;

/* Checks step and scale; who names their struct. */
absa_status absa__displace_check(absa_context *ctx, const char *who, double step, double scale);

/* Takes the snapshot, and answers how far along v a step goes: *h is 0 when v is. Sums over shards.
 */
absa_status absa__displace_begin(absa__space *s, absa__displacement *d, const void *v, double *h);

/* theta = snapshot + h v. */
absa_status absa__displace_to(absa__space *s, absa__displacement *d, double h, const void *v);

/* theta = snapshot, bit for bit; to be called whatever has failed, whose status it returns. */
absa_status absa__displace_end(absa__space *s, absa__displacement *d, absa_status status);

#endif
