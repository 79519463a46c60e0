/* absa-eig: eigenvalues of a symmetric matrix in a Matrix Market file, each with the interval that
 * holds it. A host of the library: the matrix is its own, a product is what it lends. */
#include "command_line.h"
#include "sparse.h"

#include <absa/absa.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DONE, FAILED, REFUSED };

/* Options that are the estimator's, under its field's name, and the program's own. */
static const command_option options[] = {
    {"matrix", "FILE.mtx", NULL, "symmetric matrix, - for standard input (required)"},
    {"which", "NAME", NULL, "la largest, sa smallest, lm magnitude, both (la)"},
    {"precision", "NAME", NULL, "f32 or f64 (f64)"},
    {"k", "K", "wanted", "distinct eigenvalues, at each end with both (1)"},
    {"rule", "NAME", "rule", "fixed, residual, checked, certified or power (checked)"},
    {"tol", "T", "tolerance", "relative to the largest magnitude found (1e-6; f32: 1e-3)"},
    {"eta", "H", "eta", "chance that a bound is wrong (1e-2)"},
    {"max-products", "N", "max_products", "most products with the matrix (1000)"},
    {"max-vectors", "M", "max_vectors", "most vectors to hold (64)"},
    {"seed", "S", "seed", "of the start vector (0)"},
};

enum { MATRIX, WHICH, PRECISION, TOL = 5, COUNT = sizeof options / sizeof options[0] };

typedef struct job {
    absa_context *ctx;
    absa_eigen *eigen;
    absa_eigen_options o;
    const char *path;
    int f32, tol_given, which_given, terminal, standing;
    int exponent; /* of the power of two that the matrix was divided by */
} job;

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

/* The first signal ends the run with what is known, the second one the program. */
static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int say(int status, const char *what, const char *why)
{
    return command_say("absa-eig", status, what, why);
}

static int refuse(const char *what, const char *why)
{
    return say(REFUSED, what, why);
}

static int set_own(job *j, int option, const char *value)
{
    static const char *const names[] = {"la", "sa", "lm", "both"};
    if (option == MATRIX) {
        j->path = value;
        return DONE;
    }
    if (option == PRECISION) {
        j->f32 = strcmp(value, "f32") == 0;
        return j->f32 || strcmp(value, "f64") == 0 ? DONE
                                                   : refuse("--precision", "must be f32 or f64");
    }
    for (int32_t i = 0; i < 4; i++)
        if (strcmp(value, names[i]) == 0) {
            j->o.which = i; /* the order of enum absa_which */
            j->which_given = 1;
            return DONE;
        }
    return refuse("--which", "must be la, sa, lm or both");
}

/* The library's reason begins with its own name of the option. */
static int refuse_value(const job *j, const char *option)
{
    char what[32];
    const char *why = absa_context_message(j->ctx), *rest = strstr(why, ": ");
    snprintf(what, sizeof what, "--%s", option);
    return refuse(what, rest ? rest + 2 : why);
}

static int take(void *user, int option, const char *value)
{
    job *j = user;
    const char *field = options[option].field;
    j->tol_given |= option == TOL;
    if (!field)
        return set_own(j, option, value);
    return absa_eigen_options_set(j->ctx, &j->o, field, value)
               ? refuse_value(j, options[option].name)
               : DONE;
}

static int parse(int argc, char **argv, job *j, int *finished)
{
    const command_line line = {
        .program = "absa-eig",
        .before = "Usage: absa-eig --matrix FILE.mtx [OPTION]...\n"
                  "Prints eigenvalues of a symmetric matrix, a line of value, lower, upper and\n"
                  "residual each, then the products spent and why the run stopped.\n",
        .after = "The matrix: Matrix Market, coordinate or array, real, integer or pattern,\n"
                 "symmetric or general with equal halves. Entries of one place are summed.\n"
                 "Real numbers may be fractions: --tol 1/300.\n\n"
                 "Exit status: 0 done, 1 failed on the way, 2 refused, 130 or 143 interrupted.\n",
        .options = options,
        .count = COUNT,
        .take = take,
        .user = j,
    };
    const int status = command_line_read(&line, argc, argv, NULL, finished);
    if (status || *finished)
        return status;
    if (j->o.wanted < 1)
        return refuse("--k", "must be at least 1");
    if (!j->tol_given)
        j->o.tolerance = j->f32 ? 1e-3 : 1e-6;
    if (j->o.rule == ABSA_RULE_DECIDE)
        return refuse("--rule", "decide needs a threshold, which no option gives");
    if (j->o.rule == ABSA_RULE_POWER && !j->which_given)
        j->o.which = ABSA_WHICH_MAGNITUDE;
    if (j->o.rule == ABSA_RULE_POWER && j->o.which != ABSA_WHICH_MAGNITUDE)
        return refuse("--rule power", "finds the largest magnitude: --which must be lm");
    return j->path ? DONE : refuse("--matrix is required", "");
}

/* Refuses what this machine has no room for: a few bytes of file can ask for any number of rows. */
static int check_room(const job *j, int64_t n, const char *name)
{
    absa_space space;
    int64_t vectors = 0;
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    absa_space_host(&space, sizeof space, j->f32 ? ABSA_ELEMENT_F32 : ABSA_ELEMENT_F64, n);
    if (pages <= 0 || page <= 0 || absa_eigen_memory(&space, &j->o, NULL, &vectors) != ABSA_OK)
        return DONE;
    /* Where its rows begin, twice while it is transposed. */
    const double need = (double)vectors + 16.0 * (double)n, have = (double)pages * (double)page;
    if (need <= have)
        return DONE;
    char why[128];
    snprintf(why, sizeof why,
             "%lld rows need %.3g GB of this machine's %.3g; try fewer --max-vectors", (long long)n,
             need / 1e9, have / 1e9);
    return refuse(name, why);
}

