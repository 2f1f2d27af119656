/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_SOFTMAX_H
#define MICA_LINK_SOFTMAX_H

#include <stdint.h>

#include "exp_f64.h"

/* out[i] = e^x[i] / sum of e^x */
static inline void mica_link_softmax(const double *x, double *out, int32_t n)
{
    double most = x[0], sum = 0.0;
    for (int32_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (int32_t i = 0; i < n; i++) {
        out[i] = mica_exp_f64(x[i] - most);
        sum += out[i];
    }
    for (int32_t i = 0; i < n; i++)
        out[i] /= sum;
}

#endif
