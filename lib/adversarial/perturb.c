/* Perturbing a batch: walks the rows, checks each right before it is written, while it is in cache,
 * and reports what was seen. What the options mean is perturb_plan.c's, what happens to a row
 * perturb_fast.c's and perturb_blocks.c's. */
#include <absa/adversarial.h>

#include "adversarial/inputs.h"
#include "adversarial/perturb_rows.h"
#include "base/structs.h"

#include <math.h>
#include <string.h>

void absa_perturb_result_init(absa_perturb_result *result, size_t size)
{
    absa_perturb_result r = {0};
    r.bad_row = r.bad_index = -1;
    absa__struct_init(result, size, &r, sizeof r);
}

absa__row absa__row_at(const absa__perturb_plan *plan, const absa__batch *b, int64_t at)
{
    const absa_perturb_options *o = &plan->o;
    absa__row row;
    row.x = b->x + plan->size * (size_t)(at * o->x_stride);
    row.g = b->g ? b->g + plan->g_size * (size_t)(at * o->g_stride) : NULL;
    row.out = b->out + plan->size * (size_t)(at * o->out_stride);
    row.point = b->several ? row.out : row.x;
    row.mask = o->mask ? o->mask + at * o->mask_stride : NULL;
    row.scale = o->row_scale ? o->row_scale[at] : 1.0;
    row.id = o->ids ? o->ids[at] : (int64_t)((uint64_t)o->first_id + (uint64_t)at);
    return row;
}

int64_t absa__next_selected(const absa__perturb_plan *plan, const absa__batch *b, int64_t at)
{
    while (at < b->rows && plan->o.selected && !plan->o.selected[at])
        at++;
    return at;
}

int64_t absa__next_row(const absa__perturb_plan *plan, const absa__batch *b, int64_t at,
                       absa_perturb_result *r)
{
    const int64_t next = absa__next_selected(plan, b, at);
    for (; at < next; at++) {
        const absa__row row = absa__row_at(plan, b, at);
        if (row.out != row.x)
            memcpy(row.out, row.x, plan->size * (size_t)plan->o.row_size);
        r->rows_done++;
    }
    return next;
}

absa_status absa__find_bad(const absa__perturb_plan *plan, const absa__row *row, int64_t at,
                           absa_perturb_result *r)
{
    const struct {
        const void *data;
        int32_t type, array;
    } arrays[] = {{row->x, plan->o.element, ABSA_PERTURB_X},
                  {row->g, plan->o.g_element, ABSA_PERTURB_G},
                  {row->point, plan->o.element, ABSA_PERTURB_POINT}};
    for (int k = 0; k < 3; k++) {
        if (!arrays[k].data || (k == 2 && row->point == row->x))
            continue;
        const int64_t index =
            absa__input_first_bad(arrays[k].type, plan->o.row_size, arrays[k].data);
        if (index < 0)
            continue;
        r->bad_row = at;
        r->bad_index = index;
        r->bad_in = arrays[k].array;
        return ABSA_E_NONFINITE;
    }
    return ABSA_OK;
}

static absa_status walk(const absa__perturb_plan *plan, const absa__batch *b,
                        absa_perturb_result *r)
{
    absa__reach reach;
    reach.key = -1;
    for (int64_t at = absa__next_row(plan, b, 0, r); at < b->rows;
         at = absa__next_row(plan, b, at + 1, r)) {
        const absa__row row = absa__row_at(plan, b, at);
        const absa_status status = absa__find_bad(plan, &row, at, r);
        if (status)
            return status;
        const absa__seen seen =
            b->g ? absa__step_row(plan, &row, &reach) : absa__start_row(plan, &row, &reach);
        r->zero_rows += b->g && !seen.nonzero;
        r->unmoved_rows += !seen.moved;
        r->rows_done++;
    }
    return ABSA_OK;
}

/* Whether all arrays are there and none is written before another row of it is read. Partial
 * overlaps are the caller's to avoid. */
static int arrays_valid(const absa__perturb_plan *plan, const absa__batch *b)
{
    if (b->rows == 0)
        return 1;
    const int shifts = b->rows > 1 && plan->o.x_stride != plan->o.out_stride;
    return b->x && b->out && b->out != b->g && !(b->out == b->x && shifts);
}

