/** @file
 * All of libabsa from C++17 but the reference network, which is absa/refnet.hpp.
 */
#ifndef ABSA_HPP
#define ABSA_HPP

#include <absa/adversarial.hpp>
#include <absa/controller.hpp>
#include <absa/eigen.hpp>

#endif
