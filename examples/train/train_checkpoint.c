/* A checkpoint: magic, version, length, settings, state, checksum. It is written to a second file
 * that takes the name of the first only when it is complete and on the disk, so there is always one
 * whole checkpoint. */
#include "train_checkpoint.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char magic[8] = "ABSATRN";
enum { VERSION = 4, HEAD = 24, TAIL = 8, PATH_BYTES = 4096 };

static void put_settings(bytes_out *b, const options *o)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (option_is_kept(i))
            put_text(b, o->text[i]);
    put_text(b, o->text[OPTION_DATA_DIR]);
    put_i64(b, o->set_count);
    for (int i = 0; i < o->set_count; i++)
        put_text(b, o->sets[i]);
}

static int put_controller(bytes_out *b, const state *s)
{
    size_t size;
    void *blob = NULL;
    absa_status status = absa_controller_save(s->controller, NULL, 0, &size);
    if (!status) {
        blob = malloc(size);
        if (!blob)
            return give_up("not enough memory for a checkpoint");
        status = absa_controller_save(s->controller, blob, size, &size);
    }
    if (!status) {
        put_u64(b, size);
        put_block(b, blob, size);
    }
    free(blob);
    return status ? give_up("%s", absa_context_message(s->h->ctx)) : DONE;
}

static void put_timing(bytes_out *b, const timing *t)
{
    put_f64(b, t->gradient);
    put_f64(b, t->attack);
    put_f64(b, t->step);
    put_f64(b, t->measure);
    put_i64(b, t->rows);
    put_i64(b, t->attacked);
    put_i64(b, t->updates);
    put_i64(b, t->measurements);
    put_i64(b, t->products);
}

static void put_history(bytes_out *b, const history *past)
{
    put_i64(b, past->count);
    put_i64(b, past->printed);
    for (int64_t i = 0; i < past->count; i++) {
        const history_row *r = &past->rows[i];
        put_i64(b, r->epoch);
        put_i64(b, r->batch);
        put_i64(b, r->products);
        put_f64(b, r->lr);
        put_f64(b, r->gamma);
        put_f64(b, r->loss);
        put_f64(b, r->accuracy);
        put_f64(b, r->value);
        put_f64(b, r->lower);
        put_f64(b, r->upper);
        put_f64(b, r->robust_clean);
        put_f64(b, r->robust_fgsm);
        put_f64(b, r->robust_pgd);
    }
}

static int build(bytes_out *b, const options *o, const state *s)
{
    const host *h = s->h;
    put_block(b, magic, sizeof magic);
    put_u64(b, VERSION);
    put_u64(b, 0); /* the length, filled in below */
    put_settings(b, o);
    put_u64(b, h->d->crc);
    const int status = put_controller(b, s);
    if (status)
        return status;
    put_floats(b, h->theta, h->n);
    put_floats(b, h->velocity, h->n);
    put_floats(b, h->window, h->n);
    put_u64(b, (uint64_t)h->has_hint);
    if (h->has_hint) {
        put_u64(b, h->hint_stream);
        put_floats(b, h->hint, h->measured.count);
    }
    put_u64(b, (uint64_t)h->statistic_count);
    absa_refnet_read_statistics(h->net, h->statistics);
    for (int64_t i = 0; i < h->statistic_count; i++)
        put_f64(b, h->statistics[i]);
    put_i64(b, s->measurements);
    put_i64(b, s->products);
    put_f64(b, s->seconds);
    put_timing(b, &h->timing);
    put_history(b, s->past);
    if (!b->failed)
        for (int i = 0; i < 8; i++)
            b->data[16 + i] = (unsigned char)((uint64_t)(b->size + TAIL) >> (8 * i));
    if (!b->failed)
        put_u64(b, crc32_z(0, b->data, b->size));
    return b->failed ? give_up("not enough memory for a checkpoint") : DONE;
}

/* Returns 0, or errno. */
static int write_all(int fd, const unsigned char *data, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        data += n;
        size -= (size_t)n;
    }
    return fsync(fd) != 0 ? errno : 0;
}

