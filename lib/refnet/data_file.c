/* The bytes of a file: read whole into the context's memory, or read through zlib from front to
 * back. What the bytes mean is left to the readers. */
#include "data_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static absa_status read_all(absa_context *ctx, const char *path, int fd, unsigned char *data,
                            int64_t size)
{
    int64_t got = 0;
    /* One byte more than was announced tells a file that grows while it is read. */
    for (;;) {
        unsigned char extra;
        void *to = got < size ? data + got : &extra;
        const ssize_t n = read(fd, to, got < size ? (size_t)(size - got) : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return absa__net_fail(ctx, ABSA_E_IO, "%s: cannot be read at byte %lld: %s", path,
                                  (long long)got, strerror(errno));
        if (n == 0)
            break;
        got += n;
        if (got > size)
            break;
    }
    if (got != size)
        return absa__net_fail(ctx, ABSA_E_IO, "%s: changed its length while it was read", path);
    return ABSA_OK;
}

static absa_status open_regular(absa_context *ctx, const char *path, int *fd, int64_t *size)
{
    struct stat info;
    absa_status status = ABSA_OK;

    /* Without O_NONBLOCK a named pipe would wait for its writer. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return absa__net_fail(ctx, ABSA_E_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(*fd, &info) != 0)
        status = absa__net_fail(ctx, ABSA_E_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = absa__net_fail(ctx, ABSA_E_IO, "%s: is %s, not a file", path,
                                S_ISDIR(info.st_mode) ? "a directory" : "a pipe or a device");
    else
        *size = (int64_t)info.st_size;
    if (status)
        close(*fd);
    return status;
}

absa_status absa__bytes_length(absa_context *ctx, const char *path, int64_t *size)
{
    int fd;
    absa_status status = open_regular(ctx, path, &fd, size);
    if (!status)
        close(fd);
    return status;
}

absa_status absa__bytes_read(absa_context *ctx, const char *path, absa__bytes *out)
{
    void *memory;
    int fd;
    int64_t size = 0;
    absa_status status = open_regular(ctx, path, &fd, &size);

    *out = (absa__bytes){.name = path};
    if (status)
        return status;
    status = absa_context_alloc(ctx, size, 1, &memory);
    if (!status) {
        out->owned = memory;
        out->data = memory;
        out->size = size;
        status = read_all(ctx, path, fd, memory, size);
        if (status)
            absa__bytes_release(ctx, out);
    }
    close(fd);
    return status;
}

absa_status absa__bytes_borrow(absa_context *ctx, const char *name, const void *data, size_t size,
                               absa__bytes *out)
{
    *out = (absa__bytes){.name = name, .data = data, .size = (int64_t)size};
    if (!data && size > 0)
        return absa__net_fail(ctx, ABSA_E_INVALID, "%s is NULL", name);
    if (size > (size_t)(INT64_MAX / 2048))
        return absa__net_fail(ctx, ABSA_E_INVALID, "%s: %zu bytes are too many", name, size);
    return ABSA_OK;
}

void absa__bytes_release(absa_context *ctx, absa__bytes *bytes)
{
    absa_context_release(ctx, bytes->owned, bytes->size, 1);
    bytes->owned = NULL;
    bytes->data = NULL;
    bytes->size = 0;
}

struct absa__stream {
    absa_context *ctx;
    const char *name;
    const unsigned char *data;
    int64_t size;
    int64_t taken; /* bytes given out, after unpacking */
    int64_t fed;   /* bytes of data that zlib was given */
    int packed;
    int ended;      /* zlib saw the end of a member and its checksum was right */
    int64_t record; /* the last one that was asked for; see absa__stream_take() */
    int behind;     /* nothing more is expected */
    char place[48]; /* both in words */
    z_stream z;
};

/* Where the stream is, for messages. */
static const char *place_of(absa__stream *s)
{
    if (s->record < 0)
        return "inside the header";
    snprintf(s->place, sizeof s->place, "%s record %lld", s->behind ? "behind" : "inside",
             (long long)s->record);
    return s->place;
}

/* zlib's allocations go through the context, which wants the size back at release. */
enum { BLOCK_HEADER = 64 };

static voidpf zlib_alloc(voidpf user, uInt items, uInt size)
{
    void *memory;
    const int64_t bytes = (int64_t)items * (int64_t)size + BLOCK_HEADER;
    if (absa_context_alloc(user, bytes, 1, &memory))
        return Z_NULL;
    memcpy(memory, &bytes, sizeof bytes);
    return (char *)memory + BLOCK_HEADER;
}

static void zlib_free(voidpf user, voidpf ptr)
{
    int64_t bytes;
    char *base = (char *)ptr - BLOCK_HEADER;
    memcpy(&bytes, base, sizeof bytes);
    absa_context_release(user, base, bytes, 1);
}

absa_status absa__stream_open(absa_context *ctx, const absa__bytes *bytes, absa__stream **out)
{
    void *memory;
    absa_status status = absa_context_alloc(ctx, 1, sizeof(absa__stream), &memory);

    *out = NULL;
    if (status)
        return status;
    absa__stream *s = memory;
    s->ctx = ctx;
    s->name = bytes->name;
    s->data = bytes->data;
    s->size = bytes->size;
    s->packed = bytes->size >= 2 && bytes->data[0] == 0x1f && bytes->data[1] == 0x8b;
    if (s->packed) {
        s->z.zalloc = zlib_alloc;
        s->z.zfree = zlib_free;
        s->z.opaque = ctx;
        if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK) {
            absa_context_release(ctx, s, 1, sizeof *s);
            return absa__net_fail(ctx, ABSA_E_MEMORY, "no memory to unpack %s", bytes->name);
        }
    }
    *out = s;
    return ABSA_OK;
}

