/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - weight streams: what a kernel reads in one walk (weights, bias, multiplier, shift), laid
 * out when the model is compiled, and the proofs that its arithmetic is exact. Pure functions; the
 * layouts are described in kernels/nn/pairs.h and kernels/nn/depthwise3x3.h. */
#ifndef MICA_OP_PACK_H
#define MICA_OP_PACK_H

#include <stdbool.h>
#include <stdint.h>

/* A layer of int8 weights. Output channel o has weights[o * channel_step + i * tap_step] for its
 * taps i, multiplier[o * scale_step] and shift[o * scale_step]. */
struct pack_layer {
    int32_t channels, taps;
    int32_t channel_step, tap_step, scale_step;
    const int8_t *weights;
    const int32_t *bias; /* or NULL */
    const int32_t *multiplier;
    const int8_t *shift; /* as mica_requantize() takes it: negative is to the right */
    int32_t in_zero, out_zero, out_min, out_max;
    bool single; /* one rounding, not two */
};

/* Whether a stream can serve a layer; otherwise the kernels without streams must. */
enum pack_verdict {
    PACK_OK,
    PACK_RANGE, /* the activation leaves less than int8 */
    PACK_SHIFT, /* a channel scales up, or by 1/2 and more */
    PACK_BOUND, /* bias and weights may bring a sum or its rounding out of 32 bits */
    PACK_PAIR,  /* pairs: an odd channel's sum may leave 24 bits, or its weight -128 needs 17;
                   quads: two neighbouring weights are -128 */
    PACK_WIDTH, /* bytes: a sum or its rounding may leave 24 bits */
};
const char *pack_verdict_text(enum pack_verdict);

/* {2 * bias, multiplier, half, shift} of a channel, the input's zero point moved into the bias. */
enum pack_verdict pack_parameters(const struct pack_layer *, int32_t channel, int32_t out[4]);

/* {multiplier, half, shift} of mica_requantize_twice() for numbers of up to `bound`, without their
 * sign; false where they may leave 32 bits, or where the scale is 1/2 or more. */
bool pack_twice(int64_t bound, int32_t multiplier, int shift, int32_t out_zero, int32_t out[3]);

/* That of all channels, one after the other. */
enum pack_verdict pack_scales(const struct pack_layer *, int32_t *scales);

/* The stream of mica_pairs(), taps filled up with zeros to a multiple of `fill` = 4; with 8 that of
 * mica_dense_pairs(). */
int32_t pack_pairs_words(const struct pack_layer *, int32_t fill);
enum pack_verdict pack_pairs(const struct pack_layer *, int32_t fill, int32_t *stream);

/* Scratch, in bytes, of the kernels that read such streams; `taps` are those of one channel. */
int32_t pack_conv2d_1x1_pairs_buffer(int32_t in_c);
int32_t pack_conv2d_pairs_buffer(int32_t taps, int32_t in_c);
int32_t pack_conv2d_patch_pairs_buffer(int32_t taps);
int32_t pack_dense_pairs_buffer(int32_t in_n);

/* Weights [channels][pack_quads_taps()] and scales [channels][4] of mica_quads_pixels(). */
int32_t pack_quads_taps(int32_t taps);
enum pack_verdict pack_quads(const struct pack_layer *, int8_t *weights, int32_t *scales);
/* Scratch, in bytes; `run`: the bytes of a kernel row. */
int32_t pack_conv2d_quads_buffer(int32_t taps, int32_t run);

/* The stream of mica_winograd(); 9 taps of a multiple of 4 channels, [tap][channel]. */
int32_t pack_winograd_words(const struct pack_layer *);
enum pack_verdict pack_winograd(const struct pack_layer *, int32_t *stream);
/* Scratch, in bytes. */
int32_t pack_conv2d_winograd_buffer(int32_t in_c);

/* The stream of mica_depthwise3x3(); a layer of 9 taps. */
int32_t pack_depthwise3x3_words(const struct pack_layer *);
enum pack_verdict pack_depthwise3x3(const struct pack_layer *, int32_t *stream);
/* Scratch, in bytes: `chunk` channels are worked on at a time. */
int32_t pack_depthwise3x3_buffer(int32_t chunk);

/* The stream of mica_depthwise_planar(); a layer of kernel_h * kernel_w taps, row by row, whose
 * output channels i * multiplier + k belong to input channel i. */
struct pack_planar {
    int32_t kernel_h, kernel_w, stride_w, dilation_w, multiplier;
};
int32_t pack_planar_steps(const struct pack_planar *); /* of a kernel row */
int32_t pack_planar_words(const struct pack_layer *, const struct pack_planar *);
enum pack_verdict pack_planar(const struct pack_layer *, const struct pack_planar *,
                              int32_t *stream);
/* Scratch, in bytes: `chunk` input channels are worked on at a time. */
int32_t pack_planar_buffer(const struct pack_planar *, int32_t chunk);

/* The stream of mica_depthwise_column_s8(); channels are a multiple of 4. */
int32_t pack_column_words(const struct pack_layer *);
enum pack_verdict pack_column(const struct pack_layer *, int32_t *stream);

/* Weights and scales of the kernels for cores that multiply bytes (kernels/nn/bytes.h). Scales are
 * [channels][4], for products of inputs and weights with 128 added to both or, with signs, of both
 * as they are. Weights are [channels][taps], with signs or 128 added; or 128 added, two channels a
 * tap, the last beside zeros. */
enum pack_verdict pack_bytes_scales(const struct pack_layer *, bool with_signs, int32_t *scales);
void pack_bytes_rows(const struct pack_layer *, bool with_signs, int8_t *weights);
int32_t pack_bytes_twos_size(const struct pack_layer *);
void pack_bytes_twos(const struct pack_layer *, int8_t *weights);

/* A layer of float32 weights, which lie as those of struct pack_layer. */
struct pack_float {
    int32_t channels, taps;
    int32_t channel_step, tap_step;
    const float *weights;
    const float *bias; /* or NULL */
};

/* Blocks add zeros where a window leaves the image, so all weights must be finite. */
bool pack_float_fits(const struct pack_float *);
/* The streams of mica_blocks_f32 and, where the last four channels overlap the ones before, of
 * mica_depthwise_blocks_f32; and that of mica_dense_blocks_f32. */
int32_t pack_fours_floats(const struct pack_float *);
void pack_fours(const struct pack_float *, bool overlaps, float *stream);
int32_t pack_eights_floats(const struct pack_float *);
void pack_eights(const struct pack_float *, float *stream);

#endif
