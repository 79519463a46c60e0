/* The operator of a block: the product of a whole vector that is zero outside the block, gathered.
 * One more kind of operator around another, in a space of its own. */
#include "oper/block_impl.h"
#include "oper/kinds.h"

#include "base/fail.h"

typedef struct block_state {
    absa_operator *base;
    absa__block_map map;
    void *x, *y; /* whole vectors; x stays zero outside the block */
} block_state;

/* With the library's own vectors nothing here can fail on one process alone. */
static absa_status agree(block_state *s, absa_status status)
{
    return s->map.whole.given.ops ? absa__space_status(&s->map.whole, status) : status;
}

static absa_status product(absa_operator *op, const void *x, void *y, int64_t *samples)
{
    block_state *s = op->state;
    absa_status status = agree(s, absa__block_scatter(&s->map, x, s->x));
    if (status)
        return status;
    status = absa_operator_apply(s->base, s->x, s->y);
    if (!status) {
        op->products++;
        *samples = (int64_t)s->base->covered;
        status = absa__block_gather(&s->map, s->y, y);
    }
    return agree(s, status);
}

static void run(absa_operator *op, int open)
{
    const block_state *s = op->state;
    absa__operator_run(s->base, open);
}

/* The whole vector is zero outside the block, so its product with itself is the block's. */
static absa_status halved(absa_operator *op, const void *v, double *value)
{
    block_state *s = op->state;
    const absa_status status = agree(s, absa__block_scatter(&s->map, v, s->x));
    if (status)
        return status;
    op->products++;
    return absa__operator_halved(s->base, s->x, value);
}

static void release(absa_operator *op)
{
    block_state *s = op->state;
    absa__vector_release(&s->map.whole, s->x);
    absa__vector_release(&s->map.whole, s->y);
    absa__block_map_close(&s->map);
}

static absa_status check(absa_context *ctx, const absa_space *whole)
{
    const char *missing = !whole->ops          ? NULL
                          : !whole->ops->read  ? "read"
                          : !whole->ops->write ? "write"
                                               : NULL;
    return missing ? absa__fail(ctx, ABSA_E_UNSUPPORTED,
                                "absa_operator_from_block: the vector table has no %s, which "
                                "blocks need to reach the vectors",
                                missing)
                   : ABSA_OK;
}

absa_status absa_operator_from_block(absa_operator *base, const absa_block *block,
                                     absa_operator **out)
{
    absa_operator *op;
    absa_context *ctx = base ? base->ctx : NULL;
    if (!out)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_operator_from_block: out is NULL");
    *out = NULL;
    if (!base || !block)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_operator_from_block: %s is NULL",
                          base ? "block" : "base");
    absa_status status = check(ctx, &base->space.given);
    if (!status)
        status = absa__operator_around(ctx, base, sizeof(block_state), &op);
    if (status)
        return status;
    block_state *s = op->state;
    s->base = base;
    op->product = product;
    op->close = release;
    op->run = run;
    op->halved = absa__operator_differences(base) ? halved : NULL;
    status = absa__block_map_open(ctx, block, &base->space.given, &s->map);
    if (!status) {
        absa__space_close(&op->space);
        status = absa__space_open(ctx, &s->map.part.given, &op->space);
    }
    if (!status)
        status = absa__vector_alloc(&s->map.whole, &s->x);
    if (!status)
        status = absa__vector_alloc(&s->map.whole, &s->y);
    if (!status)
        status = absa__block_clear(&s->map, s->x);
    if (status)
        absa_operator_destroy(&op);
    *out = op;
    return status;
}
