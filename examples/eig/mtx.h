/* The text of a Matrix Market file as entries: what is written there, nothing added. */
#ifndef ABSA_EIG_MTX_H
#define ABSA_EIG_MTX_H

#include <stddef.h>
#include <stdint.h>

/* One entry, counted from 0. */
typedef struct mtx_entry {
    int32_t row, column;
    double value;
} mtx_entry;

typedef struct mtx {
    int64_t n;          /* rows and columns */
    int64_t count;      /* entries */
    mtx_entry *entries; /* in the file's order; one of each mirrored pair where symmetric is set */
    int symmetric;      /* the entries of one triangle stand for both */
    int pattern;        /* every value is 1 */
} mtx;

/* Why a file was refused: one line of text, and where. */
typedef struct mtx_error {
    int64_t line; /* counted from 1; 0: the file as a whole */
    char text[240];
} mtx_error;

/* Reads text[0..size), behind which there is a zero. Returns 1, or 0 with *error; *out is then
 * empty. */
int mtx_parse(const char *text, size_t size, mtx *out, mtx_error *error);

/* The line that entry index (of a file that was taken) stands on. */
int64_t mtx_line(const char *text, size_t size, int64_t index);

void mtx_free(mtx *m);

/* Fills *error; returns 0. */
#ifdef __GNUC__
__attribute__((format(printf, 3, 4)))
#endif
int mtx_refuse(mtx_error *error, int64_t line, const char *format, ...);

#endif
