/* From entries in a file's order to rows with ascending columns, in time linear in the entries: one
 * scatter by rows, then a transposition, which is the matrix again when it is symmetric. */
#include "sparse.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct rows {
    int64_t n, *start;
    int32_t *column;
    double *value;
} rows;

static int take_rows(rows *r, int64_t n, int64_t count, mtx_error *error)
{
    r->n = n;
    r->start = calloc((size_t)n + 2, sizeof *r->start);
    r->column = malloc((size_t)(count ? count : 1) * sizeof *r->column);
    r->value = malloc((size_t)(count ? count : 1) * sizeof *r->value);
    return (r->start && r->column && r->value) ||
           mtx_refuse(error, 0, "not enough memory for a matrix of %lld rows and %lld entries",
                      (long long)n, (long long)count);
}

static void free_rows(rows *r)
{
    free(r->start);
    free(r->column);
    free(r->value);
}

/* start[i + 1] counts row i's entries and becomes where the next entry of row i - 1 goes: with one
 * place more than rows the scatter leaves start[i] at the row's beginning. */
static void begin_rows(rows *r)
{
    for (int64_t i = 1; i <= r->n; i++)
        r->start[i + 1] += r->start[i];
}

static void put(rows *r, int64_t row, int32_t column, double value)
{
    const int64_t at = r->start[row + 1]++;
    r->column[at] = column;
    r->value[at] = value;
}

static int mirrored(const mtx *m, const mtx_entry *e)
{
    return m->symmetric && e->row != e->column;
}

static void scatter(const mtx *m, rows *r)
{
    for (int64_t i = 0; i < m->count; i++) {
        const mtx_entry *e = &m->entries[i];
        r->start[e->row + 2]++;
        if (mirrored(m, e))
            r->start[e->column + 2]++;
    }
    begin_rows(r);
    for (int64_t i = 0; i < m->count; i++) {
        const mtx_entry *e = &m->entries[i];
        put(r, e->row, e->column, e->value);
        if (mirrored(m, e))
            put(r, e->column, e->row, e->value);
    }
}

static void transpose(const rows *from, rows *to)
{
    const int64_t count = from->start[from->n];
    for (int64_t i = 0; i < count; i++)
        to->start[from->column[i] + 2]++;
    begin_rows(to);
    for (int64_t row = 0; row < from->n; row++)
        for (int64_t i = from->start[row]; i < from->start[row + 1]; i++)
            put(to, from->column[i], (int32_t)row, from->value[i]);
}

/* The line of the last entry of this place. */
static int64_t line_of(const mtx *m, const char *text, size_t size, int64_t row, int64_t column)
{
    for (int64_t i = m->count - 1; i >= 0; i--)
        if ((m->entries[i].row == row && m->entries[i].column == column) ||
            (m->symmetric && m->entries[i].row == column && m->entries[i].column == row))
            return mtx_line(text, size, i);
    return 0;
}

/* Sums the entries of one place. Columns and rows are exchanged: r is the transposed matrix. */
static int merge(const mtx *m, const char *text, size_t size, rows *r, mtx_error *error)
{
    int64_t to = 0, from = 0;
    for (int64_t row = 0; row < r->n; row++) {
        const int64_t begin = to, end = r->start[row + 1];
        for (; from < end; from++) {
            const int32_t column = r->column[from];
            const int again = to > begin && r->column[to - 1] == column;
            if (again && m->pattern)
                return mtx_refuse(error, line_of(m, text, size, column, row),
                                  "entry (%d, %lld) of the pattern is given twice", column + 1,
                                  (long long)row + 1);
            if (again) {
                r->value[to - 1] += r->value[from];
                continue;
            }
            r->column[to] = column;
            r->value[to++] = r->value[from];
        }
        r->start[row] = begin;
    }
    r->start[r->n] = to;
    for (int64_t i = 0, row = 0; i < to; i++) {
        while (r->start[row + 1] <= i)
            row++;
        if (!isfinite(r->value[i]))
            return mtx_refuse(error, line_of(m, text, size, r->column[i], row),
                              "the entries of (%d, %lld) sum to more than a double holds",
                              r->column[i] + 1, (long long)row + 1);
    }
    return 1;
}