/* What all entry points share. */
static absa_status perturb(const absa_perturb_options *options, const absa__batch *b,
                           absa_perturb_result *result)
{
    absa__perturb_plan plan;
    absa_perturb_result r;
    absa_perturb_result_init(&r, sizeof r);
    absa_status status =
        result ? absa__struct_write(NULL, "absa_perturb_result", &r, result, sizeof r) : ABSA_OK;
    if (!status)
        status = absa__perturb_plan_make(options, b->rows, &plan);
    if (status)
        return status;
    if (!arrays_valid(&plan, b))
        return ABSA_E_INVALID;
    status = absa__fast_fits(&plan, b) ? absa__fast_walk(&plan, b, &r) : walk(&plan, b, &r);
    if (result)
        (void)absa__struct_write(NULL, "absa_perturb_result", &r, result, sizeof r);
    return status;
}

absa_status absa_perturb(const absa_perturb_options *options, int64_t rows, const void *x,
                         const void *g, void *out, absa_perturb_result *result)
{
    const absa__batch b = {rows, x, g, 0, out};
    return rows > 0 && !g ? ABSA_E_INVALID : perturb(options, &b, result);
}

absa_status absa_perturb_start(const absa_perturb_options *options, int64_t rows, const void *x,
                               void *point, absa_perturb_result *result)
{
    const absa__batch b = {rows, x, NULL, 0, point};
    return perturb(options, &b, result);
}

absa_status absa_perturb_step(const absa_perturb_options *options, int64_t rows, const void *x,
                              const void *g, void *point, absa_perturb_result *result)
{
    const absa__batch b = {rows, x, g, 1, point};
    return rows > 0 && (!g || x == point) ? ABSA_E_INVALID : perturb(options, &b, result);
}

absa_status absa_perturb_run(const absa_perturb_options *options, int64_t rows, const void *x,
                             absa_input_gradient_fn gradient, void *user, void *g, void *out,
                             absa_perturb_result *result)
{
    absa_perturb_result r;
    absa_perturb_result_init(&r, sizeof r);
    if (!gradient || (rows > 0 && (!g || x == out)))
        return ABSA_E_INVALID;
    absa__perturb_plan plan;
    absa_status status = absa__perturb_plan_make(options, rows, &plan);
    /* Before any work, so that a result that cannot be written is no late surprise. */
    if (!status && result)
        status = absa__struct_write(NULL, "absa_perturb_result", &r, result, sizeof r);
    if (status)
        return status;
    status = absa_perturb_start(options, rows, x, out, &r);
    for (int64_t k = 0; k < plan.o.steps && rows > 0 && !status; k++) {
        r.callback_code = gradient(user, rows, out, g);
        status =
            r.callback_code ? ABSA_E_CALLBACK : absa_perturb_step(options, rows, x, g, out, &r);
    }
    if (result)
        (void)absa__struct_write(NULL, "absa_perturb_result", &r, result, sizeof r);
    return status;
}

absa_status absa_fgsm(int64_t rows, int64_t row_size, const float *x, const float *g,
                      double epsilon, double lo, double hi, float *out)
{
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    o.row_size = row_size;
    o.epsilon = epsilon;
    o.lo = lo;
    o.hi = hi;
    return absa_perturb(&o, rows, x, g, out, NULL);
}

absa_status absa_perturb_normalised(int64_t channels, double pixel_epsilon, const double *mean,
                                    const double *std, double *epsilon, double *lo, double *hi)
{
    if (channels < 1 || !mean || !std || !epsilon || !lo || !hi || !(pixel_epsilon >= 0.0) ||
        !isfinite(pixel_epsilon))
        return ABSA_E_INVALID;
    for (int64_t c = 0; c < channels; c++)
        if (!isfinite(mean[c]) || !(std[c] > 0.0) || !isfinite(std[c]))
            return ABSA_E_INVALID;
    for (int64_t c = 0; c < channels; c++) {
        epsilon[c] = pixel_epsilon / std[c];
        lo[c] = (0.0 - mean[c]) / std[c];
        hi[c] = (1.0 - mean[c]) / std[c];
    }
    return ABSA_OK;
}
