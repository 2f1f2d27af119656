/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_FILL_S8_H
#define MICA_FILL_S8_H

#include <stdint.h>

struct mica_fill_s8 {
    int8_t value;
};

/* out[i] = value for n elements of 8 bits. */
static inline void mica_fill_s8(const struct mica_fill_s8 *p, int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = p->value;
}

#endif
