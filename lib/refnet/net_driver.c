/* Which of the compiled drivers this processor runs. They differ in the width of their vectors
 * only: sums are taken in the same lanes and products are not contracted, so that apart from BLAS
 * the bits are those of any other driver. */
#include "net.h"

#ifdef ABSA__NET_WIDE
extern const absa__net_driver absa__net_driver_f32_avx2, absa__net_driver_f64_avx2;
extern const absa__net_driver absa__net_driver_f32_avx512, absa__net_driver_f64_avx512;

const absa__net_driver *absa__net_driver_of(const absa_refnet *net)
{
    const int single = net->options.element == ABSA_ELEMENT_F32;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return single ? &absa__net_driver_f32_avx512 : &absa__net_driver_f64_avx512;
    if (__builtin_cpu_supports("avx2"))
        return single ? &absa__net_driver_f32_avx2 : &absa__net_driver_f64_avx2;
    return single ? &absa__net_driver_f32 : &absa__net_driver_f64;
}
#else
const absa__net_driver *absa__net_driver_of(const absa_refnet *net)
{
    return net->options.element == ABSA_ELEMENT_F32 ? &absa__net_driver_f32 : &absa__net_driver_f64;
}
#endif
