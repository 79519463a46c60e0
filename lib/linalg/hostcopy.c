/* Copies between a run of elements of a vector in host memory, whole or in segments, and contiguous
 * memory of the same element type. No element is converted. */
#include "linalg/hostvec.h"

#include <string.h>

/* The longest stretch from element `first` on, at most `count` elements, that lies in one segment;
 * *data is where. segment and begin say where the last stretch was and are moved on. */
static int64_t stretch(const absa__shape *s, const void *v, int64_t first, int64_t count,
                       int64_t *segment, int64_t *begin, char **data)
{
    const size_t size = absa__element_size(s->element);
    if (!s->segments) {
        *data = (char *)(uintptr_t)v + (size_t)first * size;
        return count;
    }
    while (first - *begin >= s->segments[*segment])
        *begin += s->segments[(*segment)++];
    const int64_t offset = first - *begin, rest = s->segments[*segment] - offset;
    *data = (char *)((const absa_segment *)v)[*segment].data + (size_t)offset * size;
    return count < rest ? count : rest;
}

void absa__host_put(const absa__shape *s, int64_t first, int64_t count, const void *from,
                    int64_t at, void *y)
{
    const size_t size = absa__element_size(s->element);
    int64_t segment = 0, begin = 0;
    for (int64_t done = 0, part; done < count; done += part) {
        char *data;
        part = stretch(s, y, first + done, count - done, &segment, &begin, &data);
        memcpy(data, (const char *)from + (size_t)(at + done) * size, (size_t)part * size);
    }
}

void absa__host_take(const absa__shape *s, int64_t first, int64_t count, const void *x, int64_t at,
                     void *to)
{
    const size_t size = absa__element_size(s->element);
    int64_t segment = 0, begin = 0;
    for (int64_t done = 0, part; done < count; done += part) {
        char *data;
        part = stretch(s, x, first + done, count - done, &segment, &begin, &data);
        memcpy((char *)to + (size_t)(at + done) * size, data, (size_t)part * size);
    }
}

void absa__host_clear(const absa__shape *s, void *y)
{
    const size_t size = absa__element_size(s->element);
    int64_t segment = 0, begin = 0;
    for (int64_t done = 0, part; done < s->n; done += part) {
        char *data;
        part = stretch(s, y, done, s->n - done, &segment, &begin, &data);
        memset(data, 0, (size_t)part * size);
    }
}
