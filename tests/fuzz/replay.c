/* Runs a fuzz target over the files of its corpus, one test each: what fuzzing once found stays
 * found, with any compiler. Usage: fuzz_<name>_replay DIRECTORY */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { LARGEST = 1 << 20 };

/* Returns the file's length, or -1 when it cannot be read or is too long. */
static long load(const char *path, uint8_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    const size_t size = fread(bytes, 1, LARGEST, file);
    const int whole = feof(file) && !ferror(file);
    fclose(file);
    return whole ? (long)size : -1;
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **names = NULL;
    uint8_t *bytes = malloc(LARGEST);
    int bad = 0;
    const int count = argc == 2 && bytes ? scandir(argv[1], &names, is_seed, alphasort) : 0;

    printf("TAP version 13\n1..%d\n", count);
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]->d_name);
        const long size = load(path, bytes);
        if (size >= 0) {
            /* An exact copy, so that tools see a read past the end. */
            uint8_t *copy = malloc((size_t)size + !size);
            for (long b = 0; copy && b < size; b++)
                copy[b] = bytes[b];
            if (copy)
                LLVMFuzzerTestOneInput(copy, (size_t)size);
            free(copy);
        }
        bad += size < 0;
        printf("%s %d - %s survives\n", size < 0 ? "not ok" : "ok", i + 1, names[i]->d_name);
        fflush(stdout);
        free(names[i]);
    }
    free(names);
    free(bytes);
    if (count <= 0)
        printf("Bail out! no corpus\n");
    return bad || count <= 0;
}
