/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_CUT_F64_H
#define MICA_LINEAR_CUT_F64_H

#include <stdint.h>

/* out[i] = 1 where x[i] is above 0, otherwise 0 */
static inline void mica_linear_cut_f64(const double *x, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = x[i] > 0.0;
}

#endif
