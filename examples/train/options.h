/* The command line, kept as text: what was asked for, before anyone knows what it means. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

enum option_id {
    OPTION_DATA,
    OPTION_DATA_DIR,
    OPTION_MODEL,
    OPTION_STRATEGY,
    OPTION_PRESET,
    OPTION_EPOCHS,
    OPTION_BATCH,
    OPTION_BATCH_MAX,
    OPTION_BATCH_REF,
    OPTION_LR,
    OPTION_DECAY,
    OPTION_RHO,
    OPTION_MOMENTUM,
    OPTION_WEIGHT_DECAY,
    OPTION_MEASURE_EVERY,
    OPTION_PROBE,
    OPTION_BLOCK,
    OPTION_ESTIMATOR,
    OPTION_MEASURE,
    OPTION_SEED,
    OPTION_TRAIN_LIMIT,
    OPTION_TEST_LIMIT,
    OPTION_INPUTS,
    OPTION_AUGMENT,
    OPTION_THREADS,
    OPTION_ATTACK,
    OPTION_EPSILON,
    OPTION_GAMMA,
    OPTION_SELECT,
    OPTION_ROBUST,
    OPTION_COLLAPSE,
    OPTION_LOG,
    OPTION_CHECKPOINT,
    OPTION_RESUME,
    OPTION_REPORT,
    OPTION_PREDICT,
    OPTION_LATENCY,
    OPTION_BANDWIDTH,
    OPTION_COUNT
};

enum { MOST_SETS = 64 };

typedef struct options {
    const char *text[OPTION_COUNT]; /* NULL: not given */
    const char *sets[MOST_SETS];    /* each NAME=VALUE, in order */
    int set_count;
    int quiet;
} options;

/* Fills `o` from the command line. *finished becomes 1 when help or version was printed. */
int options_parse(int argc, char **argv, options *o, int *finished);

/* The option's name without dashes. */
const char *option_name(int option);
/* 1 when the option changes the numbers of a run, so that a checkpoint keeps it. Where the data
 * lies does not: the checkpoint knows the data by its contents. */
int option_is_kept(int option);
/* The controller's field that the option is, or NULL. */
const char *option_field(int option);

#endif
