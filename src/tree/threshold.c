/* SPDX-License-Identifier: Apache-2.0 */
/* threshold.c - the tests of training libraries as comparisons of float32 numbers, and numbers as
 * integers that have their order.
 *
 * A library that compares x <= t in float64, x being a float32, decides as x <= T does with T the
 * largest float32 that is not above t: no float32 lies between the two. One that compares x < t in
 * float32 decides as x <= T does with T the float32 before t. */
#include <math.h>
#include <string.h>

#include "tree/tree.h"

float float_below(double t)
{
    float f = (float)t;
    return (double)f > t ? nextafterf(f, -INFINITY) : f;
}

float float_before(float t)
{
    return nextafterf(t, -INFINITY);
}

int32_t integer_lowest(enum dtype type)
{
    return type == DTYPE_INT8 ? INT8_MIN : type == DTYPE_UINT8 ? 0 : INT16_MIN;
}

int32_t integer_highest(enum dtype type)
{
    return type == DTYPE_INT8 ? INT8_MAX : type == DTYPE_UINT8 ? UINT8_MAX : INT16_MAX;
}

int32_t float_key(float x)
{
    uint32_t bits;
    x += 0.0f; /* -0 becomes 0: a threshold of -0 is one of 0 */
    memcpy(&bits, &x, sizeof bits);
    if (bits >> 31)
        bits ^= UINT32_C(0x7fffffff);
    int32_t key;
    memcpy(&key, &bits, sizeof key);
    return key;
}

int64_t double_order(double v)
{
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

double double_of_order(int64_t order)
{
    const int64_t bits = order < 0 ? INT64_MIN - order : order;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

int32_t to_fixed(double v, int scale)
{
    const double scaled = rint(ldexp(v, scale));
    return scaled > INT32_MAX / 2   ? INT32_MAX / 2
           : scaled < INT32_MIN / 2 ? INT32_MIN / 2
                                    : (int32_t)scaled;
}
