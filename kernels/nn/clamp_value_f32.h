/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_CLAMP_VALUE_F32_H
#define MICA_CLAMP_VALUE_F32_H

/* x limited to [min, max]; what is not a number stays so, as in TFLite's reference. */
static inline float mica_clamp_value_f32(float x, float min, float max)
{
    return x < min ? min : x > max ? max : x;
}

#endif
