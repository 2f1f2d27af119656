/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SOFTMAX_TABLE_S8_H
#define MICA_SOFTMAX_TABLE_S8_H

#include <stdint.h>

#include "fixed.h"
#include "high_fraction.h"
#include "rom.h"

struct mica_softmax_table_s8 {
    int32_t n_powers;
    const int32_t *powers; /* [n_powers]: e^-x for a difference of x, in Q0.31 */
};

/* Powers by difference; beyond the table they count for nothing. */
static inline uint32_t mica_power_s8(const struct mica_softmax_table_s8 *p, int32_t difference)
{
    return difference < p->n_powers ? (uint32_t)MICA_ROM_S32(&p->powers[difference]) : 0;
}

/* out[i] = e^(in[i] - max) / sum of the same, as mica_softmax_s8(), over n elements (at most 4095).
 * The table has what that computes for every difference down to the last that changes a sum or a
 * share. in and out may be the same memory. */
static inline void mica_softmax_table_s8(const struct mica_softmax_table_s8 *p, const int8_t *in,
                                         int8_t *out, int32_t n)
{
    int32_t max = in[0];
    for (int32_t i = 1; i < n; i++)
        max = in[i] > max ? in[i] : max;
    uint32_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += (mica_power_s8(p, max - in[i]) + (1u << 11)) >> 12;
    int headroom = 0; /* leading zeros of the sum, which is at least 2^19 */
    while ((sum << headroom & UINT32_C(0x80000000)) == 0)
        headroom++;
    const int32_t over_one = (int32_t)((sum << headroom) & INT32_MAX);
    const int32_t reciprocal = mica_fixed_shift(mica_fixed_reciprocal(over_one), 1);
    const int bits = 35 - headroom; /* 23 .. 34 */
    const uint32_t half = bits < 32 ? UINT32_C(1) << (bits - 1) : 0;
    for (int32_t i = 0; i < n; i++) {
        const uint32_t power = bits < 32 ? mica_power_s8(p, max - in[i]) : 0;
        uint32_t share = 0;
        if (power)
            share = (mica_high_fraction((uint32_t)reciprocal, power) + half) >> (bits & 31);
        out[i] = (int8_t)(share > 255 ? 127 : (int32_t)share - 128);
    }
}

#endif
