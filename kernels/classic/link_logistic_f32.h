/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_LOGISTIC_F32_H
#define MICA_LINK_LOGISTIC_F32_H

#include <stdint.h>

#include "exp_f64.h"

/* out[i] = 1 / (1 + e^-x[i]) where every step is rounded to float32, from e^-x on, and e^88.7 is
 * the most: as XGBoost does it. */
static inline void mica_link_logistic_f32(const double *x, double *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const float minus = -(float)x[i];
        const float e = (float)mica_exp_f64(minus < 88.7f ? (double)minus : (double)88.7f);
        const float below = e + 1.0f;
        out[i] = (double)(1.0f / below);
    }
}

#endif
