/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FPU_H
#define MICA_FPU_H

#include "dsp.h"

/* MICA_FPU is 1 on cores that compute float32 in hardware and take Thumb-2 assembly (Cortex-M4F,
 * M7, M33, M55 and later). Blocks there are assembly, as compilers neither load several floats with
 * one VLDM nor keep twenty sums in registers; elsewhere portable loops over the same streams give
 * the same bits.
 *
 * Products and sums are two instructions, VMUL and VADD, and so are rounded twice, as everywhere.
 * One VMLA does and rounds the same, but takes three cycles on Cortex-M4 and M33 where the two take
 * one each; VFMA takes three as well and rounds once, which gives other bits. */
#if defined(__thumb2__) && defined(__ARM_FP) && !defined(__ARM_BIG_ENDIAN)
#define MICA_FPU ((__ARM_FP & 4) != 0)
#else
#define MICA_FPU 0
#endif

#if MICA_FPU
#define MICA_FPU_BLOCK MICA_NAKED
#else
#define MICA_FPU_BLOCK static inline
#endif

#endif
