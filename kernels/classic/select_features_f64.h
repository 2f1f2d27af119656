/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SELECT_FEATURES_F64_H
#define MICA_SELECT_FEATURES_F64_H

#include <stdint.h>

#include "rom.h"

struct mica_select_features_f64 {
    const uint16_t *column;
};

/* out[i] = x[column[i]] for n elements of 64 bits */
static inline void mica_select_features_f64(const struct mica_select_features_f64 *p,
                                            const double *x, double *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = x[MICA_ROM_U16(&p->column[i])];
}

#endif
