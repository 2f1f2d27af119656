/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINK_AFFINE_H
#define MICA_LINK_AFFINE_H

#include <stdint.h>

#include "rounding_f32.h"

struct mica_link_affine {
    double factor, offset;
};

/* out[i] = factor * x[i] + offset, each step rounded */
static inline void mica_link_affine(const struct mica_link_affine *p, const double *x, double *out,
                                    int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        double y = p->factor * x[i];
        out[i] = y + p->offset;
    }
}

#endif
