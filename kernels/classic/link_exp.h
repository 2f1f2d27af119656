/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_EXP_H
#define MICA_LINK_EXP_H

#include <stdint.h>

#include "exp_f64.h"

/* out[i] = e^x[i] */
static inline void mica_link_exp(const double *x, double *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = mica_exp_f64(x[i]);
}

#endif
