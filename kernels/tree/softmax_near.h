/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_SOFTMAX_NEAR_H
#define MICA_SOFTMAX_NEAR_H

#include <stdint.h>

#include "float32.h"
#include "rom.h"

/* Does the softmax make two scores equal that are not? A library that takes the first largest of
 *
 *     p[i] = e[i] / s,  e[i] = expf(x[i] - max),  s = float32 of the sum of e in float64
 *
 * gives class i the label of the largest score where p[i] is 1 / s, e being 1 for the largest. Each
 * step is monotone, so nothing but that equality can change the label, and only for classes before
 * the largest one.
 *
 * Let t = (max - x[i]) 2^24. For t <= 4, exp(-t 2^-24) is 1 - (t - u) 2^-24 with 0 < u <= 2^-21,
 * and its float32 is 1 - j 2^-24 with j the integer nearest to t, the lower one of two: u only
 * matters where t lies in the middle. (expf of the GNU C library errs by less than t 2^-55 here,
 * and rounds as that.) One step of 1 / s is at most 2^-23 of it, so j above 2 is never equal, and
 * max - x[i] above 2^-22 need not be asked. For j = 0 the quotients are the same; otherwise s has
 * to be known.
 *
 * s is summed from exponentials of 40 bits, each rounded to float32: the library's, where its expf
 * gives the nearest number. The GNU C library's does not always (its error is up to 0.502 of a
 * step), and then s can differ in its last bit: of rows made such that several scores lie within
 * 2^-22 of the largest, one in 17,000 gets the other of these classes. */

/* a b 2^-62 */
MICA_SHARED uint64_t mica_softmax_product(uint64_t a, uint64_t b)
{
    const uint64_t a1 = a >> 31, a0 = a & 0x7fffffff, b1 = b >> 31, b0 = b & 0x7fffffff;
    return a1 * b1 + (a1 * b0 >> 31) + (a0 * b1 >> 31);
}

/* exp(-t), t >= 0, rounded to 24 bits, in steps of 2^-48: t is brought below ln 2 and divided by
 * 256, five terms of the series are taken, and the result squared eight times; the sixth term would
 * add 2^-41. */
MICA_SHARED uint64_t mica_softmax_power(float t)
{
    const uint64_t one = UINT64_C(1) << 62, ln2 = UINT64_C(0xb17217f7d1cf7a); /* 2^56 ln 2 */
    const uint32_t bits = (uint32_t)mica_float_bits(&t);
    uint32_t n = 0;
    const int32_t e = (int32_t)(bits >> 23 & 255) - 150 + 56; /* t is m 2^e in steps of 2^-56 */
    const uint64_t m = (bits & 0x7fffff) | 0x800000;
    if (e > 37) /* t >= 32: below 2^-46, where the sum has its sticky end */
        return 0;
    uint64_t r = e >= 0 ? m << e : e > -24 ? m >> -e : 0;
    for (; r >= ln2; r -= ln2)
        n++;
    r >>= 2; /* of 256, and in steps of 2^-62 */
    uint64_t y = one - (r >> 2);
    y = one - mica_softmax_product(mica_softmax_product(r, UINT64_C(0x1555555555555555)), y);
    y = one - mica_softmax_product(r >> 1, y);
    y = one - mica_softmax_product(r, y);
    for (int32_t i = 0; i < 8; i++)
        y = mica_softmax_product(y, y);
    return (y + (UINT64_C(1) << 37)) >> 38 << 24 >> n;
}

/* The float32 nearest to m / s, 2^24 - 2 <= m <= 2^24 and 2^23 <= s <= 2^24, as an integer in the
 * order of the quotients: its significand above which stands the exponent. */
MICA_SHARED uint32_t mica_softmax_quotient(uint32_t m, uint32_t s)
{
    uint32_t q = 0, exponent = 64;
    for (; !(q >> 24); exponent--) {
        q <<= 1;
        if (m >= s) {
            m -= s;
            q |= 1;
        }
        m <<= 1;
    }
    q += q & 1 &&
         (m || q & 2); /* half a step up where it lies above the middle, or is to be even */
    return (q >> 1) + (exponent << 23);
}

/* Is the quotient of a class whose score is a little below the largest equal to the largest's? In
 * integers: the bits of (most - below) tell j. */
MICA_SHARED int32_t mica_softmax_equal(const float *x, int32_t n, float most, float below)
{
    const float t = mica_f32_plus(most, -below);
    const int32_t bits = mica_float_bits(&t);
    uint64_t sum = 0;
    if (bits <= 0x33000000) /* half of 2^-24 */
        return 1;
    if (bits > 0x34200000) /* 2.5 */
        return 0;
    for (int32_t i = 0; i < n; i++)
        sum += mica_softmax_power(mica_f32_plus(most, -x[i]));
    while (sum >> 26)
        sum = sum >> 1 | (sum & 1);
    const uint32_t rest = (uint32_t)sum & 3, whole = (uint32_t)sum >> 2;
    const uint32_t s = whole + (rest == 3 || (rest == 2 && (whole & 1))), one = (uint32_t)1 << 24;
    const uint32_t j = bits > 0x33c00000 ? 2 : 1; /* 1.5 */
    return mica_softmax_quotient(one, s) == mica_softmax_quotient(one - j, s);
}

#endif
