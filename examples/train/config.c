/* From words to numbers: defaults by data and preset, then what was given, then --set. */
#include "config.h"

#include "predict.h"
#include "say.h"
#include "words.h"

#include <absa/adversarial.h>

#include <string.h>

/* Each takes a row of the history. */
enum { MOST_EPOCHS = 1000000 };
/* keep_hint until the rule is known. */
enum { BY_RULE = -1 };

/* Chosen on real runs so that each data set is learnt with nothing but its name given. */
static const struct {
    const char *name, *model;
    int64_t epochs, batch, batch_max;
    double lr, momentum;
    int decays; /* 1: the lr decays after half and after three quarters of the epochs */
} data_defaults[DATA_COUNT] = {
    [DATA_GLYPHS] = {"glyphs", "lenet", 12, 32, 512, 0.02, 0.9, 1},
    [DATA_MUSHROOM] = {"mushroom", "logreg", 20, 100, 3200, 1.2, 0.0, 0},
    [DATA_MNIST] = {"mnist", "lenet", 8, 64, 1024, 0.02, 0.9, 1},
    [DATA_CIFAR10] = {"cifar10", "lenet", 30, 64, 2048, 0.01, 0.9, 1},
    [DATA_CIFAR100] = {"cifar100", "lenet", 30, 64, 2048, 0.01, 0.9, 1},
};

static const char *const models[] = {"logreg", "mlp", "lenet", "resnet8", "resnet20"};
static const char *const rules[] = {"checked", "residual", "certified", "fixed", "power", "decide"};
static const char *const ends[] = {"largest", "smallest", "magnitude", "both"};
static const char *const depths[] = {"needed", "full"};
static const char *const memories[] = {"auto", "value", "basis", "restart"};
static const char *const attacks[] = {"fgsm", "raw", "l2", "rfgsm"}; /* as ABSA_ATTACK_ */
static const char *const inputs[] = {"pixels", "normalised"};
static const char *const augments[] = {"none", "crop-flip"}; /* as AUGMENT_ */
static const char *const selections[] = {"prefix", "keyed"};
static const char *const collapses[] = {"ignore", "end"};
static const char *const presets[] = {"recommended", "paper", "authors"};

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

const char *data_name(int kind)
{
    return data_defaults[kind].name;
}

const char *attack_name(int32_t attack)
{
    return attack == ABSA_ATTACK_PGD ? "pgd" : attacks[attack];
}

const char *augment_name(int augment)
{
    return augments[augment];
}

const char *rule_name(int32_t rule)
{
    return rule >= 0 && rule < COUNT(rules) ? rules[rule] : "?";
}

/* Choices that decide which defaults hold. */
static int resolve_kinds(const options *o, config *c)
{
    const char *names[DATA_COUNT];
    int index = 0, status = DONE;
    for (int i = 0; i < DATA_COUNT; i++)
        names[i] = data_defaults[i].name;
    if (o->text[OPTION_DATA])
        status = choice("--data", o->text[OPTION_DATA], names, DATA_COUNT, &c->data);
    c->model = status ? NULL : data_defaults[c->data].model;
    if (!status && o->text[OPTION_MODEL]) {
        status = choice("--model", o->text[OPTION_MODEL], models, COUNT(models), &index);
        c->model = status ? NULL : models[index];
    }
    if (!status && o->text[OPTION_PRESET]) {
        status = choice("--preset", o->text[OPTION_PRESET], presets, COUNT(presets), &index);
        c->preset = index;
    }
    if (!status)
        c->preset_name = presets[c->preset];
    return status;
}

static void fill_defaults(config *c)
{
    absa_controller_options_init(&c->controller, sizeof c->controller);
    absa_controller_options_preset(&c->controller, c->preset);
    c->controller.epochs = data_defaults[c->data].epochs;
    c->controller.batch = data_defaults[c->data].batch;
    c->controller.batch_max = data_defaults[c->data].batch_max;
    c->controller.lr = data_defaults[c->data].lr;
    c->momentum = data_defaults[c->data].momentum;
    absa_eigen_options_init(&c->eigen, sizeof c->eigen);
    c->probe = 512;
    /* The cheapest rule that still proves what it says. */
    c->eigen.rule = ABSA_RULE_DECIDE;
    c->eigen.keep_hint = BY_RULE;
    if (c->preset != ABSA_PRESET_RECOMMENDED) {
        c->eigen.rule = ABSA_RULE_POWER;
        c->probe = c->preset == ABSA_PRESET_PAPER ? 4096 : 128;
        if (c->preset == ABSA_PRESET_AUTHORS)
            c->eigen.max_products = 10;
    }
    c->probe_fresh = c->preset == ABSA_PRESET_AUTHORS;
    c->attack = ABSA_ATTACK_FGSM;
    c->attack_steps = 1;
}

