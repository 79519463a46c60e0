/* Reads the Matrix Market exchange format (R. Boisvert, R. Pozo, K. Remington, "The Matrix Market
 * exchange formats: initial design", NISTIR 5935, 1996): coordinate and array, real, integer and
 * pattern, symmetric and general. One entry a line; blank lines and comments anywhere behind the
 * first line; line ends of any system. Whether a general matrix is symmetric is decided in
 * sparse.c. Nothing is allocated that the file is too short to fill. */
#include "mtx.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *at, *end; /* *end is a zero */
    const char *line_end; /* of the line that at is on; LF, CR or end */
    int64_t line;
    mtx_error *error;
    int coordinate, integer;
    int64_t first_above, first_below; /* lines of the first entries off the diagonal, or 0 */
} reader;

int mtx_refuse(mtx_error *error, int64_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    error->line = line;
    return 0;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static void skip_blanks(reader *r)
{
    while (r->at < r->line_end && is_blank(*r->at))
        r->at++;
}

static void find_line_end(reader *r)
{
    r->line_end = r->at;
    while (r->line_end < r->end && *r->line_end != '\n' && *r->line_end != '\r')
        r->line_end++;
}

/* Moves behind the line's end; returns 0 where the text ends. */
static int next_line(reader *r)
{
    if (r->line_end == r->end)
        return 0;
    r->at = r->line_end + 1;
    if (*r->line_end == '\r' && r->at < r->end && *r->at == '\n')
        r->at++;
    if (r->at == r->end)
        return 0;
    r->line++;
    find_line_end(r);
    return 1;
}

/* Moves to the next line that says something; returns 0 where there is none. */
static int next_content(reader *r)
{
    while (next_line(r)) {
        skip_blanks(r);
        if (r->at < r->line_end && *r->at != '%')
            return 1;
    }
    return 0;
}

/* The next word, for messages: what cannot be printed becomes '?'. */
static const char *word_at(const reader *r, char word[32])
{
    int n = 0;
    for (const char *p = r->at; p < r->line_end && !is_blank(*p) && n < 31; p++)
        word[n++] = *p > ' ' && *p < 127 ? *p : '?';
    word[n] = '\0';
    return word;
}

static int ends_word(const reader *r, const char *p)
{
    return p == r->line_end || is_blank(*p);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Takes the word if it is the next one, whatever its case. */
static int take_word(reader *r, const char *word)
{
    skip_blanks(r);
    const char *p = r->at;
    while (*word && p < r->line_end && lower(*p) == *word) {
        p++;
        word++;
    }
    if (*word || !ends_word(r, p))
        return 0;
    r->at = p;
    return 1;
}

/* A whole number from 0 up. */
static int take_count(reader *r, const char *what, int64_t *out)
{
    char word[32];
    skip_blanks(r);
    const char *p = r->at;
    int64_t value = 0;
    while (p < r->line_end && *p >= '0' && *p <= '9' && value <= (INT64_MAX - 9) / 10)
        value = 10 * value + (*p++ - '0');
    if (r->at == r->line_end)
        return mtx_refuse(r->error, r->line, "the line ends where %s should be", what);
    if (p == r->at || !ends_word(r, p))
        return mtx_refuse(r->error, r->line, "%s is '%s', not a whole number", what,
                          word_at(r, word));
    r->at = p;
    *out = value;
    return 1;
}

static int take_value(reader *r, double *out)
{
    char word[32], *stop;
    skip_blanks(r);
    if (r->at == r->line_end)
        return mtx_refuse(r->error, r->line, "the line ends where the value should be");
    /* Hexadecimal is none of the format's, though strtod takes it. */
    word_at(r, word);
    const int odd = strchr(word, 'x') || strchr(word, 'X');
    *out = strtod(r->at, &stop);
    if (odd || stop == r->at || stop > r->line_end || !ends_word(r, stop))
        return mtx_refuse(r->error, r->line, "the value is '%s', not a number", word);
    if (!isfinite(*out))
        return mtx_refuse(r->error, r->line, "the value is '%s', not finite", word);
    if (r->integer && *out != floor(*out))
        return mtx_refuse(r->error, r->line, "the value is '%s' in a file of integers", word);
    r->at = stop;
    return 1;
}

static int take_end(reader *r)
{
    char word[32];
    skip_blanks(r);
    return r->at == r->line_end ||
           mtx_refuse(r->error, r->line, "'%s' stands behind what the line should hold",
                      word_at(r, word));
}

static int read_head(reader *r, mtx *out)
{
    char word[32];
    find_line_end(r);
    if (r->at == r->end)
        return mtx_refuse(r->error, 1, "the file is empty");
    if (r->end - r->at >= 2 && r->at[0] == '\x1f' && r->at[1] == '\x8b')
        return mtx_refuse(r->error, 0, "the file is compressed; unpack it first");
    if (!take_word(r, "%%matrixmarket"))
        return mtx_refuse(r->error, 1,
                          "not a Matrix Market file: it does not begin with %%%%MatrixMarket");
    if (!take_word(r, "matrix"))
        return mtx_refuse(r->error, 1, "it holds a '%s', not a matrix", word_at(r, word));
    r->coordinate = take_word(r, "coordinate");
    if (!r->coordinate && !take_word(r, "array"))
        return mtx_refuse(r->error, 1, "the format is '%s', neither coordinate nor array",
                          word_at(r, word));
    r->integer = take_word(r, "integer");
    out->pattern = !r->integer && r->coordinate && take_word(r, "pattern");
    if (!r->integer && !out->pattern && !take_word(r, "real") && !take_word(r, "double"))
        return mtx_refuse(r->error, 1, "the values are '%s', not real, integer%s", word_at(r, word),
                          r->coordinate ? " or pattern" : "");
    out->symmetric = take_word(r, "symmetric");
    if (!out->symmetric && !take_word(r, "general"))
        return mtx_refuse(r->error, 1, "the matrix is '%s', not symmetric or general",
                          word_at(r, word));
    return take_end(r);
}

/* Entries that an array file of n columns holds; -1 where they cannot be counted. */
static int64_t array_count(int64_t n, int symmetric)
{
    if (n > INT32_MAX)
        return -1;
    return symmetric ? n * (n + 1) / 2 : n * n;
}

static int read_sizes(reader *r, mtx *out)
{
    int64_t rows, columns;
    if (!next_content(r))
        return mtx_refuse(r->error, r->line, "the file ends before its line of sizes");
    if (!take_count(r, "the number of rows", &rows) ||
        !take_count(r, "the number of columns", &columns))
        return 0;
    if (r->coordinate && !take_count(r, "the number of entries", &out->count))
        return 0;
    if (!take_end(r))
        return 0;
    if (rows != columns)
        return mtx_refuse(r->error, r->line, "the matrix is %lld by %lld, not square",
                          (long long)rows, (long long)columns);
    if (rows == 0)
        return mtx_refuse(r->error, r->line, "the matrix is 0 by 0");
    if (rows >= INT32_MAX)
        return mtx_refuse(r->error, r->line, "%lld rows are more than the %d that are possible",
                          (long long)rows, INT32_MAX - 1);
    out->n = rows;
    if (!r->coordinate)
        out->count = array_count(rows, out->symmetric);
    return 1;
}

/* An index that is counted from 1. */
static int take_index(reader *r, const char *what, int64_t n, int32_t *out)
{
    int64_t index;
    if (!take_count(r, what, &index))
        return 0;
    if (index < 1 || index > n)
        return mtx_refuse(r->error, r->line, "%s is %lld, must be 1 to %lld", what,
                          (long long)index, (long long)n);
    *out = (int32_t)(index - 1);
    return 1;
}

/* A symmetric file holds one triangle; with both, which entries are meant twice is a guess. */
static int check_triangle(reader *r, const mtx_entry *e)
{
    if (e->row == e->column)
        return 1;
    int64_t *mine = e->row > e->column ? &r->first_below : &r->first_above;
    const int64_t other = e->row > e->column ? r->first_above : r->first_below;
    if (other)
        return mtx_refuse(r->error, r->line,
                          "entry (%d, %d) lies %s the diagonal and that of line %lld %s; a "
                          "symmetric file holds one triangle",
                          e->row + 1, e->column + 1, e->row > e->column ? "below" : "above",
                          (long long)other, e->row > e->column ? "above" : "below");
    if (!*mine)
        *mine = r->line;
    return 1;
}

static int read_entries(reader *r, mtx *out)
{
    /* The shortest entry: "1 1" or "1", and a line end but for the last. */
    const int64_t shortest = r->coordinate ? (out->pattern ? 4 : 6) : 2;
    const int64_t most = (int64_t)(r->end - r->line_end) / shortest + 1;
    const int64_t room = out->count < most ? out->count : most;
    mtx_entry next = {0, 0, 1.0};
    out->entries = malloc((size_t)(room ? room : 1) * sizeof *out->entries);
    if (!out->entries)
        return mtx_refuse(r->error, 0, "not enough memory for %lld entries", (long long)room);
    int64_t i = 0;
    for (; next_content(r); i++) {
        if (i == out->count)
            return mtx_refuse(r->error, r->line, "there are more entries than the %lld announced",
                              (long long)out->count);
        if (r->coordinate && (!take_index(r, "the row", out->n, &next.row) ||
                              !take_index(r, "the column", out->n, &next.column)))
            return 0;
        if (!out->pattern && !take_value(r, &next.value))
            return 0;
        if (!take_end(r))
            return 0;
        if (out->symmetric && !check_triangle(r, &next))
            return 0;
        out->entries[i] = next;
        if (!r->coordinate && ++next.row == out->n) {
            next.column++;
            next.row = out->symmetric ? next.column : 0;
        }
    }
    return i == out->count ||
           mtx_refuse(r->error, r->line, "the file ends after %lld of %lld entries", (long long)i,
                      (long long)out->count);
}

int mtx_parse(const char *text, size_t size, mtx *out, mtx_error *error)
{
    reader r = {.at = text, .end = text + size, .line = 1, .error = error};
    memset(out, 0, sizeof *out);
    if (read_head(&r, out) && read_sizes(&r, out) && read_entries(&r, out))
        return 1;
    mtx_free(out);
    return 0;
}

int64_t mtx_line(const char *text, size_t size, int64_t index)
{
    reader r = {.at = text, .end = text + size, .line = 1};
    find_line_end(&r);
    /* The line of sizes comes first. */
    for (int64_t i = -1; i <= index && next_content(&r); i++)
        ;
    return r.line;
}

void mtx_free(mtx *m)
{
    free(m->entries);
    memset(m, 0, sizeof *m);
}
