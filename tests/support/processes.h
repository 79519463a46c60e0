/* Simulated processes: threads that meet in reductions, each with its own rank. */
#ifndef ABSA_TEST_PROCESSES_H
#define ABSA_TEST_PROCESSES_H

#include <absa/operator.h>

typedef struct processes processes;

/* One process: handed to its function, and the user pointer of its reductions. */
typedef struct process {
    processes *all;
    void *user;
    int rank;
    int count;
    int64_t n; /* elements of the vectors that process_replicate() has summed */
} process;

/* Runs work(&p) for p.rank = 0..count-1 at the same time and waits for all. */
void processes_run(int count, void (*work)(process *), void *user);

/* absa_reduce_fn with a process as user: sums in rank order, so every process gets the same bits.
 */
int process_reduce(void *p, double *values, int64_t count);

/* Has p lend its reductions to a space whose vectors of doubles each process holds whole, and to an
 * operator on it; *o is filled with the defaults. */
void process_replicate(process *p, absa_space *space, absa_operator_options *o);

#endif
