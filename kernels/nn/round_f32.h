/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ROUND_F32_H
#define MICA_ROUND_F32_H

#include <stdint.h>

/* x, rounded to the nearest integer with ties away from zero and limited to +-2^20; NaN gives the
 * lowest. x - whole is exact in that range. */
static inline int32_t mica_round_f32(float x)
{
    x = x > 1048576.0f ? 1048576.0f : x > -1048576.0f ? x : -1048576.0f;
    int32_t whole = (int32_t)x;
    float part = x - (float)whole;
    return whole + (part >= 0.5f) - (part <= -0.5f);
}

#endif