/* Where (row, column) is stored, or -1. */
static int64_t find(const rows *r, int64_t row, int64_t column)
{
    int64_t low = r->start[row], high = r->start[row + 1];
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (r->column[middle] < column)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->start[row + 1] && r->column[low] == column ? low : -1;
}

/* The two are one value: sums of several entries may differ by their rounding. */
static int same(double a, double b)
{
    return fabs(a - b) <= 16.0 * DBL_EPSILON * fmax(fabs(a), fabs(b));
}

/* Compares every entry with its mirror image and makes the two equal. */
static int check_symmetric(const mtx *m, const char *text, size_t size, rows *r, mtx_error *error)
{
    for (int64_t row = 0; row < r->n; row++)
        for (int64_t i = r->start[row]; i < r->start[row + 1]; i++) {
            const int32_t column = r->column[i];
            const int64_t image = find(r, column, row);
            const double other = image < 0 ? 0.0 : r->value[image];
            if (!same(r->value[i], other))
                return mtx_refuse(error, line_of(m, text, size, column, row),
                                  "not symmetric: entry (%d, %lld) is %.17g, but (%lld, %d) is "
                                  "%.17g",
                                  column + 1, (long long)row + 1, r->value[i], (long long)row + 1,
                                  column + 1, other);
            if (image >= 0)
                r->value[i] = r->value[image] = 0.5 * r->value[i] + 0.5 * other;
        }
    return 1;
}

/* Hands the rows over in the element type that is asked for, times the power of two that brings the
 * largest entry next to 1: squares of the smallest and of the largest doubles are no doubles. */
static void settle(rows *r, int f32, sparse *out)
{
    float *narrow = (float *)(void *)r->value;
    const int64_t count = r->start[r->n];
    double most = 0.0;
    int exponent;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(r->value[i]));
    frexp(most, &exponent);
    for (int64_t i = 0; i < count; i++) {
        const double value = ldexp(r->value[i], -exponent);
        /* In place: a float ends before the next double begins. */
        if (f32)
            memcpy(narrow + i, &(float){(float)value}, sizeof *narrow);
        else
            r->value[i] = value;
    }
    *out = (sparse){r->n, r->start, r->column, r->value, f32, exponent};
    memset(r, 0, sizeof *r);
}

int sparse_make(const mtx *m, int f32, const char *text, size_t size, sparse *out, mtx_error *error)
{
    rows given = {0}, made = {0};
    int64_t count = m->count;
    memset(out, 0, sizeof *out);
    for (int64_t i = 0; i < m->count; i++)
        count += mirrored(m, &m->entries[i]);
    int good = take_rows(&given, m->n, count, error) && take_rows(&made, m->n, count, error);
    if (good) {
        scatter(m, &given);
        transpose(&given, &made);
        free_rows(&given);
        memset(&given, 0, sizeof given);
        good = merge(m, text, size, &made, error) &&
               (m->symmetric || check_symmetric(m, text, size, &made, error));
        if (good)
            settle(&made, f32, out);
    }
    free_rows(&given);
    free_rows(&made);
    return good;
}

int sparse_product(void *matrix, const void *x, void *y, int64_t *samples)
{
    const sparse *s = matrix;
    (void)samples;
    for (int64_t row = 0; row < s->n; row++) {
        double sum = 0.0;
        if (s->f32) {
            const float *v = s->value, *in = x;
            for (int64_t i = s->start[row]; i < s->start[row + 1]; i++)
                sum += (double)v[i] * (double)in[s->column[i]];
            ((float *)y)[row] = (float)sum;
        } else {
            const double *v = s->value, *in = x;
            for (int64_t i = s->start[row]; i < s->start[row + 1]; i++)
                sum += v[i] * in[s->column[i]];
            ((double *)y)[row] = sum;
        }
    }
    return 0;
}

void sparse_free(sparse *s)
{
    free(s->start);
    free(s->column);
    free(s->value);
    memset(s, 0, sizeof *s);
}
