/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_DSP_H
#define MICA_DSP_H

/* MICA_DSP is 1 on cores with Arm's DSP extension (Cortex-M4, M7, M33, M55 and later), where the
 * innermost blocks are assembly: compilers neither walk a stream with LDM nor keep fourteen values
 * in registers. Elsewhere portable loops read the same streams and give the same bits.
 *
 * A block is a function without prologue whose arguments lie where the calling standard puts them.
 * gcc must not look inside: it would conclude that such a function needs and changes nothing, and
 * has to be told (MICA_ARG) that arguments without a use are meant. */
#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && defined(__thumb2__) && \
    !defined(__ARM_BIG_ENDIAN)
#define MICA_DSP   1
#define MICA_BLOCK MICA_NAKED
#else
#define MICA_DSP   0
#define MICA_BLOCK static inline
#endif

/* MICA_V6M is 1 on Cortex-M0, M0+, M1 and M23, which have assembly of their own. */
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
#define MICA_V6M 1
#else
#define MICA_V6M 0
#endif

#if defined(__clang__)
#define MICA_NAKED static __attribute__((naked, noinline, unused))
#elif defined(__GNUC__)
#define MICA_NAKED static __attribute__((naked, noipa, unused))
#endif
#define MICA_ARG __attribute__((unused))

/* gcc's first scheduling pass moves all loads of a loop to its start and spills what then does not
 * fit in registers; loops written in a good order are better without it. */
#if defined(__GNUC__) && !defined(__clang__)
#define MICA_IN_ORDER __attribute__((optimize("no-schedule-insns")))
#else
#define MICA_IN_ORDER
#endif

/* The same for sums of unsigned products, which gcc would add to each other first: no
 * multiplication could then add its product to the sum. */
#if defined(__GNUC__) && !defined(__clang__)
#define MICA_AS_WRITTEN __attribute__((optimize("no-schedule-insns", "no-tree-reassoc")))
#else
#define MICA_AS_WRITTEN
#endif

/* A loop that is better compiled by itself than with all that its caller keeps in registers. */
#if defined(__GNUC__)
#define MICA_CALLED static __attribute__((noinline, unused))
#else
#define MICA_CALLED static inline
#endif

#endif
