/* SPDX-License-Identifier: Apache-2.0 */
/* linear_sum.h - an int8 sum of two tensors as one linear function of their bytes. */
#ifndef MICA_OP_LINEAR_SUM_H
#define MICA_OP_LINEAR_SUM_H

#include <stdbool.h>
#include <stdint.h>

/* out = clamp((offset + floor(a * multiplier[0] / 2^8) + floor(b * multiplier[1] / 2^8)) >> 20) */
struct linear {
    int32_t multiplier[2], offset;
};

/* Finds numbers that give want[256 * (a + 128) + b + 128], which lies in [min, max], for every pair
 * of inputs. `slope`: by how much the output grows with a and with b, about. False where there are
 * none near, or where they would leave 32 bits. */
bool linear_find(const double slope[2], const int8_t *want, int32_t min, int32_t max,
                 struct linear *);

#endif