/* All of a stream with a zero behind it; NULL with errno set. */
static char *read_all(FILE *in, size_t *size)
{
    size_t room = (size_t)1 << 16, used = 0;
    char *text = malloc(room);
    while (text) {
        used += fread(text + used, 1, room - used - 1, in);
        if (used < room - 1)
            break;
        char *more = room <= SIZE_MAX / 2 ? realloc(text, 2 * room) : NULL;
        if (!more)
            free(text);
        text = more;
        room *= 2;
    }
    if (text && ferror(in)) {
        free(text);
        return NULL;
    }
    if (text)
        text[used] = '\0';
    else
        errno = ENOMEM;
    *size = used;
    return text;
}

static int load(const job *j, sparse *out)
{
    const int piped = strcmp(j->path, "-") == 0;
    const char *name = piped ? "standard input" : j->path;
    FILE *in = piped ? stdin : fopen(j->path, "rb");
    if (!in)
        return refuse(name, strerror(errno));
    size_t size = 0;
    mtx m = {0};
    mtx_error error = {0, ""};
    char *text = read_all(in, &size);
    const int code = errno;
    if (!piped)
        fclose(in);
    if (!text)
        return refuse(name, strerror(code));
    int good = mtx_parse(text, size, &m, &error);
    const int fits = good ? check_room(j, m.n, name) : DONE;
    if (good && fits == DONE)
        good = sparse_make(&m, j->f32, text, size, out, &error);
    mtx_free(&m);
    free(text);
    if (good)
        return fits;
    char place[512];
    if (error.line > 0)
        snprintf(place, sizeof place, "%s:%lld", name, (long long)error.line);
    return refuse(error.line > 0 ? place : name, error.text);
}

static void wipe(job *j)
{
    if (j->standing)
        fputs("\r\033[K", stderr);
    j->standing = 0;
}

/* A number of the matrix as it was given. */
static double unscaled(const job *j, double x)
{
    return ldexp(x, j->exponent);
}

static int watch(void *user, const absa_eigen_result *now, int32_t *stop)
{
    job *j = user;
    *stop = stop_signal != 0;
    if (!j->terminal)
        return 0;
    fprintf(stderr, "\rproduct %lld   %.8g in [%.8g, %.8g]\033[K", (long long)now->products,
            unscaled(j, now->value), unscaled(j, now->lower), unscaled(j, now->upper));
    fflush(stderr);
    j->standing = 1;
    return 0;
}

static void on_log(void *user, int32_t level, const char *text)
{
    (void)level;
    wipe(user);
    say(FAILED, text, "");
}

static int print_result(const job *j, const absa_eigen_result *r)
{
    static const char *const stops[] = {"none", "converged", "budget", "monitor", "exact"};
    for (int64_t i = 0; i < r->pairs; i++) {
        absa_pair p;
        absa_pair_init(&p, sizeof p);
        if (absa_eigen_pair(j->eigen, i, &p))
            return say(FAILED, absa_context_message(j->ctx), "");
        printf("%.17g %.17g %.17g %.17g\n", unscaled(j, p.value), unscaled(j, p.lower),
               unscaled(j, p.upper), unscaled(j, p.residual));
    }
    printf("products %lld stop %s\n", (long long)r->products, stops[r->stop]);
    return fflush(stdout) == 0 ? DONE : say(FAILED, "standard output cannot be written", "");
}

static int run(job *j, sparse *matrix)
{
    absa_operator *op = NULL;
    absa_space space;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    absa_space_host(&space, sizeof space, j->f32 ? ABSA_ELEMENT_F32 : ABSA_ELEMENT_F64, matrix->n);
    j->exponent = matrix->exponent;
    const int failed = absa_operator_from_hvp(j->ctx, &space, sparse_product, matrix, NULL, &op) ||
                       absa_eigen_create(j->ctx, &space, &j->o, &j->eigen) ||
                       absa_eigen_run(j->eigen, op, NULL, &r);
    wipe(j);
    const int status = failed ? say(FAILED, absa_context_message(j->ctx), "") : print_result(j, &r);
    absa_eigen_destroy(&j->eigen);
    absa_operator_destroy(&op);
    return status == DONE && stop_signal ? 128 + stop_signal : status;
}

/* Refuses options the library refuses before a large file is read for nothing. */
static int check_options(const job *j)
{
    absa_space space;
    absa_eigen *eigen;
    absa_space_host(&space, sizeof space, j->f32 ? ABSA_ELEMENT_F32 : ABSA_ELEMENT_F64, 1);
    if (absa_eigen_create(j->ctx, &space, &j->o, &eigen))
        return refuse(absa_context_message(j->ctx), "");
    absa_eigen_destroy(&eigen);
    return DONE;
}

int main(int argc, char **argv)
{
    job j = {.terminal = isatty(STDERR_FILENO)};
    sparse matrix = {0};
    absa_context_options c;
    absa_context_options_init(&c, sizeof c);
    c.log = on_log;
    c.log_user = &j;
    if (absa_context_create(&c, &j.ctx))
        return say(FAILED, "not enough memory", "");
    absa_eigen_options_init(&j.o, sizeof j.o);
    j.o.max_products = 1000;
    j.o.max_vectors = 64;
    j.o.monitor = watch;
    j.o.monitor_user = &j;
    int finished, status = parse(argc, argv, &j, &finished);
    if (!status && !finished)
        status = check_options(&j);
    if (!status && !finished)
        status = load(&j, &matrix);
    if (!status && !finished) {
        catch_signals();
        status = run(&j, &matrix);
    }
    sparse_free(&matrix);
    absa_context_destroy(&j.ctx);
    return status;
}
