/* The command line: names, help, and what was given. What the words mean is decided in config.c. */
#include "options.h"

#include "say.h"

#include <absa/version.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { SET = OPTION_COUNT, QUIET, HELP, VERSION };

static const struct {
    const char *name, *argument, *field;
    int kept;
    const char *help;
} table[OPTION_COUNT] = {
    [OPTION_DATA] = {"data", "NAME", NULL, 1,
                     "glyphs (default), mushroom, mnist, cifar10, cifar100"},
    [OPTION_DATA_DIR] = {"data-dir", "DIR", NULL, 0, "directory of the data's files"},
    [OPTION_MODEL] = {"model", "NAME", NULL, 1, "logreg, mlp, lenet, resnet8, resnet20 (by data)"},
    [OPTION_STRATEGY] = {"strategy", "NAME", "strategy", 1, "bl, fb, gg, abs, absa (absa)"},
    [OPTION_PRESET] = {"preset", "NAME", NULL, 1, "recommended, paper, authors (recommended)"},
    [OPTION_EPOCHS] = {"epochs", "N", "epochs", 1, "passes over the data (by data)"},
    [OPTION_BATCH] = {"batch", "B", "batch", 1, "first batch (by data)"},
    [OPTION_BATCH_MAX] = {"batch-max", "M", "batch_max", 1, "largest batch (by data)"},
    [OPTION_BATCH_REF] = {"batch-ref", "R", "batch_ref", 1, "batch that the lr belongs to (B)"},
    [OPTION_LR] = {"lr", "X", "lr", 1, "learning rate (by data)"},
    [OPTION_DECAY] = {"decay", "E1,E2,..", "decay", 1,
                      "epochs when the lr decays, or none (by data)"},
    [OPTION_RHO] = {"rho", "R", "lr_decay", 1, "factor of a decay (0.2)"},
    [OPTION_MOMENTUM] = {"momentum", "M", NULL, 1, "of SGD, 0 or more and below 1 (by data)"},
    [OPTION_WEIGHT_DECAY] = {"weight-decay", "W", NULL, 1, "W/2 |theta|^2 joins the loss (0)"},
    [OPTION_MEASURE_EVERY] = {"measure-every", "SAMPLES", "measure_every", 1,
                              "between measurements; 0: every epoch (0)"},
    [OPTION_PROBE] = {"probe", "SAMPLES", NULL, 1, "training rows to measure on (by preset)"},
    [OPTION_BLOCK] = {"block", "PART", NULL, 1,
                      "measure on full, last:K, share:S or NAME-GLOB (full)"},
    [OPTION_ESTIMATOR] = {"estimator", "RULE", NULL, 1,
                          "decide, checked, residual, certified, fixed, power"},
    [OPTION_MEASURE] = {"measure", "DEPTH", NULL, 1, "needed, or full for absa-replay (needed)"},
    [OPTION_SEED] = {"seed", "S", NULL, 1, "of weights, order, probe and estimator (0)"},
    [OPTION_TRAIN_LIMIT] = {"train-limit", "N", NULL, 1, "training rows to use (all)"},
    [OPTION_TEST_LIMIT] = {"test-limit", "N", NULL, 1, "test rows to use (all)"},
    [OPTION_INPUTS] = {"inputs", "NAME", NULL, 1, "pixels or normalised (pixels)"},
    [OPTION_AUGMENT] = {"augment", "NAME", NULL, 1, "training images: none or crop-flip (none)"},
    [OPTION_THREADS] = {"threads", "N", NULL, 1, "that share the rows of a batch (1)"},
    [OPTION_ATTACK] = {"attack", "NAME", NULL, 1, "fgsm, raw, l2, rfgsm, pgd:STEPS of E/4 (fgsm)"},
    [OPTION_EPSILON] = {"epsilon", "E", "epsilon", 1, "size of the attack in pixels (0.005)"},
    [OPTION_GAMMA] = {"gamma", "G", "adversarial_share", 1,
                      "share of rows attacked at first (0.2)"},
    [OPTION_SELECT] = {"select", "NAME", NULL, 1, "which rows: prefix or keyed (prefix)"},
    [OPTION_ROBUST] = {"robust", "N", NULL, 1,
                       "test rows attacked every epoch (absa: 200, else 0)"},
    [OPTION_LOG] = {"log", "RUN.jsonl", NULL, 0, "write events as JSON lines"},
    [OPTION_CHECKPOINT] = {"checkpoint", "FILE", NULL, 0, "save here each epoch and on Ctrl-C"},
    [OPTION_RESUME] = {"resume", "FILE", NULL, 0, "go on from a checkpoint, with its settings"},
    [OPTION_REPORT] = {"report", "FILE.svg", NULL, 0, "draw the run (needs gnuplot)"},
    [OPTION_PREDICT] = {"predict", "P1,P2,..", NULL, 0,
                        "say how long it would take on P processes"},
    [OPTION_LATENCY] = {"latency", "S", NULL, 0, "of a message between two of them (2e-6)"},
    [OPTION_BANDWIDTH] = {"bandwidth", "BIT/S", NULL, 0, "between two of them (48e9)"},
};

