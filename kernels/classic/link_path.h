/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_PATH_H
#define MICA_LINK_PATH_H

#include <stdint.h>

#include "exp_f64.h"

struct mica_link_path {
    double mean; /* depth */
};

/* out[i] = -(2^(-x[i] / mean)): how normal a row is, from the depths at which the trees of an
 * isolation forest have it alone. */
static inline void mica_link_path(const struct mica_link_path *p, const double *x, double *out,
                                  int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = -mica_exp_f64(-x[i] / p->mean * 0.69314718055994531);
}

#endif
