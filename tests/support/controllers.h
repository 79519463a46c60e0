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

#endif
