/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolutions of any window against the reference, bit for bit. */
#include "layer.h"

#include "depthwise_planar_s8.h"
#include "depthwise_planar_stride_s8.h"

struct shape {
    int32_t in_h, in_w, in_c, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w;
    int32_t dilation_h, dilation_w, pad_top, pad_left, multiplier, chunk;
};

enum { ROWS_MAX = 128, STREAM_MAX = 1 << 15 };

static int32_t stream[STREAM_MAX];
static int packed[PACK_PAIR + 1];

static int32_t reference_sum(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                             int32_t y, int32_t x, int32_t o)
{
    int32_t acc = l->bias ? l->bias[o] : 0;
    for (int32_t tap = 0; tap < l->taps; tap++) {
        const int32_t row = y * s->stride_h + tap / s->kernel_w * s->dilation_h - s->pad_top;
        const int32_t column = x * s->stride_w + tap % s->kernel_w * s->dilation_w - s->pad_left;
        if (row >= 0 && row < s->in_h && column >= 0 && column < s->in_w)
            acc += l->weights[tap * l->channels + o] *
                   (in[(row * s->in_w + column) * s->in_c + o / s->multiplier] - l->in_zero);
    }
    return acc;
}

static bool same_as_reference(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                              const int8_t *out)
{
    for (int32_t y = 0; y < s->out_h; y++)
        for (int32_t x = 0; x < s->out_w; x++)
            for (int32_t o = 0; o < l->channels; o++)
                if (*out++ != reference(l, o, reference_sum(s, l, in, y, x, o)))
                    return false;
    return true;
}

/* The whole image in strips of `strip` rows. */
static void run(const struct shape *s, const struct pack_layer *l, const struct pack_planar *w,
                const int8_t *in, int16_t *buffer, int8_t *out, int32_t strip)
{
    const int8_t *rows[ROWS_MAX];
    const int16_t steps = (int16_t)pack_planar_steps(w);
    const struct mica_depthwise_planar_s8 one = {(int16_t)s->in_w,
                                                 (int16_t)s->in_c,
                                                 (int16_t)s->out_w,
                                                 (int16_t)s->kernel_h,
                                                 (int16_t)s->stride_h,
                                                 (int16_t)s->dilation_h,
                                                 (int16_t)s->dilation_w,
                                                 (int16_t)s->pad_left,
                                                 (int16_t)s->multiplier,
                                                 (int16_t)s->chunk,
                                                 (int16_t)l->in_zero,
                                                 steps,
                                                 stream};
    const struct mica_depthwise_planar_stride_s8 any = {
        one.in_w,       one.in_c,       one.out_w,
        one.kernel_h,   one.stride_h,   (int16_t)s->stride_w,
        one.dilation_h, one.dilation_w, one.pad_left,
        one.multiplier, one.chunk,      one.in_zero,
        steps,          stream};
    for (int32_t i = 0; i <= (s->out_h - 1) * s->stride_h + (s->kernel_h - 1) * s->dilation_h;
         i++) {
        const int32_t row = i - s->pad_top;
        rows[i] = row >= 0 && row < s->in_h ? in + row * s->in_w * s->in_c : NULL;
    }
    for (int32_t y = 0; y < s->out_h; y += strip, out += strip * s->out_w * l->channels) {
        const int32_t n = y + strip > s->out_h ? s->out_h - y : strip;
        if (s->stride_w == 1)
            mica_depthwise_planar_s8(&one, rows + y * s->stride_h, buffer, out, n);
        else
            mica_depthwise_planar_stride_s8(&any, rows + y * s->stride_h, buffer, out, n);
    }
}

