/* The extreme eigenvalues of several diagonal blocks: one estimator after another, each on an
 * operator of its own. Every process is told when one of them cannot make the next. */
#include "base/fail.h"
#include "oper/oper.h"

#include <absa/block.h>

#include <string.h>

typedef struct measurement {
    absa_block *block;
    absa_operator *op;
    absa_eigen *eigen;
} measurement;

static void release(measurement *m)
{
    absa_eigen_destroy(&m->eigen);
    absa_operator_destroy(&m->op);
    absa_block_destroy(&m->block);
}

static absa_status prepare(absa_operator *base, const absa__space *whole,
                           const absa_block_range *range, const absa_eigen_options *options,
                           measurement *m)
{
    absa_status status = absa_block_create(whole->ctx, whole->given.n_global, NULL, 0, &m->block);
    if (!status)
        status = absa_block_select_range(m->block, range->first, range->count);
    if (!status)
        status = absa_operator_from_block(base, m->block, &m->op);
    if (!status)
        status =
            absa_eigen_create(whole->ctx, &absa__operator_space(m->op)->given, options, &m->eigen);
    return status;
}

/* Puts the block's index in front of what is said already. */
static absa_status name_block(absa_context *ctx, int64_t index, absa_status status)
{
    char text[512];
    strncpy(text, absa_context_message(ctx), sizeof text - 1);
    text[sizeof text - 1] = 0;
    return absa__fail(ctx, status, "block %lld: %s", (long long)index, text);
}

absa_status absa_block_eigenvalues(absa_operator *base, const absa_block_range *ranges,
                                   int64_t count, const absa_eigen_options *options,
                                   uint64_t stream, absa_eigen_result *results, size_t stride)
{
    absa_status status = ABSA_OK;
    if (!base)
        return ABSA_E_INVALID;
    /* Shares what it points to with the base's. */
    absa__space whole = *absa__operator_space(base);
    if (!ranges || !results || count < 1)
        return absa__fail(whole.ctx, ABSA_E_INVALID,
                          "absa_block_eigenvalues: %lld blocks, or ranges or results is NULL",
                          (long long)count);
    if (stride <= sizeof(size_t))
        return absa__fail(whole.ctx, ABSA_E_ABI,
                          "absa_block_eigenvalues: stride is %zu, must be sizeof "
                          "(absa_eigen_result)",
                          stride);
    for (int64_t i = 0; i < count && !status; i++) {
        measurement m = {0};
        absa_eigen_args args;
        absa_eigen_result *result = (absa_eigen_result *)((char *)results + (size_t)i * stride);
        absa_eigen_args_init(&args, sizeof args);
        args.stream = stream + (uint64_t)i;
        absa_eigen_result_init(result, stride);
        status = absa__space_status(&whole, prepare(base, &whole, &ranges[i], options, &m));
        if (!status)
            status = absa_eigen_run(m.eigen, m.op, &args, result);
        release(&m);
        if (status)
            status = name_block(whole.ctx, i, status);
    }
    return status;
}
