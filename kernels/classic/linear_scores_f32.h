/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_SCORES_F32_H
#define MICA_LINEAR_SCORES_F32_H

#include <stdint.h>

#include "linear_round_f32.h"
#include "linear_sum.h"
#include "rounding_f32.h"

/* An instruction where the core has it; only elsewhere a function of the library. */
#if defined(__GNUC__)
#define MICA_FMA_F32 __builtin_fmaf
#else
#include <math.h>
#define MICA_FMA_F32 fmaf
#endif

struct mica_linear_scores_f32 {
    int32_t n, scores; /* features, rows of coefficients */
    const float *coef; /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* sum + *rest += y without an error: what the sum cannot hold goes to *rest. */
static inline float mica_linear_add_f32(float sum, float y, float *rest)
{
    const float next = sum + y, y_part = next - sum;
    *rest += (sum - (next - y_part)) + (y - y_part);
    return next;
}

/* The scores as floats, for cores with a fused multiply-add: products and sums in float32 with their
 * rounding errors kept, from the upper parts of the coefficients, each of which is off by less than
 * 2^-23. Where the terms have four times the size of their sum or more, and at the ends of float32's
 * range, the sum is done again in integers; so the error is below 6e-7 of the score. */
static inline void mica_linear_scores_f32(const struct mica_linear_scores_f32 *p, const float *x,
                                          float *out)
{
    for (int32_t k = 0, at = 0; k < p->scores; k++, at += p->n + 1) {
        const float *coef = &p->coef[at];
        float sum = MICA_ROM_F32(&coef[p->n]), rest = 0.0f, size = sum < 0.0f ? -sum : sum;
        for (int32_t i = 0; i < p->n; i++) {
            const float c = MICA_ROM_F32(coef++), y = c * x[i];
            rest += MICA_FMA_F32(c, x[i], -y);
            sum = mica_linear_add_f32(sum, y, &rest);
            size += y < 0.0f ? -y : y;
        }
        sum += rest;
        if (!(size < 1e37f && size > 1e-28f && (size < 4.0f * sum || size < -4.0f * sum))) {
            int32_t exponent;
            int64_t m = mica_linear_sum(x, p->n, &p->coef[at], &p->low[at], &exponent);
            sum = mica_linear_round_f32(m, exponent);
        }
        out[k] = sum;
    }
}

#endif
