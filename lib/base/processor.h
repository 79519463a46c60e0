/* What the processor offers beyond the instructions that the compiler may take for granted. */
#ifndef ABSA_BASE_PROCESSOR_H
#define ABSA_BASE_PROCESSOR_H

#if defined(__GNUC__)
#define ABSA__ALWAYS_INLINE __attribute__((always_inline))
#else
#define ABSA__ALWAYS_INLINE
#endif

/* A function so marked may only be called where absa__has_wide(): 256-bit vectors and fused
 * multiplication. The compiler must not fuse by itself (-ffp-contract=off), so that bits stay those
 * of the plain code; where a product is exact, code may fuse by name. */
#if defined(__GNUC__) && defined(__x86_64__)
#define ABSA__WIDE       __attribute__((target("avx2,fma")))
#define ABSA__WIDE_THERE 1
#else
#define ABSA__WIDE
#define ABSA__WIDE_THERE 0
#endif

static inline int absa__has_wide(void)
{
#if ABSA__WIDE_THERE
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

#endif
