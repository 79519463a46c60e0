/* Whether a host's callbacks are one symmetric linear operator, told from five products with random
 * vectors. A diagnosis for people, not a part of any run. */
#include "oper/kinds.h"

#include "base/fail.h"
#include "base/structs.h"

#include <math.h>

void absa_check_result_init(absa_check_result *result, size_t size)
{
    absa_check_result r = {0};
    absa__struct_init(result, size, &r, sizeof r);
}

const char *absa_verdict_text(int32_t verdict)
{
    static const char *const texts[] = {
        "good: one symmetric linear operator, as far as five products can tell",
        "zero: the products are zero; is the loss connected to these parameters?",
        "not finite: the products hold NaN or infinity; look at the loss, and at the type's range",
        "not repeatable: the same product twice differs; use one fixed batch, switch dropout off, "
        "and batch normalisation to running statistics",
        "not scaling: a shorter vector does not give a shorter product; is the vector normalised "
        "or "
        "clipped, the step of a difference fixed, or the network full of kinks?",
        "not additive: the product of a sum is not the sum of the products; is something added "
        "that "
        "does not depend on the vector, or is the network full of kinks?",
        "not symmetric: u'Hv is not v'Hu; was a term left out on the way back, or are parameters "
        "and "
        "vector in different order?",
    };
    return verdict >= 0 && verdict < (int32_t)(sizeof texts / sizeof texts[0])
               ? texts[verdict]
               : "no verdict of this library";
}

enum { U, V, HU, HV, W, VECTORS };

typedef struct check {
    absa_operator *op;
    void *x[VECTORS];
    int64_t products;
} check;

/* y = H x; no process begins it, and no shard goes on, when one cannot. */
static absa_status apply(check *c, absa_status status, int x, int y)
{
    status = absa__space_status(&c->op->space, status);
    if (!status) {
        status = absa_operator_apply(c->op, c->x[x], c->x[y]);
        c->products++;
    }
    return absa__vector_status(&c->op->space, status);
}

static absa_status axpby(check *c, absa_status status, double a, int x, double b, int y)
{
    return status ? status : absa__vector_axpby(&c->op->space, a, c->x[x], b, c->x[y]);
}

/* x'y over all shards, NaN after a failure. */
static absa_status dot(check *c, absa_status status, int x, int y, double *out)
{
    const void *left = c->x[x];
    *out = (double)NAN;
    if (!status)
        status = absa__vector_dots(&c->op->space, 1, &left, c->x[y], out);
    return absa__vector_sum(&c->op->space, status, out, 1);
}

static absa_status length(check *c, absa_status status, int x, double *out)
{
    status = dot(c, status, x, x, out);
    *out = sqrt(*out);
    return status;
}

static int32_t judge(const absa_check_result *r, double hu, double hv)
{
    return !isfinite(hu) || !isfinite(hv)        ? ABSA_VERDICT_NONFINITE
           : hu == 0.0 && hv == 0.0              ? ABSA_VERDICT_ZERO
           : !(r->repeatability <= r->tolerance) ? ABSA_VERDICT_NOT_REPEATABLE
           : !(r->scaling <= r->tolerance)       ? ABSA_VERDICT_NOT_SCALING
           : !(r->additivity <= r->tolerance)    ? ABSA_VERDICT_NOT_ADDITIVE
           : !(r->symmetry <= r->tolerance)      ? ABSA_VERDICT_NOT_SYMMETRIC
                                                 : ABSA_VERDICT_GOOD;
}

/* The products are of vectors whose elements have length 1, so u'Hv is as large as Hv is long, and
 * an error of symmetry relative to that length is one of H itself. */
static absa_status examine(check *c, uint64_t seed, absa_check_result *r)
{
    absa__space *s = &c->op->space;
    double hu, hv, v, uhv, vhu, error;
    absa_status status = absa__vector_gaussian(s, seed, 0, c->x[U]);
    if (!status)
        status = absa__vector_gaussian(s, seed, 1, c->x[V]);
    status = apply(c, status, V, HV);
    status = apply(c, status, V, W);
    status = axpby(c, status, -1.0, HV, 1.0, W);
    status = length(c, status, W, &error);
    status = length(c, status, HV, &hv);
    status = length(c, status, V, &v);
    r->repeatability = error / hv;
    r->length = hv / v;
    status = apply(c, status, U, HU);
    status = length(c, status, HU, &hu);
    status = dot(c, status, U, HV, &uhv);
    status = dot(c, status, V, HU, &vhu);
    r->symmetry = fabs(uhv - vhu) / (hu + hv);
    status = axpby(c, status, 1.0, V, 1.0, U);
    status = apply(c, status, U, W);
    status = axpby(c, status, -1.0, HU, 1.0, W);
    status = axpby(c, status, -1.0, HV, 1.0, W);
    status = length(c, status, W, &error);
    r->additivity = error / (hu + hv);
    status = axpby(c, status, 0.125, V, 0.0, U);
    status = apply(c, status, U, W);
    status = axpby(c, status, -0.125, HV, 1.0, W);
    status = length(c, status, W, &error);
    r->scaling = error / (0.125 * hv);
    r->products = c->products;
    r->tolerance = absa__operator_differences(c->op)      ? 2e-2
                   : s->given.element == ABSA_ELEMENT_F32 ? 1e-3
                                                          : 1e-8;
    r->verdict = judge(r, hu, hv);
    return status;
}

absa_status absa_operator_check(absa_operator *op, uint64_t seed, absa_check_result *result)
{
    if (!op)
        return ABSA_E_INVALID;
    if (!result)
        return absa__fail(op->ctx, ABSA_E_INVALID, "absa_operator_check: result is NULL");
    check c = {.op = op};
    absa_check_result r;
    absa_check_result_init(&r, sizeof r);
    absa_status status = ABSA_OK;
    for (int k = 0; k < VECTORS && !status; k++)
        status = absa__vector_alloc(&op->space, &c.x[k]);
    status = absa__space_status(&op->space, status);
    if (!status)
        status = absa__space_status(&op->space, examine(&c, seed, &r));
    for (int k = 0; k < VECTORS; k++)
        absa__vector_release(&op->space, c.x[k]);
    return status ? status : absa__struct_write(op->ctx, "absa_check_result", &r, result, sizeof r);
}
