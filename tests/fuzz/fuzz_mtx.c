/* Any bytes as a Matrix Market file, in either precision. What is taken is symmetric to the bit and
 * its rows are in order; what is refused says why, on a line that the file has. */
#include "fuzz.h"

#include <math.h>
#include <sparse.h>

/* The program would try; here a short file must not ask for gigabytes. */
enum { MOST_ROWS = 1 << 16 };

static double value_at(const sparse *s, int64_t i)
{
    return s->f32 ? (double)((const float *)s->value)[i] : ((const double *)s->value)[i];
}

static double entry(const sparse *s, int64_t row, int64_t column)
{
    for (int64_t i = s->start[row]; i < s->start[row + 1]; i++)
        if (s->column[i] == column)
            return value_at(s, i);
    return 0.0;
}

static void check_matrix(const sparse *s)
{
    for (int64_t row = 0; row < s->n; row++)
        for (int64_t i = s->start[row]; i < s->start[row + 1]; i++) {
            FUZZ_CHECK(s->column[i] >= 0 && s->column[i] < s->n && isfinite(value_at(s, i)));
            FUZZ_CHECK(i == s->start[row] || s->column[i] > s->column[i - 1]);
            FUZZ_CHECK(s->start[s->n] > 4096 || entry(s, s->column[i], row) == value_at(s, i));
        }
}

static void check_refusal(const mtx_error *error, const char *text, size_t size)
{
    int64_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n' || text[i] == '\r';
    FUZZ_CHECK(*error->text && error->line >= 0 && error->line <= lines);
}

static void check_parsed(const mtx *m, const char *text, size_t size)
{
    mtx_error error = {0, ""};
    for (int64_t i = 0; i < m->count; i++)
        FUZZ_CHECK(m->entries[i].row >= 0 && m->entries[i].row < m->n &&
                   m->entries[i].column >= 0 && m->entries[i].column < m->n);
    for (int f32 = 0; f32 < 2 && m->n <= MOST_ROWS; f32++) {
        sparse s;
        if (sparse_make(m, f32, text, size, &s, &error))
            check_matrix(&s);
        else
            check_refusal(&error, text, size);
        sparse_free(&s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mtx m;
    mtx_error error = {0, ""};
    char *text = malloc(size + 1);
    FUZZ_CHECK(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (mtx_parse(text, size, &m, &error))
        check_parsed(&m, text, size);
    else
        check_refusal(&error, text, size);
    mtx_free(&m);
    free(text);
    return 0;
}
