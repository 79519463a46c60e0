/* What the options mean: every number of a run, with defaults filled in. */
#ifndef TRAIN_CONFIG_H
#define TRAIN_CONFIG_H

#include "options.h"

#include <absa/controller.h>
#include <absa/eigen.h>

enum data_kind { DATA_GLYPHS, DATA_MUSHROOM, DATA_MNIST, DATA_CIFAR10, DATA_CIFAR100, DATA_COUNT };

enum { MOST_PREDICTIONS = 16 };

typedef struct config {
    int data; /* one of enum data_kind */
    const char *data_dir;
    const char *model;
    const char *strategy_name, *preset_name;
    int32_t preset;
    int64_t probe;     /* rows to measure on; never more than there are */
    int probe_fresh;   /* 1: another batch for every measurement, as the authors did */
    const char *block; /* what of the parameters to measure on, as absa_block_select() takes it */
    uint64_t seed;
    int64_t train_limit, test_limit; /* 0: all */
    double momentum, weight_decay;
    int normalised;       /* 1: inputs less their mean over their standard deviation */
    int augment;          /* one of enum augment_kind */
    int64_t threads;      /* of the network */
    int32_t attack;       /* of training, one of enum absa_attack */
    int64_t attack_steps; /* of PGD; else 1 */
    int keyed;            /* 1: rows are selected by a key; 0: the first ones */
    int64_t robust_rows;  /* test rows attacked after every epoch */
    int collapse_ends;    /* 1: no row is attacked once they tell of a collapse */
    int keep_hint;        /* 1: each measurement starts near the last eigenvector */
    const char *log, *checkpoint, *resume, *report;
    int64_t predict[MOST_PREDICTIONS]; /* process counts to predict the time for */
    int predict_count;
    double latency, bandwidth; /* of the network between them: seconds, bits per second */
    int quiet;
    absa_controller_options controller; /* samples are set when the data is known */
    absa_eigen_options eigen;
} config;

int config_resolve(absa_context *ctx, const options *o, config *c);
const char *data_name(int kind);
const char *rule_name(int32_t rule);
const char *augment_name(int augment);
const char *attack_name(int32_t attack);

#endif
