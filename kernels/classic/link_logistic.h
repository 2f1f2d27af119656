/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_LOGISTIC_H
#define MICA_LINK_LOGISTIC_H

#include <stdint.h>

#include "logistic_f64.h"

/* out[i] = 1 / (1 + e^-x[i]) */
static inline void mica_link_logistic(const double *x, double *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = mica_logistic_value_f64(x[i]);
}

#endif
