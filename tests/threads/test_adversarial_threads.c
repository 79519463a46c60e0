/* Perturbations have no state: threads that share one options struct and take parts of one batch
 * give the bits of one thread alone. A plain program, for Criterion cannot run under
 * ThreadSanitizer, which is what this test is for. */
#include <absa/adversarial.h>
#include <absa/random.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 96, ROW = 300, THREADS = 4, PART = ROWS / THREADS, KINDS = 3 };

static double x[ROWS * ROW], g[ROWS * ROW];

static const int32_t attacks[KINDS] = {ABSA_ATTACK_FGSM, ABSA_ATTACK_L2, ABSA_ATTACK_RFGSM};

typedef struct job {
    int64_t first, rows;
    double *out[KINDS];
    uint8_t selected[ROWS];
    absa_status status;
} job;

static absa_status attack(const job *j, int kind)
{
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    (void)absa_perturb_options_attack(&o, attacks[kind]);
    o.element = ABSA_INPUT_F64;
    o.row_size = ROW;
    o.epsilon = 0.1;
    o.lo = 0.0;
    o.hi = 1.0;
    o.first_id = j->first;
    const double *from = x + j->first * ROW, *along = g + j->first * ROW;
    double *to = j->out[kind] + j->first * ROW;
    if (kind < 2)
        return absa_perturb(&o, j->rows, from, along, to, NULL);
    const absa_status status = absa_perturb_start(&o, j->rows, from, to, NULL);
    return status ? status : absa_perturb_step(&o, j->rows, from, along, to, NULL);
}

static void *work(void *user)
{
    job *j = user;
    absa_selection s;
    absa_selection_init(&s, sizeof s);
    s.count = ROWS / 3;
    j->status = absa_selection_keyed(&s, ROWS, NULL, NULL, NULL);
    if (j->status == ABSA_OK)
        j->status = absa_selection_rows(&s, j->rows, NULL, j->first, j->selected, NULL);
    for (int kind = 0; kind < KINDS && j->status == ABSA_OK; kind++)
        j->status = attack(j, kind);
    return NULL;
}

int main(void)
{
    static double alone[KINDS][ROWS * ROW], shared[KINDS][ROWS * ROW];
    static job whole, jobs[THREADS];
    pthread_t threads[THREADS];
    int bad = 0, chosen = 0;

    absa_random_uniform(1, 0, 0, ROWS * ROW, x);
    absa_random_gaussian_f64(1, 1, 0, ROWS * ROW, g);
    whole.rows = ROWS;
    for (int kind = 0; kind < KINDS; kind++)
        whole.out[kind] = alone[kind];
    work(&whole);
    for (int t = 0; t < THREADS; t++) {
        jobs[t].first = t * PART;
        jobs[t].rows = PART;
        for (int kind = 0; kind < KINDS; kind++)
            jobs[t].out[kind] = shared[kind];
        if (pthread_create(&threads[t], NULL, work, &jobs[t]) != 0)
            return 1;
    }
    printf("TAP version 13\n1..%d\n", THREADS + KINDS);
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        const int same = jobs[t].status == ABSA_OK && whole.status == ABSA_OK &&
                         memcmp(jobs[t].selected, whole.selected + t * PART, PART) == 0;
        for (int i = 0; i < PART; i++)
            chosen += jobs[t].selected[i];
        bad += !same;
        printf("%sok %d - thread %d chooses as one does for all\n", same ? "" : "not ", t + 1, t);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        const int same =
            chosen == ROWS / 3 && memcmp(alone[kind], shared[kind], sizeof alone[kind]) == 0;
        bad += !same;
        printf("%sok %d - attack %d has the bits of one thread\n", same ? "" : "not ",
               THREADS + kind + 1, (int)attacks[kind]);
    }
    return bad > 0;
}
