/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 convolutions by Winograd's minimal filtering against the reference, bit for bit. */
#include "layer.h"

#include "conv2d_winograd_s8.h"

struct shape {
    int32_t in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left;
};

enum { ROWS_MAX = 64, STREAM_MAX = 1 << 16 };

static int32_t stream[STREAM_MAX];
static int packed[PACK_PAIR + 1];

static bool same_as_reference(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                              const int8_t *out)
{
    for (int32_t i = 0; i < s->out_h * s->out_w * s->out_c; i++) {
        const int32_t o = i % s->out_c, x = i / s->out_c % s->out_w - s->pad_left;
        const int32_t y = i / s->out_c / s->out_w - s->pad_top;
        const int8_t *w = l->weights + o * l->taps;
        int32_t acc = l->bias ? l->bias[o] : 0;
        for (int32_t tap = 0; tap < 9; tap++, w += s->in_c) {
            const int32_t row = y + tap / 3, column = x + tap % 3;
            if (row < 0 || row >= s->in_h || column < 0 || column >= s->in_w)
                continue;
            for (int32_t k = 0; k < s->in_c; k++)
                acc += w[k] * (in[(row * s->in_w + column) * s->in_c + k] - l->in_zero);
        }
        if (out[i] != reference(l, o, acc))
            return false;
    }
    return true;
}

/* The whole image in strips of `strip` rows. */
static void run(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                int16_t *buffer, int8_t *out, int32_t strip)
{
    const int8_t *rows[ROWS_MAX];
    const struct mica_conv2d_winograd_s8 p = {(int16_t)s->in_w,
                                              (int16_t)s->in_c,
                                              (int16_t)s->out_w,
                                              (int16_t)s->out_c,
                                              (int16_t)s->pad_left,
                                              (int16_t)l->in_zero,
                                              stream};
    for (int32_t i = 0; i < s->out_h + 2; i++) {
        const int32_t row = i - s->pad_top;
        rows[i] = row >= 0 && row < s->in_h ? in + row * s->in_w * s->in_c : NULL;
    }
    for (int32_t y = 0; y < s->out_h; y += strip, out += strip * s->out_w * s->out_c)
        mica_conv2d_winograd_s8(&p, rows + y, buffer, out,
                                y + strip > s->out_h ? s->out_h - y : strip);
}

static void check_shape(const struct shape *s, enum numbers kind)
{
    struct pack_layer l = draw_layer(kind, s->out_c, 9 * s->in_c);
    if (kind == EXTREME) /* -128 as well, which pairs have no room for, and all of one sign */
        for (int32_t i = 0, low = draw(-1, 1); i < s->out_c * l.taps; i++)
            layer_weights[i] = (int8_t)(low < 0 || (low == 0 && draw(0, 1)) ? -128 : 127);
    const enum pack_verdict verdict = pack_winograd(&l, stream);
    packed[verdict]++;
    if (verdict != PACK_OK)
        return;
    const size_t in_n = (size_t)(s->in_h * s->in_w * s->in_c);
    const size_t out_n = (size_t)(s->out_h * s->out_w * s->out_c);
    const size_t n = (size_t)pack_conv2d_winograd_buffer(s->in_c);
    int8_t *in = fenced(in_n);
    for (size_t i = 0; i < in_n; i++)
        in[i] = draw_number(kind, -128);
    int16_t *buffer = fenced(n);
    int8_t *out = fenced(out_n);
    run(s, &l, in, buffer, out, draw(1, s->out_h));
    const bool good = same_as_reference(s, &l, in, out) && fence_holds(buffer, n) &&
                      fence_holds(out, out_n);
    CHECK(good);
    if (!good && checks_failed < 5)
        printf("%dx%dx%d -> %dx%dx%d, padding %d %d, numbers %d\n", (int)s->in_h, (int)s->in_w,
               (int)s->in_c, (int)s->out_h, (int)s->out_w, (int)s->out_c, (int)s->pad_top,
               (int)s->pad_left, (int)kind);
    free(in);
    free(buffer);
    free(out);
}

static bool fits(struct shape *s, int32_t pad_bottom, int32_t pad_right)
{
    s->out_h = s->in_h + s->pad_top + pad_bottom - 2;
    s->out_w = s->in_w + s->pad_left + pad_right - 2;
    return s->out_h > 0 && s->out_w > 0;
}

/* Input channels 4..20, output channels 1..17, heights and widths 1..9, all paddings. */
static void check_small_shapes(void)
{
    for (int32_t i = 0; i < 5 * 17 * 9 * 9 * 81; i += TEST_STRIDE) {
        struct shape s = {.out_c = i % 17 + 1};
        int32_t rest = i / 17;
        s.in_w = rest % 9 + 1, rest /= 9;
        s.in_h = rest % 9 + 1, rest /= 9;
        s.pad_top = rest % 3, rest /= 3;
        s.pad_left = rest % 3, rest /= 3;
        s.in_c = rest % 5 * 4 + 4, rest /= 5;
        if (fits(&s, rest % 3, rest / 3))
            check_shape(&s, (enum numbers)draw(0, NUMBERS - 1));
    }
}

static void check_random_shapes(void)
{
    for (int i = 0; i < TEST_RANDOM; i++) {
        struct shape s = {.in_h = draw(1, 12),
                          .in_w = draw(1, 24),
                          .in_c = 4 * draw(1, 16),
                          .out_c = draw(1, 40),
                          .pad_top = draw(0, 2),
                          .pad_left = draw(0, 2)};
        if (fits(&s, i % 3, i / 3 % 3))
            check_shape(&s, (enum numbers)draw(0, NUMBERS - 1));
    }
}

int main(void)
{
    check_small_shapes();
    check_random_shapes();
    CHECK(packed[PACK_OK] > 50 * packed[PACK_BOUND]);
    CHECK(packed[PACK_PAIR] == 0);
    return checks_end();
}
