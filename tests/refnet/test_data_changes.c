/* Files that another process changes while a reader is at work: the context's allocator does so
 * here, between any two steps of the reader that an allocation divides, and watches the ends of its
 * blocks. */
#include "refnet/readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEADER = 64, FENCE = 64, MARK = 0x5A };

typedef struct meddler {
    const char *path;
    int64_t calls, act_at, by; /* at this allocation the file becomes so many bytes longer */
    int64_t length;
    int64_t live, torn; /* blocks not yet released, and those that were written behind their end */
} meddler;

static void change(const meddler *m)
{
    const int64_t wanted = m->length + m->by;
    cr_assert_eq(truncate(m->path, (off_t)wanted), 0);
}

static void *give(void *user, size_t size, size_t align)
{
    meddler *m = user;
    void *base = NULL;
    if (++m->calls == m->act_at)
        change(m);
    if (align > HEADER || posix_memalign(&base, HEADER, HEADER + size + FENCE) != 0)
        return NULL;
    m->live++;
    memset((char *)base + HEADER + size, MARK, FENCE);
    return (char *)base + HEADER;
}

static void take(void *user, void *ptr, size_t size)
{
    meddler *m = user;
    const unsigned char *fence = (const unsigned char *)ptr + size;
    for (int i = 0; i < FENCE; i++)
        if (fence[i] != MARK) {
            m->torn++;
            break;
        }
    m->live--;
    free((char *)ptr - HEADER);
}

/* 20 records of a label and 3 x 2 x 2 pixels, all 0; IDX files of 20 images of 3 x 4, and a table.
 */
enum { RECORDS = 20, RECORD = 13, IMAGES = 16 + 12 * RECORDS, LABELS = 8 + RECORDS };

typedef absa_status (*reader)(absa_context *c, const char *path, absa_dataset **out);

static absa_status read_records(absa_context *c, const char *path, absa_dataset **out)
{
    absa_records_format f;
    absa_records_format_init(&f, sizeof f, ABSA_RECORDS_CIFAR10);
    f.height = f.width = 2;
    return absa_dataset_read_records(c, &path, 1, &f, out);
}

static absa_status read_images(absa_context *c, const char *path, absa_dataset **out)
{
    static const unsigned char head[8] = {0, 0, 8, 1, 0, 0, 0, RECORDS};
    unsigned char labels[LABELS] = {0};
    char other[600];
    memcpy(labels, head, sizeof head);
    strcpy(other, temp_file("labels", labels, sizeof labels));
    return absa_dataset_read_idx(c, path, other, 10, out);
}

static absa_status read_table(absa_context *c, const char *path, absa_dataset **out)
{
    return absa_dataset_read_csv(c, path, 0, out);
}

/* Changes the file at every allocation in turn. Returns how often the change was seen. */
static int meddle(reader read, const char *name, const void *bytes, size_t size, int64_t by)
{
    int seen = 0;
    for (int64_t k = 2;; k++) {
        char path[600];
        strcpy(path, temp_file(name, bytes, size));
        meddler m = {.path = path, .act_at = k, .by = by, .length = (int64_t)size};
        absa_context_options o;
        absa_context *c;
        absa_dataset *d = (absa_dataset *)(void *)&m;
        absa_context_options_init(&o, sizeof o);
        o.alloc = give;
        o.release = take;
        o.alloc_user = &m;
        cr_assert_eq(absa_context_create(&o, &c), ABSA_OK);
        const absa_status status = read(c, path, &d);
        cr_assert(status == ABSA_OK || status == ABSA_E_IO || status == ABSA_E_FORMAT, "%d",
                  status);
        cr_assert_eq(d == NULL, status != ABSA_OK);
        if (status == ABSA_E_IO) {
            cr_assert_not_null(strstr(absa_context_message(c), "changed its length while it was"),
                               "%s", absa_context_message(c));
            cr_assert_not_null(strstr(absa_context_message(c), name));
            seen++;
        }
        absa_dataset_destroy(&d);
        absa_context_destroy(&c);
        cr_assert_eq(m.live, 0);
        cr_assert_eq(m.torn, 0, "%s by %lld at allocation %lld: written behind a block", name,
                     (long long)by, (long long)k);
        if (m.calls < k)
            return seen;
    }
}

TestSuite(data_changes, .init = readers_begin, .fini = readers_end);

Test(data_changes, files_of_records_that_grow_or_shrink_are_refused)
{
    static const unsigned char bytes[RECORDS * RECORD];
    const int64_t changes[] = {1, RECORD, 50 * RECORD, -1, -RECORD, -RECORDS * RECORD};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        cr_assert_gt(meddle(read_records, "records.bin", bytes, sizeof bytes, changes[i]), 0,
                     "by %lld", (long long)changes[i]);
}

Test(data_changes, idx_files_and_tables_that_grow_or_shrink_are_refused)
{
    static const unsigned char head[16] = {0, 0, 8, 3, 0, 0, 0, RECORDS, 0, 0, 0, 3, 0, 0, 0, 4};
    static const char table[] = "p,x\ne,y\np,z\n";
    unsigned char images[IMAGES] = {0};
    memcpy(images, head, sizeof head);
    for (int64_t by = -5; by <= 5; by += 10) {
        cr_assert_gt(meddle(read_images, "images", images, sizeof images, by), 0);
        cr_assert_gt(meddle(read_table, "table", table, sizeof table - 1, by), 0);
    }
}
