/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SELECT_FEATURES_S16_H
#define MICA_SELECT_FEATURES_S16_H

#include <stdint.h>

#include "rom.h"

struct mica_select_features_s16 {
    const uint16_t *column;
};

/* out[i] = x[column[i]] for n elements of 16 bits */
static inline void mica_select_features_s16(const struct mica_select_features_s16 *p,
                                            const int16_t *x, int16_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = x[MICA_ROM_U16(&p->column[i])];
}

#endif
