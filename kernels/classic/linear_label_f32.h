/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LINEAR_LABEL_F32_H
#define MICA_LINEAR_LABEL_F32_H

#include <stdint.h>

#include "linear_label_exact.h"
#include "rom.h"

struct mica_linear_label_f32 {
    int32_t n, scores; /* features, rows of coefficients */
    float per_x;       /* what a score's error is below: error + per_x * sum of |x| */
    float error;
    const float *coef; /* [scores][n + 1], see linear_sum.h; the last one is the intercept */
    const uint32_t *low;
};

/* The row of coefficients with the largest score, the first of equal ones. The scores are summed in
 * float32 from the upper parts of the coefficients; where the two largest are closer than the
 * error that this may have, all is done again in integers. Sums that overflow are not numbers that
 * any comparison holds for, and so are done again, too. */
static inline void mica_linear_label_f32(const struct mica_linear_label_f32 *p, const float *x,
                                         int32_t *out)
{
    float size = 0.0f, best = 0.0f, second = 0.0f;
    const float *c = p->coef;
    for (int32_t i = 0; i < p->n; i++)
        size += x[i] < 0.0f ? -x[i] : x[i];
    for (int32_t k = 0; k < p->scores; k++, c++) {
        float even = 0.0f, odd = 0.0f;
        int32_t i = 0;
        for (; i < p->n - 1; i += 2, c += 2) {
            even += MICA_ROM_F32(c) * x[i];
            odd += MICA_ROM_F32(c + 1) * x[i + 1];
        }
        if (p->n & 1)
            even += MICA_ROM_F32(c++) * x[i];
        even += odd + MICA_ROM_F32(c);
        if (k == 0 || even > best) {
            second = k ? best : -1e38f;
            best = even;
            *out = k;
        } else if (even > second) {
            second = even;
        }
    }
    const float error = p->error + p->per_x * size;
    if (!(error < 1e30f && best - second > error + error)) {
        const struct mica_linear_label_exact exact = {p->n, p->scores, p->coef, p->low};
        mica_linear_label_exact(&exact, x, out);
    }
}

#endif
