/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layers by channel pairs and by fours of outputs against the reference, bit for bit. */
#include "layer.h"

#include "dense_fours_s8.h"
#include "dense_pairs_s8.h"

static int32_t stream[1 << 16], scales[4 * CHANNELS_MAX];
static int packed[PACK_PAIR + 1];

static bool same_as_reference(const struct pack_layer *l, const int8_t *in, const int8_t *out)
{
    for (int32_t o = 0; o < l->channels; o++) {
        int32_t acc = l->bias ? l->bias[o] : 0;
        for (int32_t i = 0; i < l->taps; i++)
            acc += l->weights[o * l->taps + i] * (in[i] - l->in_zero);
        if (out[o] != reference(l, o, acc))
            return false;
    }
    return true;
}

static void check_pairs(const struct pack_layer *l, const int8_t *in)
{
    const struct mica_dense_pairs_s8 p = {l->taps, l->channels, stream};
    const size_t n = (size_t)pack_dense_pairs_buffer(l->taps), out_n = (size_t)l->channels;
    int8_t *out = fenced(out_n);
    int16_t *buffer = fenced(n);
    mica_dense_pairs_s8(&p, in, buffer, out);
    CHECK(same_as_reference(l, in, out) && fence_holds(buffer, n) && fence_holds(out, out_n));
    free(out);
    free(buffer);
}

static void check_fours(const struct pack_layer *l, const int8_t *in)
{
    const struct mica_dense_fours_s8 p = {l->taps, l->channels, l->weights, scales};
    const size_t out_n = (size_t)l->channels;
    int8_t *out = fenced(out_n);
    mica_dense_fours_s8(&p, in, out);
    CHECK(same_as_reference(l, in, out) && fence_holds(out, out_n));
    free(out);
}

static void check_layer(int32_t in_n, int32_t out_n, enum numbers kind)
{
    struct pack_layer l = draw_layer(kind, out_n, in_n);
    int8_t *in = malloc((size_t)in_n);
    l.scale_step = draw(0, 1);
    const enum pack_verdict verdict = pack_pairs(&l, 8, stream);
    packed[verdict]++;
    for (int32_t i = 0; i < in_n; i++)
        in[i] = draw_number(kind, -128);
    if (verdict == PACK_OK)
        check_pairs(&l, in);
    if (out_n >= 4 && pack_scales(&l, scales) == PACK_OK)
        check_fours(&l, in);
    free(in);
}

/* Weights that do not fit in pairs are found; those at the edge still give exact results. */
static void check_edges(void)
{
    int8_t weights[2 * 640];
    const int32_t multiplier = 1 << 30, bias[2] = {0, 0};
    const int8_t shift = -14;
    struct pack_layer l = {2,           640,    640, 1, 0,    weights, bias,
                           &multiplier, &shift, 0,   0, -128, 127,     false};
    memset(weights, 0, sizeof weights);
    weights[640] = -128; /* beside 0: fits */
    CHECK(pack_pairs(&l, 8, stream) == PACK_OK);
    weights[0] = -1;
    CHECK(pack_pairs(&l, 8, stream) == PACK_PAIR);
    memset(weights, 127, sizeof weights);
    CHECK(pack_pairs(&l, 8, stream) == PACK_PAIR);
    memset(weights + 640, 102, 640); /* 128 * 640 * 102 < 2^23 < 128 * 640 * 103 */
    CHECK(pack_pairs(&l, 8, stream) == PACK_OK);
    memset(weights + 640, 103, 640);
    CHECK(pack_pairs(&l, 8, stream) == PACK_PAIR);
    const int8_t up = 0;
    l.shift = &up;
    memset(weights, 1, sizeof weights);
    CHECK(pack_pairs(&l, 8, stream) == PACK_SHIFT);
    l.out_max = 126;
    CHECK(pack_pairs(&l, 8, stream) == PACK_RANGE);
}

int main(void)
{
    check_edges();
    for (int32_t in_n = 1; in_n <= 70; in_n++)
        for (int32_t out_n = 1; out_n <= 17; out_n++)
            for (int kind = 0; kind < NUMBERS; kind++)
                check_layer(in_n, out_n, (enum numbers)kind);
    for (int i = 0; i < TEST_RANDOM; i++) {
        const int32_t in_n = draw(1, 1000), out_n = draw(1, 40);
        check_layer(in_n, out_n, (enum numbers)draw(0, NUMBERS - 1));
    }
    CHECK(packed[PACK_OK] > 5 * (packed[PACK_BOUND] + packed[PACK_PAIR]));
    return checks_end();
}