/* Sets a field of the estimator by name; *known stays 0 when it has no such field. */
static int set_eigen(absa_eigen_options *e, const char *name, const char *text, int *known)
{
    const struct {
        const char *name;
        int64_t *field, least, most;
    } wholes[] = {{"max_products", &e->max_products, 1, 1000},
                  {"max_vectors", &e->max_vectors, 0, 1001}};
    const struct {
        const char *name;
        double *field, below;
    } reals[] = {{"tolerance", &e->tolerance, 1}, {"eta", &e->eta, 0.5 + 1e-12}};
    int64_t number = 0;
    int index = 0, status;
    *known = 1;
    for (int i = 0; i < COUNT(wholes); i++)
        if (strcmp(name, wholes[i].name) == 0)
            return whole(name, text, wholes[i].least, wholes[i].most, wholes[i].field);
    for (int i = 0; i < COUNT(reals); i++)
        if (strcmp(name, reals[i].name) == 0)
            return real(name, text, 0, reals[i].below, reals[i].field);
    if (strcmp(name, "rule") == 0) {
        status = choice(name, text, rules, COUNT(rules), &index);
        e->rule = status ? e->rule : index;
    } else if (strcmp(name, "memory") == 0) {
        status = choice(name, text, memories, COUNT(memories), &index);
        e->memory = status ? e->memory : index;
    } else if (strcmp(name, "which") == 0) {
        status = choice(name, text, ends, COUNT(ends), &index);
        e->which = status ? e->which : index;
    } else if (strcmp(name, "keep_hint") == 0) {
        status = whole(name, text, 0, 1, &number);
        e->keep_hint = status ? e->keep_hint : (int32_t)number;
    } else if (strcmp(name, "seed") == 0) {
        status = whole(name, text, 0, INT64_MAX, &number);
        e->seed = status ? e->seed : (uint64_t)number;
    } else {
        *known = 0;
        status = DONE;
    }
    return status;
}

static int known_to_controller(const char *name)
{
    const char *known;
    for (int32_t i = 0; (known = absa_controller_options_name(i)); i++)
        if (strcmp(name, known) == 0)
            return 1;
    return 0;
}

static int apply_sets(absa_context *ctx, const options *o, config *c)
{
    for (int i = 0; i < o->set_count; i++) {
        char name[64];
        const char *equals = strchr(o->sets[i], '=');
        int known, status;
        if (!equals || equals == o->sets[i] || equals - o->sets[i] >= (int)sizeof name)
            return refuse("--set is '%s', must be NAME=VALUE", o->sets[i]);
        memcpy(name, o->sets[i], (size_t)(equals - o->sets[i]));
        name[equals - o->sets[i]] = 0;
        if (strcmp(name, "samples") == 0)
            return refuse("--set samples: the data decides that; use --train-limit");
        if (strcmp(name, "gradient") == 0 || strcmp(name, "across") == 0 ||
            strcmp(name, "momentum") == 0)
            return refuse("--set %s: it says what the host does, which absa-train knows", name);
        status = set_eigen(&c->eigen, name, equals + 1, &known);
        if (status)
            return status;
        if (known)
            continue;
        if (!known_to_controller(name))
            return refuse("--set %s: neither the controller nor the estimator has such an option",
                          name);
        if (absa_controller_options_set(ctx, &c->controller, name, equals + 1))
            return refuse("--set %s", absa_context_message(ctx));
    }
    return DONE;
}

/* Unless the decays were given; a run of fewer than four epochs has none. */
static void default_decays(const options *o, config *c)
{
    absa_controller_options *k = &c->controller;
    for (int i = 0; i < o->set_count; i++)
        if (strncmp(o->sets[i], "decay=", 6) == 0)
            return;
    if (o->text[OPTION_DECAY] || !data_defaults[c->data].decays || k->unit != ABSA_UNIT_EPOCHS ||
        k->epochs < 4)
        return;
    k->decay[0] = (double)(k->epochs / 2);
    k->decay[1] = (double)(3 * k->epochs / 4);
    k->decay_count = 2;
}

