/* SPDX-License-Identifier: Apache-2.0 */
/* scale.c - scales to integers, as TFLite's quantization_util and kernel_util compute them. */
#include <float.h>
#include <math.h>

#include "fixed.h"
#include "op/op.h"

struct multiplier quantize_multiplier(const struct ctx *ctx, double real)
{
    struct multiplier m = {0, 0};
    if (real == 0.0)
        return m;
    if (!(real < 0x1p62)) /* ratios of scales far apart, infinite in float32 */
        real = 0x1p62;
    double fraction = frexp(real, &m.shift);
    int64_t q = (int64_t)round(fraction * (double)(INT64_C(1) << 31));
    if (q == INT64_C(1) << 31) {
        q /= 2;
        m.shift++;
    }
    if (m.shift < -31) { /* below half a unit for every 32-bit x */
        m.shift = 0;
        q = 0;
    }
    if (m.shift > 30) {
        /* Beyond every int32. The single-rounding build saturates here; with two roundings the
         * reference would shift out of range, so there is nothing to equal. */
        m.shift = 30;
        q = ctx->options.profile == MICA_PROFILE_SINGLE ? INT32_MAX : q;
    }
    m.multiplier = (int32_t)q;
    return m;
}

int32_t requantize(const struct ctx *ctx, int32_t x, struct multiplier m)
{
    if (ctx->options.profile == MICA_PROFILE_SINGLE) {
        int64_t product = (int64_t)x * m.multiplier;
        return (int32_t)((product + (INT64_C(1) << (30 - m.shift))) >> (31 - m.shift));
    }
    int32_t wide = (int32_t)((uint32_t)x << (m.shift > 0 ? m.shift : 0));
    return mica_fixed_divide(mica_fixed_multiply(wide, m.multiplier), m.shift < 0 ? -m.shift : 0);
}

int32_t add_zero(int32_t x, int32_t zero)
{
    return (int32_t)((uint32_t)x + (uint32_t)zero);
}

/* zero + round(real / scale) in float32, limited so that the conversion is defined. */
static int32_t quantize_bound(float real, const struct tensor *t)
{
    float q = roundf(real / t->quant.scale[0]);
    q = q < -1e9f ? -1e9f : q > 1e9f ? 1e9f : q;
    return t->quant.zero[0] + (int32_t)q;
}

static int16_t limit_s8(int32_t q)
{
    return (int16_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

void activation_range_s8(enum activation a, const struct tensor *out, int16_t *min, int16_t *max)
{
    *min = -128;
    *max = 127;
    if (a == ACT_RELU || a == ACT_RELU6)
        *min = limit_s8(quantize_bound(0.0f, out));
    if (a == ACT_RELU6)
        *max = limit_s8(quantize_bound(6.0f, out));
    if (a == ACT_RELU_N1_TO_1) {
        *min = limit_s8(quantize_bound(-1.0f, out));
        *max = limit_s8(quantize_bound(1.0f, out));
    }
}

void activation_range_f32(enum activation a, float *min, float *max)
{
    *min = a == ACT_NONE ? -FLT_MAX : a == ACT_RELU_N1_TO_1 ? -1.0f : 0.0f;
    *max = a == ACT_RELU6 ? 6.0f : a == ACT_RELU_N1_TO_1 ? 1.0f : FLT_MAX;
}

void channel_multipliers(struct lower *l, const struct tensor *in, const struct tensor *weights,
                         const struct tensor *out, int32_t channels, const int32_t **multiplier,
                         const int8_t **shift)
{
    int32_t *m = NEWS(l->ctx, int32_t, channels);
    int8_t *s = NEWS(l->ctx, int8_t, channels);
    for (int32_t c = 0; c < channels; c++) {
        double scale = (double)weights->quant.scale[weights->quant.n > 1 ? c : 0];
        struct multiplier q = quantize_multiplier(l->ctx, (double)in->quant.scale[0] * scale /
                                                              (double)out->quant.scale[0]);
        m[c] = q.multiplier;
        s[c] = (int8_t)q.shift;
    }
    *multiplier = lower_constant(l, "multiplier", DTYPE_INT32, channels, m);
    *shift = lower_constant(l, "shift", DTYPE_INT8, channels, s);
}
