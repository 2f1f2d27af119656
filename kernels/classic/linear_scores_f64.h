/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_SCORES_F64_H
#define MICA_LINEAR_SCORES_F64_H

#include <stdint.h>

#include "rom.h"

struct mica_linear_scores_f64 {
    int32_t n;
    const double *coef; /* [scores][n + 1]; the last one is the intercept */
};

/* The scores, of which there are `scores`. */
static inline void mica_linear_scores_f64(const struct mica_linear_scores_f64 *p, const double *x,
                                          double *out, int32_t scores)
{
    const double *c = p->coef;
    for (int32_t k = 0; k < scores; k++) {
        double sum = 0.0;
        for (int32_t i = 0; i < p->n; i++)
            sum += MICA_ROM_F64(c++) * x[i];
        out[k] = sum + MICA_ROM_F64(c++);
    }
}

#endif
