/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolutions with a 3x3 kernel against the reference, bit for bit. */
#include "layer.h"

#include "depthwise3x3_s8.h"
#include "depthwise3x3_stride2_s8.h"
#include "depthwise3x3_w3_s8.h"
#include "depthwise3x3_w5_s8.h"

enum { ROWS_MAX = 64, STREAM_MAX = 1 << 13 };

struct shape {
    int32_t in_h, in_w, channels, out_h, out_w, stride, pad_top, pad_left, chunk;
};

static int32_t stream[STREAM_MAX];
static int packed[PACK_PAIR + 1];

static bool same_as_reference(const struct shape *s, const struct pack_layer *l, const int8_t *in,
                              const int8_t *out)
{
    for (int32_t i = 0; i < s->out_h * s->out_w * s->channels; i++) {
        const int32_t c = i % s->channels, x = i / s->channels % s->out_w * s->stride - s->pad_left;
        const int32_t y = i / s->channels / s->out_w * s->stride - s->pad_top;
        int32_t acc = l->bias ? l->bias[c] : 0;
        for (int32_t tap = 0; tap < 9; tap++) {
            const int32_t row = y + tap / 3, column = x + tap % 3;
            if (row >= 0 && row < s->in_h && column >= 0 && column < s->in_w)
                acc += l->weights[tap * s->channels + c] *
                       (in[(row * s->in_w + column) * s->channels + c] - l->in_zero);
        }
        if (out[i] != reference(l, c, acc))
            return false;
    }
    return true;
}

/* The whole image in strips of `strip` rows; columns: 6, 5 or 3 at a time, or stride 2. */
static void run(int columns, const struct shape *s, const struct pack_layer *l, const int8_t *in,
                int16_t *buffer, int8_t *out, int32_t strip)
{
    const int8_t *rows[ROWS_MAX];
    const struct mica_depthwise3x3_s8 six = {
        (int16_t)s->in_w,  (int16_t)s->channels, (int16_t)s->out_w,   (int16_t)s->pad_left,
        (int16_t)s->chunk, (int16_t)l->in_zero,  l->out_zero == -128, stream};
    const struct mica_depthwise3x3_w5_s8 five = {six.in_w,  six.channels, six.out_w, six.pad_left,
                                                 six.chunk, six.in_zero,  six.relu,  stream};
    const struct mica_depthwise3x3_w3_s8 three = {six.in_w,  six.channels, six.out_w, six.pad_left,
                                                  six.chunk, six.in_zero,  six.relu,  stream};
    const struct mica_depthwise3x3_stride2_s8 two = {
        six.in_w, six.channels, six.out_w, six.pad_left, six.chunk, six.in_zero, six.relu, stream};
    for (int32_t i = 0; i < (s->out_h - 1) * s->stride + 3; i++) {
        const int32_t row = i - s->pad_top;
        rows[i] = row >= 0 && row < s->in_h ? in + row * s->in_w * s->channels : NULL;
    }
    for (int32_t y = 0; y < s->out_h; y += strip, out += strip * s->out_w * s->channels) {
        const int32_t n = y + strip > s->out_h ? s->out_h - y : strip;
        if (s->stride == 2)
            mica_depthwise3x3_stride2_s8(&two, rows + 2 * y, buffer, out, n);
        else if (columns == 6)
            mica_depthwise3x3_s8(&six, rows + y, buffer, out, n);
        else if (columns == 5)
            mica_depthwise3x3_w5_s8(&five, rows + y, buffer, out, n);
        else
            mica_depthwise3x3_w3_s8(&three, rows + y, buffer, out, n);
    }
}

static void check_shape(const struct shape *s, enum numbers kind)
{
    static const int widths[] = {6, 5, 3};
    struct pack_layer l = draw_layer(kind, s->channels, 9);
    l.channel_step = 1;
    l.tap_step = s->channels;
    const enum pack_verdict verdict = pack_depthwise3x3(&l, stream);
    packed[verdict]++;
    if (verdict != PACK_OK)
        return;
    const size_t in_n = (size_t)(s->in_h * s->in_w * s->channels);
    const size_t out_n = (size_t)(s->out_h * s->out_w * s->channels);
    const size_t n = (size_t)pack_depthwise3x3_buffer(s->chunk);
    int8_t *in = malloc(in_n);
    for (size_t i = 0; i < in_n; i++)
        in[i] = draw_number(kind, -128);
    for (int i = 0; i < (s->stride == 2 ? 1 : 3); i++) {
        int16_t *buffer = fenced(n);
        int8_t *out = fenced(out_n);
        run(widths[i], s, &l, in, buffer, out, draw(1, s->out_h));
        const bool good = same_as_reference(s, &l, in, out) && fence_holds(buffer, n) &&
                          fence_holds(out, out_n);
        CHECK(good);
        if (!good && checks_failed < 5)
            printf("%d columns: %dx%dx%d -> %dx%d, stride %d, padding %d %d, chunk %d\n", widths[i],
                   (int)s->in_h, (int)s->in_w, (int)s->channels, (int)s->out_h, (int)s->out_w,
                   (int)s->stride, (int)s->pad_top, (int)s->pad_left, (int)s->chunk);
        free(buffer);
        free(out);
    }
    free(in);
}

static bool fits(struct shape *s, int32_t pad_bottom, int32_t pad_right)
{
    const int32_t free_h = s->in_h + s->pad_top + pad_bottom - 2;
    const int32_t free_w = s->in_w + s->pad_left + pad_right - 2;
    s->out_h = (free_h - 1) / s->stride + 1;
    s->out_w = (free_w - 1) / s->stride + 1;
    return free_h > 0 && free_w > 0;
}

/* Channels 1..17, heights and widths 1..9, both strides, all paddings. */
static void check_small_shapes(void)
{
    for (int32_t i = 0; i < 17 * 9 * 9 * 2 * 81; i += (TEST_STRIDE + 9) / 10) {
        struct shape s = {.channels = i % 17 + 1};
        int32_t rest = i / 17;
        s.in_h = rest % 9 + 1, rest /= 9;
        s.in_w = rest % 9 + 1, rest /= 9;
        s.stride = rest % 2 + 1, rest /= 2;
        s.pad_top = rest % 3, rest /= 3;
        s.pad_left = rest % 3, rest /= 3;
        s.chunk = draw(1, s.channels + 3);
        if (fits(&s, rest % 3, rest / 3))
            check_shape(&s, (enum numbers)draw(0, NUMBERS - 1));
    }
}

static void check_random_shapes(void)
{
    for (int i = 0; i < TEST_RANDOM; i++) {
        struct shape s = {.in_h = draw(1, 12),
                          .in_w = draw(1, 40),
                          .channels = draw(1, CHANNELS_MAX),
                          .stride = draw(1, 2),
                          .pad_top = draw(0, 2),
                          .pad_left = draw(0, 2)};
        s.chunk = draw(1, s.channels + 3);
        if (fits(&s, i % 3, i / 3 % 3))
            check_shape(&s, (enum numbers)draw(0, NUMBERS - 1));
    }
}

int main(void)
{
    check_small_shapes();
    check_random_shapes();
    CHECK(packed[PACK_OK] > 50 * packed[PACK_BOUND]);
    return checks_end();
}
