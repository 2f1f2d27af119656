/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_SOFTMAX_F32_H
#define MICA_LINK_SOFTMAX_F32_H

#include <stdint.h>

#include "exp_f64.h"

/* out[i] = e^x[i] / sum of e^x where every step is rounded to float32, but the additions: as
 * XGBoost does it. */
static inline void mica_link_softmax_f32(const double *x, double *out, int32_t n)
{
    float most = (float)x[0];
    double sum = 0.0;
    for (int32_t i = 1; i < n; i++)
        most = (float)x[i] > most ? (float)x[i] : most;
    for (int32_t i = 0; i < n; i++) {
        const float less = (float)x[i] - most;
        const float e = (float)mica_exp_f64((double)less);
        out[i] = (double)e;
        sum += out[i];
    }
    for (int32_t i = 0; i < n; i++) {
        const float share = (float)out[i] / (float)sum;
        out[i] = (double)share;
    }
}

#endif