/* fgsm, raw, l2, rfgsm, or pgd:STEPS. */
static int set_attack(config *c, const char *text)
{
    const int index = find(text, attacks, COUNT(attacks));
    if (strncmp(text, "pgd:", 4) == 0) {
        c->attack = ABSA_ATTACK_PGD;
        return whole("--attack pgd:", text + 4, 1, 10000, &c->attack_steps);
    }
    if (index < 0)
        return refuse("--attack is '%s', must be fgsm, raw, l2, rfgsm or pgd:STEPS", text);
    c->attack = index; /* numbered alike */
    c->attack_steps = 1;
    return DONE;
}

static int apply_given(absa_context *ctx, const options *o, config *c)
{
    const char *const *text = o->text;
    int64_t number = 0;
    int index = 0, status = DONE;
    for (int i = 0; i < OPTION_COUNT; i++)
        if (text[i] && option_field(i) && !(i == OPTION_DECAY && strcmp(text[i], "none") == 0) &&
            absa_controller_options_set(ctx, &c->controller, option_field(i), text[i]))
            /* The message begins with the field's name. */
            return refuse("--%s%s", option_name(i),
                          absa_context_message(ctx) + strlen(option_field(i)));
    if (text[OPTION_MEASURE]) {
        status = choice("--measure", text[OPTION_MEASURE], depths, COUNT(depths), &index);
        if (!status && index == 1)
            c->eigen.rule = ABSA_RULE_CERTIFIED;
        if (!status && index == 1 && text[OPTION_ESTIMATOR])
            return refuse("--measure full is --estimator certified: give one of them");
    }
    if (!status && text[OPTION_ESTIMATOR]) {
        status = choice("--estimator", text[OPTION_ESTIMATOR], rules, COUNT(rules), &index);
        c->eigen.rule = status ? c->eigen.rule : index;
    }
    if (!status && text[OPTION_MOMENTUM])
        status = real("--momentum", text[OPTION_MOMENTUM], 0, 1, &c->momentum);
    if (!status && text[OPTION_WEIGHT_DECAY])
        status = real("--weight-decay", text[OPTION_WEIGHT_DECAY], 0, 1e6, &c->weight_decay);
    if (!status && text[OPTION_PROBE])
        status = whole("--probe", text[OPTION_PROBE], 1, INT32_MAX, &c->probe);
    c->block = text[OPTION_BLOCK] ? text[OPTION_BLOCK] : "full";
    if (!status && text[OPTION_SEED]) {
        status = whole("--seed", text[OPTION_SEED], 0, INT64_MAX, &number);
        c->seed = status ? 0 : (uint64_t)number;
    }
    if (!status && text[OPTION_INPUTS])
        status = choice("--inputs", text[OPTION_INPUTS], inputs, COUNT(inputs), &c->normalised);
    if (!status && text[OPTION_AUGMENT])
        status = choice("--augment", text[OPTION_AUGMENT], augments, COUNT(augments), &c->augment);
    if (!status && text[OPTION_THREADS])
        status = whole("--threads", text[OPTION_THREADS], 1, 64, &c->threads);
    if (!status && text[OPTION_SELECT])
        status = choice("--select", text[OPTION_SELECT], selections, COUNT(selections), &c->keyed);
    if (!status && text[OPTION_ATTACK])
        status = set_attack(c, text[OPTION_ATTACK]);
    const int attacks_rows = c->controller.strategy == ABSA_STRATEGY_ABSA;
    static const int for_attacks[] = {OPTION_ATTACK, OPTION_GAMMA, OPTION_SELECT, OPTION_COLLAPSE};
    for (int i = 0; i < COUNT(for_attacks) && !status && !attacks_rows; i++)
        if (text[for_attacks[i]])
            status = refuse("--%s is for --strategy absa, which attacks a share of its rows",
                            option_name(for_attacks[i]));
    c->robust_rows = attacks_rows ? 200 : 0;
    if (!status && text[OPTION_ROBUST])
        status = whole("--robust", text[OPTION_ROBUST], 0, INT32_MAX, &c->robust_rows);
    c->collapse_ends = attacks_rows && c->robust_rows > 0 && c->preset == ABSA_PRESET_RECOMMENDED;
    if (!status && text[OPTION_COLLAPSE])
        status = choice("--collapse", text[OPTION_COLLAPSE], collapses, COUNT(collapses),
                        &c->collapse_ends);
    if (!status && c->collapse_ends && c->robust_rows == 0)
        status = refuse("--collapse end looks at the rows of --robust, which are none");
    if (!status && text[OPTION_TRAIN_LIMIT])
        status = whole("--train-limit", text[OPTION_TRAIN_LIMIT], 1, INT32_MAX, &c->train_limit);
    if (!status && text[OPTION_TEST_LIMIT])
        status = whole("--test-limit", text[OPTION_TEST_LIMIT], 1, INT32_MAX, &c->test_limit);
    return status;
}

