/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layers for cores that multiply bytes against the reference, bit for bit, and what fits in
 * their 24 bits; convolutions are in test_shapes.c. Assembly runs in test_layers_on_cores.py, here
 * portable loops do. */
#include "layer.h"

#include "dense_bytes_s8.h"

static int32_t scales[4 * CHANNELS_MAX];
static int8_t weights[WEIGHTS_MAX];
static int packed[PACK_WIDTH + 1];

static void check_dense(int32_t inputs, int32_t outputs)
{
    const enum numbers kind = (enum numbers)draw(0, NUMBERS - 1);
    const struct pack_layer l = draw_layer(kind, outputs, inputs);
    const enum pack_verdict verdict = pack_bytes_scales(&l, false, scales);
    int8_t in[700], *out = fenced((size_t)outputs);
    packed[verdict]++;
    for (int32_t i = 0; i < inputs; i++)
        in[i] = draw_number(kind, -128);
    if (verdict == PACK_OK) {
        const struct mica_dense_bytes_s8 p = {inputs, outputs, weights, scales};
        bool same = true;
        pack_bytes_twos(&l, weights);
        mica_dense_bytes_s8(&p, in, out);
        for (int32_t o = 0; o < outputs; o++) {
            int32_t acc = l.bias ? l.bias[o] : 0;
            for (int32_t i = 0; i < inputs; i++)
                acc += l.weights[o * inputs + i] * (in[i] - l.in_zero);
            same &= out[o] == reference(&l, o, acc);
        }
        CHECK(same && fence_holds(out, (size_t)outputs));
    }
    free(out);
}

/* The verdict of one channel of `taps` equal weights. */
static enum pack_verdict verdict_of(int8_t weight, int32_t taps, int32_t bias, int8_t shift)
{
    struct pack_layer l = draw_layer(TYPICAL, 1, taps);
    memset(layer_weights, weight, (size_t)taps);
    layer_bias[0] = bias;
    layer_multiplier[0] = 1 << 30;
    layer_shift[0] = shift;
    l.bias = layer_bias;
    l.in_zero = l.out_zero = 0;
    return pack_bytes_scales(&l, false, scales);
}

/* 24 bits hold a sum below 2^23, and no more. */
static void check_edges(void)
{
    CHECK(verdict_of(127, 516, (1 << 23) - 1 - 516 * 127 * 128, -9) == PACK_OK);
    CHECK(verdict_of(127, 516, (1 << 23) - 516 * 127 * 128, -9) == PACK_WIDTH);
    CHECK(verdict_of(-127, 516, 516 * 127 * 128 - (1 << 23), -9) == PACK_WIDTH);
    CHECK(verdict_of(127, 516, 0, -16) == PACK_OK);
    CHECK(verdict_of(127, 516, 0, -17) == PACK_SHIFT);
}

int main(void)
{
    check_edges();
    for (int32_t inputs = 1; inputs <= 700; inputs += 1 + inputs / 20)
        for (int32_t outputs = 1; outputs <= 9; outputs++)
            check_dense(inputs, outputs);
    CHECK(packed[PACK_OK] > 4 * (packed[PACK_BOUND] + packed[PACK_WIDTH] + packed[PACK_SHIFT]));
    return checks_end();
}