void absa__stream_close(absa__stream **stream)
{
    absa__stream *s = *stream;
    if (!s)
        return;
    if (s->packed)
        inflateEnd(&s->z);
    absa_context_release(s->ctx, s, 1, sizeof *s);
    *stream = NULL;
}

/* Deflate never packs more than 1,032 bytes into one. */
int64_t absa__stream_limit(const absa__stream *stream)
{
    return stream->packed ? stream->size * 1032 : stream->size;
}

/* Unpacks at most count bytes; fewer only at the end of the data. */
static absa_status unpack(absa__stream *s, unsigned char *to, int64_t count, int64_t *got)
{
    const int64_t most = 1 << 30; /* zlib counts with unsigned int */
    *got = 0;
    while (*got < count) {
        if (s->z.avail_in == 0 && s->fed < s->size) {
            const int64_t rest = s->size - s->fed;
            s->z.next_in = (z_const Bytef *)(s->data + s->fed);
            s->z.avail_in = (uInt)(rest < most ? rest : most);
            s->fed += s->z.avail_in;
        }
        if (s->ended) {
            if (s->z.avail_in == 0)
                return ABSA_OK;
            /* A gzip file may have several members, one after another. */
            inflateReset(&s->z);
            s->ended = 0;
        }
        const int64_t want = count - *got < most ? count - *got : most;
        s->z.next_out = to + *got;
        s->z.avail_out = (uInt)want;
        const int code = inflate(&s->z, Z_NO_FLUSH);
        *got += want - (int64_t)s->z.avail_out;
        if (code == Z_STREAM_END)
            s->ended = 1;
        else if (code == Z_MEM_ERROR)
            return absa__net_fail(s->ctx, ABSA_E_MEMORY, "no memory to unpack %s", s->name);
        else if (code == Z_BUF_ERROR)
            return absa__net_fail(s->ctx, ABSA_E_FORMAT,
                                  "%s: the gzip data is cut short: it ends %s, at byte %lld",
                                  s->name, place_of(s), (long long)s->size);
        else if (code != Z_OK)
            return absa__net_fail(s->ctx, ABSA_E_FORMAT,
                                  "%s: damaged gzip data %s, at byte %lld: %s", s->name,
                                  place_of(s), (long long)(s->fed - (int64_t)s->z.avail_in),
                                  s->z.msg ? s->z.msg : "not gzip");
    }
    return ABSA_OK;
}

absa_status absa__stream_take(absa__stream *s, void *buffer, int64_t count, int64_t record)
{
    int64_t got;
    absa_status status = ABSA_OK;

    s->record = record;
    if (s->packed) {
        status = unpack(s, buffer, count, &got);
    } else {
        got = s->size - s->taken < count ? s->size - s->taken : count;
        if (got > 0)
            memcpy(buffer, s->data + s->taken, (size_t)got);
    }
    if (status)
        return status;
    s->taken += got;
    if (got == count)
        return ABSA_OK;
    return absa__net_fail(s->ctx, ABSA_E_FORMAT, "%s: ends %s, at byte %lld%s", s->name,
                          place_of(s), (long long)s->taken, s->packed ? " (unpacked)" : "");
}

absa_status absa__stream_end(absa__stream *s)
{
    unsigned char extra;
    int64_t got = s->size - s->taken;

    s->behind = 1;
    if (s->packed) {
        absa_status status = unpack(s, &extra, 1, &got);
        if (status)
            return status;
    }
    if (got > 0)
        return absa__net_fail(s->ctx, ABSA_E_FORMAT,
                              "%s: has bytes %s, its last one, from byte %lld%s on", s->name,
                              place_of(s), (long long)s->taken, s->packed ? " (unpacked)" : "");
    return ABSA_OK;
}
