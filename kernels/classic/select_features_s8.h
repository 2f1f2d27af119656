/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SELECT_FEATURES_S8_H
#define MICA_SELECT_FEATURES_S8_H

#include <stdint.h>

#include "rom.h"

struct mica_select_features_s8 {
    const uint16_t *column;
};

/* out[i] = x[column[i]] for n elements of 8 bits */
static inline void mica_select_features_s8(const struct mica_select_features_s8 *p, const int8_t *x,
                                           int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = x[MICA_ROM_U16(&p->column[i])];
}

#endif
