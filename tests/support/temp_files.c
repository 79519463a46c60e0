/* One temporary directory a process; files in it are flat. */
#include "support/temp_files.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256];

const char *temp_dir(void)
{
    const char *top = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/absa-test-XXXXXX", top && *top ? top : "/tmp");
    cr_assert_not_null(mkdtemp(dir), "cannot make %s", dir);
    return dir;
}

void temp_dir_remove(void)
{
    DIR *d = *dir ? opendir(dir) : NULL;
    char path[600];
    if (!d)
        return;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (unlink(path) != 0)
            rmdir(path);
    }
    closedir(d);
    rmdir(dir);
    dir[0] = 0;
}

const char *temp_path(const char *name)
{
    static char paths[8][600];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

const char *temp_file(const char *name, const void *data, size_t size)
{
    const char *path = temp_path(name);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f, "cannot write %s", path);
    cr_assert_eq(fwrite(data, 1, size, f), size);
    cr_assert_eq(fclose(f), 0);
    return path;
}

static void little_endian(unsigned char *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

size_t stored_gzip(const void *data, size_t size, unsigned char *out)
{
    static const unsigned char head[11] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1};
    const unsigned char *p = data;
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    memcpy(out, head, sizeof head);
    little_endian(out + 11, (uint32_t)size, 2);
    little_endian(out + 13, ~(uint32_t)size, 2);
    memcpy(out + 15, data, size);
    little_endian(out + 15 + size, ~crc, 4);
    little_endian(out + 19 + size, (uint32_t)size, 4);
    return size + 23;
}
