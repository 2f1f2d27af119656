/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_IMPUTE_FEATURES_F32_H
#define MICA_IMPUTE_FEATURES_F32_H

#include <stdint.h>

#include "rom.h"

struct mica_impute_features_f32 {
    int8_t is_nan; /* NaN is missing; else `missing` is */
    float missing;
    const float *fill; /* [n] */
};

/* out[i] = x[i], or fill[i] where that is missing */
static inline void mica_impute_features_f32(const struct mica_impute_features_f32 *p,
                                            const float *x, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const int is_missing = p->is_nan ? x[i] != x[i] : x[i] == p->missing;
        out[i] = is_missing ? MICA_ROM_F32(&p->fill[i]) : x[i];
    }
}

#endif
