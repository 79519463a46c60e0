/** @file
 * Everything of libabsa in one include. The reference network is apart: absa/refnet.h.
 */
#ifndef ABSA_ABSA_H
#define ABSA_ABSA_H

#include <absa/adversarial.h>
#include <absa/block.h>
#include <absa/context.h>
#include <absa/controller.h>
#include <absa/cost.h>
#include <absa/eigen.h>
#include <absa/export.h>
#include <absa/operator.h>
#include <absa/random.h>
#include <absa/sampling.h>
#include <absa/status.h>
#include <absa/vector.h>
#include <absa/version.h>

#endif