const char *option_name(int option)
{
    return table[option].name;
}

int option_is_kept(int option)
{
    return table[option].kept;
}

const char *option_field(int option)
{
    return table[option].field;
}

static void print_help(void)
{
    printf("Usage: absa-train [OPTION]...\n"
           "Trains a small network with a batch that grows when the loss surface allows it.\n\n");
    for (int i = 0; i < OPTION_COUNT; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s %s", table[i].name, table[i].argument);
        printf("  %-24s %s\n", left, table[i].help);
    }
    printf("  %-24s %s\n", "--set NAME=VALUE", "any field of absa_controller_options or");
    printf("  %-24s %s\n", "", "absa_eigen_options by its name; repeatable");
    printf("  %-24s %s\n", "--quiet", "no table and no progress line");
    printf("  --help, --version\n");
    printf("\nReal numbers may be fractions: --epsilon 8/255.\n");
    printf("\nExit status: 0 done, 1 failed on the way, 2 refused, 130 or 143 interrupted.\n");
}

int options_parse(int argc, char **argv, options *o, int *finished)
{
    struct option longs[OPTION_COUNT + 5];
    memset(longs, 0, sizeof longs);
    for (int i = 0; i < OPTION_COUNT; i++) {
        longs[i].name = table[i].name;
        longs[i].has_arg = required_argument;
        longs[i].val = i;
    }
    longs[OPTION_COUNT] = (struct option){"set", required_argument, NULL, SET};
    longs[OPTION_COUNT + 1] = (struct option){"quiet", no_argument, NULL, QUIET};
    longs[OPTION_COUNT + 2] = (struct option){"help", no_argument, NULL, HELP};
    longs[OPTION_COUNT + 3] = (struct option){"version", no_argument, NULL, VERSION};
    *finished = 0;
    opterr = 0;
    for (;;) {
        const int at = optind;
        const int c = getopt_long(argc, argv, ":", longs, NULL);
        if (c == -1)
            break;
        if (c == ':')
            return refuse("%s needs a value", argv[at]);
        if (c == '?')
            return refuse("unknown or ambiguous option %s; --help lists them", argv[at]);
        if (c == SET) {
            if (o->set_count == MOST_SETS)
                return refuse("--set is given more than %d times", MOST_SETS);
            o->sets[o->set_count++] = optarg;
        } else if (c == QUIET) {
            o->quiet = 1;
        } else if (c == HELP) {
            print_help();
            *finished = 1;
            return DONE;
        } else if (c == VERSION) {
            printf("absa-train %s\n", absa_version_string());
            *finished = 1;
            return DONE;
        } else {
            if (o->text[c])
                return refuse("--%s is given twice", table[c].name);
            o->text[c] = optarg;
        }
    }
    if (optind < argc)
        return refuse("'%s' is not an option; --help lists them", argv[optind]);
    return DONE;
}
