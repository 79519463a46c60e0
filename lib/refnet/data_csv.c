/* Tables of categories: text, one row a line, every column a category. Read twice: the first pass
 * checks every byte and collects the values of each column, the second writes the ones. */
#include "data_impl.h"

#include <string.h>

enum { MOST_COLUMNS = 4096, MOST_VALUES = 256, LONGEST_FIELD = 63 };

typedef struct field {
    const unsigned char *text;
    int64_t length;
} field;

/* The values of one column, sorted by byte. */
typedef struct column {
    field values[MOST_VALUES];
    int64_t count;
    int64_t feature; /* of values[0]; unused for the label's column */
} column;

typedef struct table {
    absa_context *ctx;
    absa__bytes bytes;
    int64_t label_column;
    int64_t column_count;
    int64_t rows;
    int64_t features;
    column *columns;
} table;

static int order(const field *a, const field *b)
{
    const int64_t shorter = a->length < b->length ? a->length : b->length;
    const int difference = memcmp(a->text, b->text, (size_t)shorter);
    if (difference != 0)
        return difference;
    return (a->length > b->length) - (a->length < b->length);
}

/* Returns where the value is or, when `found` becomes 0, where it belongs. */
static int64_t place(const column *c, const field *value, int *found)
{
    int64_t low = 0, high = c->count;
    *found = 0;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int difference = order(&c->values[middle], value);
        if (difference == 0) {
            *found = 1;
            return middle;
        }
        if (difference < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes the field at *at, which lies before end (the line's end), and moves *at behind its comma;
 * behind the last field *at becomes end + 1. */
static field next_field(const table *t, int64_t *at, int64_t end)
{
    const unsigned char *begin = t->bytes.data + *at;
    const unsigned char *comma = memchr(begin, ',', (size_t)(end - *at));
    const field f = {begin, comma ? comma - begin : end - *at};
    *at += f.length + 1;
    return f;
}

/* Finds the line that begins at `at`: *end is behind its text, *next behind its line break. */
static absa_status find_line(const table *t, int64_t at, int64_t row, int64_t *end, int64_t *next)
{
    const unsigned char *begin = t->bytes.data + at;
    const unsigned char *feed = memchr(begin, '\n', (size_t)(t->bytes.size - at));
    if (!feed)
        return absa__net_fail(t->ctx, ABSA_E_FORMAT,
                              "%s: record %lld has no line break at its end (byte %lld): the file "
                              "may have been cut",
                              t->bytes.name, (long long)row, (long long)t->bytes.size);
    *next = feed - t->bytes.data + 1;
    *end = *next - 1;
    if (*end > at && t->bytes.data[*end - 1] == '\r')
        --*end;
    return ABSA_OK;
}

/* Nothing but line breaks from here on. */
static int only_breaks(const table *t, int64_t at)
{
    while (at < t->bytes.size && (t->bytes.data[at] == '\n' || t->bytes.data[at] == '\r'))
        at++;
    return at == t->bytes.size;
}

static absa_status check_field(const table *t, const field *f, int64_t row, int64_t number)
{
    const long long byte = f->text - t->bytes.data;
    if (f->length == 0 || f->length > LONGEST_FIELD)
        return absa__net_fail(
            t->ctx, ABSA_E_FORMAT,
            "%s: field %lld of record %lld (byte %lld) has %lld bytes, must have 1 "
            "to %d",
            t->bytes.name, (long long)number, (long long)row, byte, (long long)f->length,
            LONGEST_FIELD);
    for (int64_t i = 0; i < f->length; i++)
        if (f->text[i] < 0x20 || f->text[i] == 0x7f)
            return absa__net_fail(t->ctx, ABSA_E_FORMAT,
                                  "%s: record %lld holds a control byte (%d) at byte %lld: not a "
                                  "text table",
                                  t->bytes.name, (long long)row, f->text[i], byte + (long long)i);
    return ABSA_OK;
}

static absa_status collect(const table *t, const field *f, int64_t row, int64_t number)
{
    column *c = &t->columns[number];
    int found;
    const int64_t at = place(c, f, &found);
    if (found)
        return ABSA_OK;
    if (c->count == MOST_VALUES)
        return absa__net_fail(t->ctx, ABSA_E_FORMAT,
                              "%s: column %lld has more than %d values, the last in record %lld "
                              "(byte %lld): columns must be categories",
                              t->bytes.name, (long long)number, MOST_VALUES, (long long)row,
                              (long long)(f->text - t->bytes.data));
    memmove(&c->values[at + 1], &c->values[at], (size_t)(c->count - at) * sizeof *c->values);
    c->values[at] = *f;
    c->count++;
    return ABSA_OK;
}

/* The first line says how many columns there are. */
static absa_status make_columns(table *t)
{
    int64_t end, next, count = 0;
    void *memory;
    absa_status status;

    if (t->bytes.size == 0 || only_breaks(t, 0))
        return absa__net_fail(t->ctx, ABSA_E_FORMAT, "%s: is empty", t->bytes.name);
    status = find_line(t, 0, 0, &end, &next);
    if (status)
        return status;
    for (int64_t at = 0; at <= end; count++)
        next_field(t, &at, end);
    if (count > MOST_COLUMNS)
        return absa__net_fail(t->ctx, ABSA_E_FORMAT,
                              "%s: record 0 has %lld fields, at most %d can "
                              "be read",
                              t->bytes.name, (long long)count, MOST_COLUMNS);
    if (count < 2 || t->label_column >= count)
        return absa__net_fail(t->ctx, ABSA_E_FORMAT,
                              "%s: record 0 has %lld fields: no features, or no column %lld",
                              t->bytes.name, (long long)count, (long long)t->label_column);
    status = absa_context_alloc(t->ctx, count, sizeof(column), &memory);
    t->columns = memory;
    t->column_count = status ? 0 : count;
    return status;
}

static absa_status first_pass(table *t)
{
    int64_t at = 0, end = 0, next = 0;
    absa_status status = make_columns(t);

    while (!status && !only_breaks(t, at)) {
        int64_t number = 0;
        status = find_line(t, at, t->rows, &end, &next);
        for (int64_t from = at; !status && from <= end; number++) {
            const field f = next_field(t, &from, end);
            status = check_field(t, &f, t->rows, number);
            if (!status && number < t->column_count)
                status = collect(t, &f, t->rows, number);
        }
        if (!status && number != t->column_count)
            status = absa__net_fail(t->ctx, ABSA_E_FORMAT,
                                    "%s: record %lld (byte %lld) has %lld fields, must have %lld",
                                    t->bytes.name, (long long)t->rows, (long long)at,
                                    (long long)number, (long long)t->column_count);
        at = next;
        t->rows++;
    }
    if (!status && t->columns[t->label_column].count < 2)
        status = absa__net_fail(t->ctx, ABSA_E_FORMAT,
                                "%s: column %lld, the class, has one value "
                                "in all %lld records",
                                t->bytes.name, (long long)t->label_column, (long long)t->rows);
    for (int64_t i = 0; !status && i < t->column_count; i++) {
        t->columns[i].feature = t->features;
        if (i != t->label_column)
            t->features += t->columns[i].count;
    }
    return status;
}

static absa_status second_pass(const table *t, absa_dataset *d)
{
    int64_t at = 0, end = 0, next = 0;
    for (int64_t row = 0; row < t->rows; row++, at = next) {
        absa_status status = find_line(t, at, row, &end, &next);
        int64_t from = at;
        if (status)
            return status;
        for (int64_t number = 0; number < t->column_count; number++) {
            const field f = next_field(t, &from, end);
            int found;
            const int64_t value = place(&t->columns[number], &f, &found);
            if (number == t->label_column)
                d->labels[row] = (int32_t)value;
            else
                d->x[row * d->features + t->columns[number].feature + value] = 1.0f;
        }
    }
    return ABSA_OK;
}

static absa_status parse(absa_context *ctx, const absa__bytes *bytes, int64_t label_column,
                         absa_dataset **out)
{
    table t = {.ctx = ctx, .bytes = *bytes, .label_column = label_column};
    absa_dataset *d = NULL;
    absa_status status = first_pass(&t);

    if (!status)
        status = absa__dataset_new(ctx, t.rows, (const int64_t[]){1, 1, t.features},
                                   t.columns[label_column].count, &d);
    if (!status)
        status = second_pass(&t, d);
    absa_context_release(ctx, t.columns, t.column_count, sizeof(column));
    if (status)
        absa_dataset_destroy(&d);
    *out = d;
    return status;
}

static absa_status check_arguments(absa_context *ctx, const void *source, int64_t label_column,
                                   absa_dataset **out)
{
    if (out)
        *out = NULL;
    if (!ctx || !source || !out)
        return absa__net_fail(ctx, ABSA_E_INVALID, "context, source or out is NULL");
    if (label_column < 0)
        return absa__net_fail(ctx, ABSA_E_INVALID, "label_column is %lld, must not be negative",
                              (long long)label_column);
    return ABSA_OK;
}

absa_status absa_dataset_read_csv(absa_context *context, const char *path, int64_t label_column,
                                  absa_dataset **out)
{
    absa__bytes bytes;
    absa_status status = check_arguments(context, path, label_column, out);

    if (status)
        return status;
    status = absa__bytes_read(context, path, &bytes);
    if (!status)
        status = parse(context, &bytes, label_column, out);
    absa__bytes_release(context, &bytes);
    return status;
}

absa_status absa_dataset_parse_csv(absa_context *context, const void *data, size_t size,
                                   int64_t label_column, absa_dataset **out)
{
    absa__bytes bytes;
    absa_status status = check_arguments(context, data, label_column, out);

    if (!status)
        status = absa__bytes_borrow(context, "table", data, size, &bytes);
    return status ? status : parse(context, &bytes, label_column, out);
}