static void check_shape(const struct shape *s, enum numbers kind)
{
    struct pack_layer l = draw_layer(kind, s->in_c * s->multiplier, s->kernel_h * s->kernel_w);
    const struct pack_planar w = {s->kernel_h, s->kernel_w, s->stride_w, s->dilation_w,
                                  s->multiplier};
    l.channel_step = 1;
    l.tap_step = l.channels;
    const enum pack_verdict verdict = pack_planar(&l, &w, stream);
    packed[verdict]++;
    if (verdict != PACK_OK)
        return;
    const size_t in_n = (size_t)(s->in_h * s->in_w * s->in_c);
    const size_t out_n = (size_t)(s->out_h * s->out_w * l.channels);
    const size_t n = (size_t)pack_planar_buffer(&w, s->chunk);
    int8_t *in = fenced(in_n);
    for (size_t i = 0; i < in_n; i++)
        in[i] = draw_number(kind, -128);
    int16_t *buffer = fenced(n);
    int8_t *out = fenced(out_n);
    run(s, &l, &w, in, buffer, out, draw(1, s->out_h));
    const bool good = same_as_reference(s, &l, in, out) && fence_holds(buffer, n) &&
                      fence_holds(out, out_n);
    CHECK(good);
    if (!good && checks_failed < 5)
        printf("%dx%dx%d -> %dx%dx%d, %dx%d, stride %dx%d, dilation %dx%d, padding %d %d, "
               "chunk %d\n",
               (int)s->in_h, (int)s->in_w, (int)s->in_c, (int)s->out_h, (int)s->out_w,
               (int)l.channels, (int)s->kernel_h, (int)s->kernel_w, (int)s->stride_h,
               (int)s->stride_w, (int)s->dilation_h, (int)s->dilation_w, (int)s->pad_top,
               (int)s->pad_left, (int)s->chunk);
    free(in);
    free(buffer);
    free(out);
}

/* Draws the padding below and at the right and sets the output's size; false where a window does
 * not fit. */
static bool fits(struct shape *s)
{
    const int32_t pad_bottom = draw(0, s->kernel_h - 1), pad_right = draw(0, s->kernel_w - 1);
    const int32_t free_h = s->in_h + s->pad_top + pad_bottom - (s->kernel_h - 1) * s->dilation_h;
    const int32_t free_w = s->in_w + s->pad_left + pad_right - (s->kernel_w - 1) * s->dilation_w;
    s->out_h = (free_h - 1) / s->stride_h + 1;
    s->out_w = (free_w - 1) / s->stride_w + 1;
    return free_h > 0 && free_w > 0;
}

/* Channels 1..9, widths 1..9, kernels 1..5 both ways, strides 1..3, all paddings at the left. */
static void check_small_shapes(void)
{
    for (int32_t i = 0; i < 9 * 9 * 25 * 3 * 3 * 5; i += (TEST_STRIDE + 9) / 10) {
        struct shape s = {.in_h = draw(1, 7), .dilation_h = 1, .dilation_w = 1};
        int32_t rest = i;
        s.in_c = rest % 9 + 1, rest /= 9;
        s.in_w = rest % 9 + 1, rest /= 9;
        s.kernel_h = rest % 5 + 1, rest /= 5;
        s.kernel_w = rest % 5 + 1, rest /= 5;
        s.stride_w = rest % 3 + 1, rest /= 3;
        s.stride_h = rest % 3 + 1, rest /= 3;
        s.pad_left = rest;
        s.pad_top = draw(0, s.kernel_h - 1);
        s.multiplier = draw(0, 1) ? 1 : draw(1, 4);
        s.chunk = draw(1, s.in_c + 3);
        if (s.pad_left < s.kernel_w && fits(&s))
            check_shape(&s, (enum numbers)draw(0, NUMBERS - 1));
    }
}

/* Larger ones, with dilation; every eighth kernel is up to 15 wide. */
static void check_random_shapes(void)
{
    for (int i = 0; i < TEST_RANDOM; i++) {
        struct shape s = {.in_h = draw(1, 16),
                          .in_w = draw(1, 24),
                          .in_c = draw(1, 20),
                          .kernel_h = draw(1, 7),
                          .kernel_w = draw(1, i % 8 ? 7 : 15),
                          .stride_h = draw(1, 3),
                          .stride_w = draw(1, 4),
                          .dilation_h = draw(1, 3),
                          .dilation_w = draw(1, 3),
                          .multiplier = draw(1, 3)};
        s.pad_top = draw(0, s.kernel_h - 1);
        s.pad_left = draw(0, s.kernel_w - 1);
        s.chunk = draw(1, s.in_c + 3);
        if (fits(&s))
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