static void directory_of(const char *path, char *dir)
{
    snprintf(dir, PATH_BYTES, "%s", path);
    char *slash = strrchr(dir, '/');
    if (!slash)
        memcpy(dir, ".", 2);
    else
        slash[slash == dir] = 0;
}

/* The rename itself must reach the disk as well. */
static void sync_directory(const char *path)
{
    char dir[PATH_BYTES];
    directory_of(path, dir);
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static int second_name(const char *path, char *name)
{
    if (snprintf(name, PATH_BYTES, "%s.new", path) >= PATH_BYTES)
        return refuse("the path %s is too long", path);
    return DONE;
}

int checkpoint_write(const char *path, const options *o, const state *s)
{
    char name[PATH_BYTES];
    bytes_out b = {0};
    int status = second_name(path, name);
    if (!status)
        status = build(&b, o, s);
    if (!status) {
        const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        int error = fd < 0 ? errno : write_all(fd, b.data, b.size);
        if (fd >= 0 && close(fd) != 0 && !error)
            error = errno;
        if (!error && rename(name, path) != 0)
            error = errno;
        if (error) {
            status = give_up("%s: the checkpoint cannot be written: %s", path, strerror(error));
            if (fd >= 0)
                unlink(name);
        } else {
            sync_directory(path);
        }
    }
    free(b.data);
    return status;
}

int check_writable(const char *path)
{
    char dir[PATH_BYTES];
    struct stat info;
    const int status = second_name(path, dir);
    if (status)
        return status;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return refuse("%s: is not a file that can be replaced", path);
    directory_of(path, dir);
    if (access(dir, W_OK | X_OK) != 0)
        return refuse("%s: cannot be written: %s", path, strerror(errno));
    return DONE;
}

static int read_file(const char *path, unsigned char **data, size_t *size)
{
    struct stat info;
    FILE *f = fopen(path, "rb");
    *data = NULL;
    if (!f)
        return refuse("%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fileno(f), &info) != 0 || !S_ISREG(info.st_mode)) {
        fclose(f);
        return refuse("%s: is not a file", path);
    }
    *size = (size_t)info.st_size;
    *data = malloc(*size + 1);
    const size_t got = *data ? fread(*data, 1, *size, f) : 0;
    fclose(f);
    if (*data && got == *size)
        return DONE;
    free(*data);
    *data = NULL;
    return refuse("%s: cannot be read", path);
}

static int check_envelope(const char *path, const unsigned char *data, size_t size)
{
    bytes_in head = {data, size, 0, 0}, tail = {data, size, 0, 0};
    const unsigned char *begin = get_block(&head, sizeof magic);
    if (!begin || memcmp(begin, magic, sizeof magic) != 0)
        return refuse("%s: is not a checkpoint of absa-train", path);
    const uint64_t version = get_u64(&head), length = get_u64(&head);
    if (!head.failed && version != VERSION)
        return refuse("%s: was written by another absa-train (format %llu; this one reads %d)",
                      path, (unsigned long long)version, VERSION);
    if (head.failed || length != size || size < HEAD + TAIL)
        return refuse("%s: the checkpoint is truncated or has bytes too many", path);
    tail.used = size - TAIL;
    if (get_u64(&tail) != crc32_z(0, data, size - TAIL))
        return refuse("%s: the checkpoint is damaged: its checksum does not fit", path);
    return DONE;
}

static int take_setting(const char *path, options *o, int i, const char *saved)
{
    const char *given = o->text[i];
    if (given && !saved)
        return refuse("%s was made without --%s; leave the option out", path, option_name(i));
    if (given && strcmp(given, saved) != 0)
        return refuse("%s was made with --%s %s, not %s; leave the option out", path,
                      option_name(i), saved, given);
    o->text[i] = saved;
    return DONE;
}

static int take_settings(const char *path, bytes_in *in, options *o)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!option_is_kept(i))
            continue;
        const int status = take_setting(path, o, i, get_text(in));
        if (status)
            return status;
    }
    const char *dir = get_text(in);
    if (!o->text[OPTION_DATA_DIR])
        o->text[OPTION_DATA_DIR] = dir;
    const int64_t count = get_i64(in);
    if (in->failed || count < 0 || count > MOST_SETS)
        return refuse("%s: the checkpoint is damaged: its settings do not fit", path);
    const int given = o->set_count;
    for (int i = 0; i < count; i++) {
        const char *saved = get_text(in);
        if (!saved)
            return refuse("%s: the checkpoint is damaged: its settings do not fit", path);
        if (given && (given != count || strcmp(o->sets[i], saved) != 0))
            return refuse("%s was made with other --set options; leave them out", path);
        o->sets[i] = saved;
    }
    if (given && given != count)
        return refuse("%s was made with other --set options; leave them out", path);
    o->set_count = (int)count;
    return DONE;
}

