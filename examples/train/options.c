/* The command line: names, help, and what was given. What the words mean is decided in config.c. */
#include "options.h"

#include "command_line.h"
#include "say.h"

#include <stddef.h>

enum { SET = OPTION_COUNT, QUIET, COUNT };

static const command_option table[COUNT] = {
    [OPTION_DATA] = {"data", "NAME", NULL, "glyphs (default), mushroom, mnist, cifar10, cifar100"},
    [OPTION_DATA_DIR] = {"data-dir", "DIR", NULL, "directory of the data's files"},
    [OPTION_MODEL] = {"model", "NAME", NULL, "logreg, mlp, lenet, resnet8, resnet20 (by data)"},
    [OPTION_STRATEGY] = {"strategy", "NAME", "strategy", "bl, fb, gg, abs, absa (absa)"},
    [OPTION_PRESET] = {"preset", "NAME", NULL, "recommended, paper, authors (recommended)"},
    [OPTION_EPOCHS] = {"epochs", "N", "epochs", "passes over the data (by data)"},
    [OPTION_BATCH] = {"batch", "B", "batch", "first batch (by data)"},
    [OPTION_BATCH_MAX] = {"batch-max", "M", "batch_max", "largest batch (by data)"},
    [OPTION_BATCH_REF] = {"batch-ref", "R", "batch_ref", "batch that the lr belongs to (B)"},
    [OPTION_LR] = {"lr", "X", "lr", "learning rate (by data)"},
    [OPTION_DECAY] = {"decay", "E1,E2,..", "decay", "epochs when the lr decays, or none (by data)"},
    [OPTION_RHO] = {"rho", "R", "lr_decay", "factor of a decay (0.2)"},
    [OPTION_MOMENTUM] = {"momentum", "M", NULL, "of SGD, 0 or more and below 1 (by data)"},
    [OPTION_WEIGHT_DECAY] = {"weight-decay", "W", NULL, "W/2 |theta|^2 joins the loss (0)"},
    [OPTION_MEASURE_EVERY] = {"measure-every", "SAMPLES", "measure_every",
                              "between measurements; 0: every epoch (0)"},
    [OPTION_PROBE] = {"probe", "SAMPLES", NULL, "training rows to measure on (by preset)"},
    [OPTION_BLOCK] = {"block", "PART", NULL,
                      "measure on full, last:K, share:S or NAME-GLOB (full)"},
    [OPTION_ESTIMATOR] = {"estimator", "RULE", NULL,
                          "decide, checked, residual, certified, fixed, power"},
    [OPTION_MEASURE] = {"measure", "DEPTH", NULL, "needed, or full for absa-replay (needed)"},
    [OPTION_SEED] = {"seed", "S", NULL, "of weights, order, probe and estimator (0)"},
    [OPTION_TRAIN_LIMIT] = {"train-limit", "N", NULL, "training rows to use (all)"},
    [OPTION_TEST_LIMIT] = {"test-limit", "N", NULL, "test rows to use (all)"},
    [OPTION_INPUTS] = {"inputs", "NAME", NULL, "pixels or normalised (pixels)"},
    [OPTION_AUGMENT] = {"augment", "NAME", NULL, "training images: none or crop-flip (none)"},
    [OPTION_THREADS] = {"threads", "N", NULL, "that share the rows of a batch (1)"},
    [OPTION_ATTACK] = {"attack", "NAME", NULL, "fgsm, raw, l2, rfgsm, pgd:STEPS of E/4 (fgsm)"},
    [OPTION_EPSILON] = {"epsilon", "E", "epsilon", "size of the attack in pixels (0.005)"},
    [OPTION_GAMMA] = {"gamma", "G", "adversarial_share", "share of rows attacked at first (0.2)"},
    [OPTION_SELECT] = {"select", "NAME", NULL, "which rows: prefix or keyed (prefix)"},
    [OPTION_ROBUST] = {"robust", "N", NULL, "test rows attacked every epoch (absa: 200, else 0)"},
    [OPTION_COLLAPSE] = {"collapse", "WHAT", NULL,
                         "where single steps cease to protect: end attacks\n"
                         "or ignore it (recommended: end, else ignore)"},
    [OPTION_LOG] = {"log", "RUN.jsonl", NULL, "write events as JSON lines"},
    [OPTION_CHECKPOINT] = {"checkpoint", "FILE", NULL, "save here each epoch and on Ctrl-C"},
    [OPTION_RESUME] = {"resume", "FILE", NULL, "go on from a checkpoint, with its settings"},
    [OPTION_REPORT] = {"report", "FILE.svg", NULL, "draw the run (needs gnuplot)"},
    [OPTION_PREDICT] = {"predict", "P1,P2,..", NULL, "say how long it would take on P processes"},
    [OPTION_LATENCY] = {"latency", "S", NULL, "of a message between two of them (2e-6)"},
    [OPTION_BANDWIDTH] = {"bandwidth", "BIT/S", NULL, "between two of them (48e9)"},
    [SET] = {"set", "NAME=VALUE", NULL,
             "any field of absa_controller_options or\nabsa_eigen_options by its name; repeatable"},
    [QUIET] = {"quiet", NULL, NULL, "no table and no progress line"},
};

const char *option_name(int option)
{
    return table[option].name;
}

int option_is_kept(int option)
{
    switch (option) {
    case OPTION_DATA_DIR:
    case OPTION_LOG:
    case OPTION_CHECKPOINT:
    case OPTION_RESUME:
    case OPTION_REPORT:
    case OPTION_PREDICT:
    case OPTION_LATENCY:
    case OPTION_BANDWIDTH:
        return 0;
    default:
        return 1;
    }
}

const char *option_field(int option)
{
    return table[option].field;
}

static int take(void *user, int option, const char *value)
{
    options *o = user;
    if (option == QUIET) {
        o->quiet = 1;
    } else if (option == SET) {
        if (o->set_count == MOST_SETS)
            return refuse("--set is given more than %d times", MOST_SETS);
        o->sets[o->set_count++] = value;
    } else {
        if (o->text[option])
            return refuse("--%s is given twice", table[option].name);
        o->text[option] = value;
    }
    return DONE;
}

int options_parse(int argc, char **argv, options *o, int *finished)
{
    const command_line line = {
        .program = "absa-train",
        .before =
            "Usage: absa-train [OPTION]...\n"
            "Trains a small network with a batch that grows when the loss surface allows it.\n",
        .after = "Real numbers may be fractions: --epsilon 8/255.\n\n"
                 "Exit status: 0 done, 1 failed on the way, 2 refused, 130 or 143 interrupted.\n",
        .options = table,
        .count = COUNT,
        .take = take,
        .user = o,
    };
    return command_line_read(&line, argc, argv, NULL, finished);
}
