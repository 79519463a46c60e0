/* The whole state of a run in one file. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "packing.h"
#include "history.h"
#include "host.h"
#include "options.h"

typedef struct state {
    host *h;
    absa_controller *controller;
    history *past;
    int64_t measurements, products;
    double seconds; /* spent until now */
} state;

typedef struct checkpoint {
    unsigned char *data; /* NULL: none was read */
    bytes_in in;         /* behind the settings */
} checkpoint;

/* Reads and checks a file, and fills in the options that it keeps. An option that was given must be
 * the one that the file has. The texts point into the checkpoint. */
int checkpoint_read(const char *path, options *o, checkpoint *k);
/* Puts the saved state into a run that was made with those options. */
int checkpoint_restore(const char *path, checkpoint *k, state *s);
void checkpoint_release(checkpoint *k);

/* Writes beside the file, makes sure it is on the disk, and puts it in the file's place. */
int checkpoint_write(const char *path, const options *o, const state *s);
/* Says beforehand whether that will be possible. */
int check_writable(const char *path);

#endif