static int check_combinations(config *c)
{
    const char *const files[] = {c->log, c->checkpoint, c->report};
    const int adaptive =
        c->controller.strategy == ABSA_STRATEGY_ABS || c->controller.strategy == ABSA_STRATEGY_ABSA;
    if (c->controller.epochs > MOST_EPOCHS)
        return refuse("epochs is %lld, must be at most %d", (long long)c->controller.epochs,
                      MOST_EPOCHS);
    if (adaptive && c->eigen.rule == ABSA_RULE_POWER &&
        c->controller.trigger == ABSA_TRIGGER_INTERVAL)
        return refuse("power iteration gives no interval, but the trigger needs one: take another "
                      "--estimator, another --preset, or --set trigger=point");
    if (c->eigen.rule == ABSA_RULE_DECIDE && c->eigen.which != ABSA_WHICH_LARGEST)
        return refuse("--estimator decide knows the largest eigenvalue only: take another one for "
                      "--set which=...");
    if (c->keyed && c->controller.adversarial_rows != ABSA_ROWS_WINDOW)
        return refuse("--select keyed chooses among the rows of the whole window: take another "
                      "--preset, or --set adversarial_rows=window");
    if (c->controller.strategy == ABSA_STRATEGY_GG && c->controller.decay_count == 0)
        return refuse(
            "--strategy gg grows the batch where the learning rate would decay: say where "
            "with --decay");
    if (c->data != DATA_GLYPHS && !c->data_dir)
        return refuse("--data %s needs --data-dir, the directory of its files", data_name(c->data));
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < i; k++)
            if (files[i] && files[k] && strcmp(files[i], files[k]) == 0)
                return refuse("two of --log, --checkpoint and --report are the same file, %s",
                              files[i]);
    if (c->resume && ((c->log && strcmp(c->log, c->resume) == 0) ||
                      (c->report && strcmp(c->report, c->resume) == 0)))
        return refuse("--resume is the same file as --log or --report, %s", c->resume);
    return DONE;
}

/* The program keeps the vector itself, so that a checkpoint can hold it. */
static int resolve_hint(config *c)
{
    const int possible = c->eigen.rule != ABSA_RULE_POWER && c->eigen.memory != ABSA_MEMORY_VALUE;
    if (c->eigen.keep_hint == 1 && !possible)
        return refuse("--set keep_hint=1 needs the eigenvector, which power iteration and "
                      "memory=value do not give");
    c->keep_hint = c->eigen.keep_hint == BY_RULE ? possible && c->eigen.rule == ABSA_RULE_DECIDE
                                                 : c->eigen.keep_hint;
    c->eigen.keep_hint = 0;
    if (c->keep_hint) {
        c->eigen.memory = ABSA_MEMORY_BASIS;
        c->eigen.max_vectors = c->eigen.max_products + 1;
    }
    return DONE;
}

int config_resolve(absa_context *ctx, const options *o, config *c)
{
    static const char *const strategies[] = {"bl", "fb", "gg", "abs", "absa"};
    int status;
    memset(c, 0, sizeof *c);
    status = resolve_kinds(o, c);
    if (status)
        return status;
    fill_defaults(c);
    status = apply_given(ctx, o, c);
    c->controller.lr_cap_momentum = c->momentum;
    /* Another stream than the weights' for the same seed. */
    c->eigen.seed = c->seed ^ UINT64_C(0x6c616d626461);
    if (!status)
        status = apply_sets(ctx, o, c);
    if (status)
        return status;
    default_decays(o, c);
    c->strategy_name = strategies[c->controller.strategy];
    c->data_dir = o->text[OPTION_DATA_DIR];
    c->log = o->text[OPTION_LOG];
    c->checkpoint = o->text[OPTION_CHECKPOINT];
    c->resume = o->text[OPTION_RESUME];
    c->report = o->text[OPTION_REPORT];
    c->quiet = o->quiet;
    status = predict_resolve(o->text, c);
    if (!status)
        status = resolve_hint(c);
    return status ? status : check_combinations(c);
}
