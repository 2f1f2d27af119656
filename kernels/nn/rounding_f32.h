/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ROUNDING_F32_H
#define MICA_ROUNDING_F32_H

/* Every product and every sum is rounded on its own, so that cores with and without a fused
 * multiply-add give the same bits. clang fuses unless told not to; gcc does so outside -std=c99. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
#pragma GCC optimize("fp-contract=off")
#endif

#endif
