/* Controllers of a small training, and what tests ask them. */
#ifndef ABSA_TEST_CONTROLLERS_H
#define ABSA_TEST_CONTROLLERS_H

#include <absa/controller.h>

/* The recommended options for 10 epochs of 1000 samples, batches of 32 to 256, the paper's
 * patience. */
absa_controller_options small_training(int32_t strategy);

/* Each fails the test when the call does. */
absa_controller *make_controller(absa_context *ctx, const absa_controller_options *o);
absa_plan plan_of(const absa_controller *c);
absa_micro micro_of(const absa_controller *c);

/* What follows from a measurement whose rule fired; that of a value, taken as exact. */
absa_decision observe_interval(absa_controller *c, double lower, double value, double upper);
absa_decision observe_exact(absa_controller *c, double value);

/* Every decision of a controller whose journal is journal_keep() and whose journal_user it is. */
enum { JOURNAL_ROOM = 256 };
typedef struct journal {
    absa_decision seen[JOURNAL_ROOM];
    int64_t count;
    int code; /* what the callback answers */
} journal;
int journal_keep(void *user, const absa_decision *decision);
const absa_decision *journal_last(const journal *j);

#endif
