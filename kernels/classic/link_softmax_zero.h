/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_SOFTMAX_ZERO_H
#define MICA_LINK_SOFTMAX_ZERO_H

#include <stdint.h>

#include "exp_f64.h"

/* ONNX's SOFTMAX_ZERO as ONNX Runtime computes it: a softmax in which scores that are nearly 0 stay
 * so, being multiplied by e^-max and left out of the sum; where all are, nothing is a number. */
static inline void mica_link_softmax_zero(const double *x, double *out, int32_t n)
{
    double most = x[0], sum = 0.0;
    for (int32_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (int32_t i = 0; i < n; i++) {
        const double power = mica_exp_f64(x[i] - most);
        const int is_zero = x[i] <= (double)1e-7f && x[i] >= (double)-1e-7f;
        out[i] = is_zero ? x[i] * mica_exp_f64(-most) : power;
        sum += is_zero ? 0.0 : power;
    }
    for (int32_t i = 0; i < n; i++)
        out[i] /= sum;
}

#endif
