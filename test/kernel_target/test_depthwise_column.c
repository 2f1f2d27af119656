/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolutions over time against the reference, bit for bit. */
#include "layer.h"

#include "depthwise_column_s8.h"

enum { TAPS_MAX = 40 };

static int32_t stream[CHANNELS_MAX / 4 * (TAPS_MAX + 16)];
static int packed[PACK_PAIR + 1];

static void check_layer(int32_t channels, int32_t taps, enum numbers kind)
{
    struct pack_layer l = draw_layer(kind, channels, taps);
    const int8_t *rows[TAPS_MAX];
    int8_t in[TAPS_MAX * CHANNELS_MAX + 3];
    const size_t n = (size_t)channels;
    l.channel_step = 1;
    l.tap_step = channels;
    const enum pack_verdict verdict = pack_column(&l, stream);
    packed[verdict]++;
    if (verdict != PACK_OK)
        return;
    const int32_t odd = draw(0, 3);
    for (int32_t i = 0; i < taps * channels + odd; i++)
        in[i] = draw_number(kind, -128);
    for (int32_t i = 0; i < taps; i++) /* in any order, as a ring has them */
        rows[i] = in + odd + (i + 1) % taps * channels;
    const struct mica_depthwise_column_s8 p = {(int16_t)channels, (int16_t)taps, stream};
    int8_t *out = fenced(n);
    mica_depthwise_column_s8(&p, rows, out);
    bool good = fence_holds(out, n);
    for (int32_t c = 0; c < channels; c++) {
        int32_t acc = l.bias ? l.bias[c] : 0;
        for (int32_t i = 0; i < taps; i++)
            acc += l.weights[i * channels + c] * (rows[i][c] - l.in_zero);
        good = good && out[c] == reference(&l, c, acc);
    }
    CHECK(good);
    if (!good && checks_failed < 5)
        printf("%d channels, %d taps\n", (int)channels, (int)taps);
    free(out);
}

int main(void)
{
    for (int32_t channels = 4; channels <= CHANNELS_MAX; channels += 4)
        for (int32_t taps = 1; taps <= TAPS_MAX; taps++)
            for (int kind = 0; kind < NUMBERS; kind++)
                check_layer(channels, taps, (enum numbers)kind);
    for (int i = 0; i < TEST_RANDOM; i++)
        check_layer(4 * draw(1, CHANNELS_MAX / 4), draw(1, TAPS_MAX),
                    (enum numbers)draw(0, NUMBERS - 1));
    CHECK(packed[PACK_OK] > 20 * packed[PACK_BOUND]);
    return checks_end();
}
