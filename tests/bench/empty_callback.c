#include "empty_callback.h"

#include <stddef.h>

static int empty(void *user, const double *in, double *out)
{
    (void)user;
    (void)in;
    (void)out;
    return 0;
}

static const host_table table = {empty, NULL};

const host_table *empty_host(void)
{
    return &table;
}