int checkpoint_read(const char *path, options *o, checkpoint *k)
{
    size_t size = 0;
    int status = read_file(path, &k->data, &size);
    if (!status)
        status = check_envelope(path, k->data, size);
    if (!status) {
        k->in = (bytes_in){k->data, size - TAIL, HEAD, 0};
        status = take_settings(path, &k->in, o);
    }
    return status;
}

void checkpoint_release(checkpoint *k)
{
    free(k->data);
    k->data = NULL;
}

static void get_timing(bytes_in *in, timing *t)
{
    t->gradient = get_f64(in);
    t->attack = get_f64(in);
    t->step = get_f64(in);
    t->measure = get_f64(in);
    t->rows = get_i64(in);
    t->attacked = get_i64(in);
    t->updates = get_i64(in);
    t->measurements = get_i64(in);
    t->products = get_i64(in);
}

static void get_history(bytes_in *in, history *past, int64_t most)
{
    past->count = get_i64(in);
    past->printed = get_i64(in);
    if (past->count < 0 || past->count > most || past->printed < 0 || past->printed > past->count)
        in->failed = 1;
    for (int64_t i = 0; i < past->count && !in->failed; i++) {
        history_row *r = &past->rows[i];
        r->epoch = get_i64(in);
        r->batch = get_i64(in);
        r->products = get_i64(in);
        r->lr = get_f64(in);
        r->gamma = get_f64(in);
        r->loss = get_f64(in);
        r->accuracy = get_f64(in);
        r->value = get_f64(in);
        r->lower = get_f64(in);
        r->upper = get_f64(in);
        r->robust_clean = get_f64(in);
        r->robust_fgsm = get_f64(in);
        r->robust_pgd = get_f64(in);
    }
}

int checkpoint_restore(const char *path, checkpoint *k, state *s)
{
    bytes_in *in = &k->in;
    host *h = s->h;
    if (get_u64(in) != h->d->crc)
        return refuse("%s: belongs to other data than what --data-dir has", path);
    const uint64_t size = get_u64(in);
    const unsigned char *blob = get_block(in, size > in->size ? in->size + 1 : (size_t)size);
    if (blob && absa_controller_load(s->controller, blob, (size_t)size, 0))
        return refuse("%s: %s", path, absa_context_message(h->ctx));
    get_floats(in, h->theta, h->n);
    get_floats(in, h->velocity, h->n);
    get_floats(in, h->window, h->n);
    h->has_hint = get_u64(in) == 1;
    if (h->has_hint && !h->c->keep_hint)
        in->failed = 1;
    if (h->has_hint && !in->failed) {
        h->hint_stream = get_u64(in);
        get_floats(in, h->hint, h->measured.count);
    }
    if (get_u64(in) != (uint64_t)h->statistic_count)
        in->failed = 1;
    for (int64_t i = 0; i < h->statistic_count; i++)
        h->statistics[i] = get_f64(in);
    if (!in->failed && h->statistic_count > 0 &&
        absa_refnet_write_statistics(h->net, h->statistics))
        return refuse("%s: %s", path, absa_context_message(h->ctx));
    s->measurements = get_i64(in);
    s->products = get_i64(in);
    s->seconds = get_f64(in);
    get_timing(in, &h->timing);
    get_history(in, s->past, h->c->controller.epochs);
    if (in->failed || in->used != in->size)
        return refuse("%s: the checkpoint is damaged: its parts do not fit", path);
    return DONE;
}
