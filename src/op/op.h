/* SPDX-License-Identifier: Apache-2.0 */
/* op.h - what the operators' files share: checks, the arithmetic of scales, common lowerings. */
#ifndef MICA_OP_OP_H
#define MICA_OP_OP_H

#include "ir.h"
#include "kernels.gen.h"
#include "op/attr.h"

/* ---- check.c: refusals that every operator words alike --------------------------------------- */

void check_rank(struct ctx *, const struct node *, int input, int rank);
void check_type(struct ctx *, const struct node *, int input, enum dtype);
/* Weights and tables must be in the file; what: "weights", "bias". */
void check_constant(struct ctx *, const struct node *, int input, const char *what);
/* Estimators: one row [1,columns]; a constant of float64, of `elements` numbers where that is not
 * negative; all of them finite. */
void check_row(struct ctx *, const struct node *, int input);
void check_numbers(struct ctx *, const struct node *, int input, const char *what,
                   int64_t elements);
void check_finite(struct ctx *, const struct node *, int input, const char *what);
/* Scales finite and positive, as many as their axis is long; zero points within the type. */
void check_quant(struct ctx *, const struct node *, const struct tensor *);
/* The same, and one scale and one zero point. No check on float tensors. */
void check_per_tensor(struct ctx *, const struct node *, const struct tensor *);
/* Symmetric weights: one scale, or `channels` of them along `axis`; every zero point 0. */
void check_weights_quant(struct ctx *, const struct node *, int input, int32_t channels, int axis);
/* Refuses weights and biases whose sums can leave 32 bits: the reference would wrap silently.
 * Channel o has `taps` weights, at weights[o * o_step + i * tap_step]. */
void check_accumulator(struct ctx *, const struct node *, int32_t channels, int32_t taps,
                       int32_t o_step, int32_t tap_step);

/* Pools and other operators that pass numbers on: refuses an output whose scale or zero point is
 * not the input's, as the references do. */
void check_same_quant(struct ctx *, const struct node *, int input);
/* An output whose scale and zero point the format fixes. */
void check_out_quant(struct ctx *, const struct node *, float scale, int32_t zero);
/* A copy of the shape and type of `from` into want. */
void want_like(struct tensor *want, const struct tensor *from);

/* ---- scale.c: scales to integers ------------------------------------------------------------- */

/* real = multiplier * 2^(shift - 31), 2^30 <= multiplier < 2^31 or 0; TFLite's QuantizeMultiplier.
 * real must be finite and not negative. */
struct multiplier {
    int32_t multiplier;
    int shift;
};
struct multiplier quantize_multiplier(const struct ctx *, double real);

/* x * multiplier * 2^(shift - 31) with the roundings of the profile: what mica_requantize does on
 * the device, for tables computed here. */
int32_t requantize(const struct ctx *, int32_t x, struct multiplier);
/* x + zero; wraps as the references do where a scale is absurd. */
int32_t add_zero(int32_t x, int32_t zero);

/* The integer range that a fused activation leaves of an int8 tensor; of a float tensor. */
void activation_range_s8(enum activation, const struct tensor *out, int16_t *min, int16_t *max);
void activation_range_f32(enum activation, float *min, float *max);

/* Multipliers and shifts of every output channel: scale(in) * scale(weights[c]) / scale(out). */
void channel_multipliers(struct lower *, const struct tensor *in, const struct tensor *weights,
                         const struct tensor *out, int32_t channels, const int32_t **multiplier,
                         const int8_t **shift);

/* ---- common.c: lowerings that several operators share ---------------------------------------- */

/* A kernel of (params, in, out, n) over all elements, row by row. */
struct call *lower_pointwise(struct lower *, const struct kernel *, const void *params);
/* A kernel of (params, rows, out) that makes one output row from a window of input rows, for
 * [N,H,W,C] tensors: loops over images and rows. */
struct call *lower_window(struct lower *, const struct kernel *, const void *params,
                          const struct window *);
/* A kernel of (params, in, out[, n]) on every vector of in_n elements, giving out_n; n is in_n. One
 * loop over rows where rows_vectors() says that rows are independent, and one inside a row. */
struct call *lower_vectors(struct lower *, const struct kernel *, const void *params, int32_t in_n,
                           int32_t out_n);
struct rows rows_vectors(const struct node *);
/* rows and in_place hooks for operators without neighbours. */
struct rows rows_pointwise(const struct node *);
bool in_place_same_bytes(const struct node *, int input);
/* int8 in, int8 out by a table; table[x + 128] is the output for x. fours: four at a time. */
void lower_table_s8(struct lower *, const int8_t table[256], bool fours);
/* The ways of an operator that has one kernel beside the plain loops: NAME_ways, from a function
 * of (struct lower *, struct node *, bool fast) that says misfit where it is to be fast and
 * cannot. */
#define FAST_OR_PLAIN(name, fast_name, function)              \
    static bool name##_fast(struct lower *l, struct node *n)  \
    {                                                         \
        return function(l, n, true);                          \
    }                                                         \
    static bool name##_plain(struct lower *l, struct node *n) \
    {                                                         \
        return function(l, n, false);                         \
    }                                                         \
    static const struct way name##_ways[] = {                 \
        {fast_name, name##_fast}, {"plain", name##_plain}, {NULL, NULL}}
/* Lowers a node of float32 by the plain loops, its only way. */
bool lower_plain_f32(struct lower *, struct node *, void (*)(struct lower *, struct node *),
                     bool fast);

/* The constant input as a parameter's pointer; NULL where it is omitted. */
const void *lower_weights(struct lower *, int input, const char *label);

/* ---- broadcast.c: two inputs of different shapes --------------------------------------------- */

/* How kernels of (params, a, b, out, n) run over a node's inputs 0 and 1, broadcast as numpy does:
 * runs of `run` elements, over which an input goes on (step 1) or repeats one element (step 0),
 * inside loops. Where output rows need only the same rows of both inputs, loop 0 is over rows. */
struct broadcast {
    int32_t run;
    int8_t a_step, b_step; /* for the kernel's parameters */
    int n_loops;
    int32_t loop[LOOPS_MAX], a[LOOPS_MAX], b[LOOPS_MAX], out[LOOPS_MAX];
};
struct broadcast broadcast_inputs(const struct node *);
void want_broadcast(struct ctx *, const struct node *, struct tensor *want);
struct rows rows_broadcast(const struct node *);
bool in_place_broadcast(const struct node *, int input);
struct call *lower_broadcast(struct lower *, const struct kernel *, const void *params,
                             const struct broadcast *);

/* ---- streams.c: ways for int8 layers; false: the layer or the core does not fit -------------- */

bool lower_conv2d_pixel_pairs(struct lower *, struct node *);
bool lower_conv2d_pixel_fours(struct lower *, struct node *);
bool lower_conv2d_quads(struct lower *, struct node *);
bool lower_conv2d_1x1_pairs(struct lower *, struct node *);
bool lower_conv2d_pairs(struct lower *, struct node *);
bool lower_conv2d_patch_pairs(struct lower *, struct node *);
bool lower_conv2d_window_pairs(struct lower *, struct node *);
bool lower_conv2d_window_fours(struct lower *, struct node *);
bool lower_depthwise_column(struct lower *, struct node *);
bool lower_depthwise3x3(struct lower *, struct node *);
bool lower_depthwise3x3_w5(struct lower *, struct node *);
bool lower_depthwise3x3_w3(struct lower *, struct node *);
bool lower_depthwise3x3_stride2(struct lower *, struct node *);
bool lower_conv2d_winograd(struct lower *, struct node *);         /* winograd.c */
bool lower_depthwise_planar(struct lower *, struct node *);        /* depthwise_planar.c */
bool lower_depthwise_planar_stride(struct lower *, struct node *); /* the same */
bool lower_dense_fours(struct lower *, struct node *);
bool lower_dense_pairs(struct lower *, struct node *);
/* A kernel of (params, rows, buffer, out, n rows) over a [N,H,W,C] tensor, a strip of rows a
 * call. */
struct call *lower_strips(struct lower *, const struct kernel *, const void *params,
                          const struct window *, struct tensor *scratch);
/* Multipliers of every channel, activation range and zero points, for the packers. */
struct pack_layer;
void set_scales(struct lower *, struct pack_layer *, enum activation);

/* ---- byte_streams.c: ways for int8 layers on cores that multiply bytes ----------------------- */

bool lower_conv2d_bytes(struct lower *, struct node *);
bool lower_depthwise_bytes(struct lower *, struct node *);
bool lower_dense_bytes(struct lower *, struct node *);

/* ---- float_streams.c: ways for float32 layers on cores with an FPU --------------------------- */

bool lower_conv2d_blocks(struct lower *, struct node *);
bool lower_depthwise_blocks(struct lower *, struct node *);
bool lower_dense_blocks(struct lower *, struct node *);

/* ---- conv.c: what convolutions have in common; pools share window_out() ---------------------- */

extern const struct attr_field conv_attrs[];
/* Initialisers of the fields that the parameters of all convolution kernels share. */
#define CONV_FIELDS(l, a, in, w, out)                             \
    .in_w = lower_i16(l, "the input's width", (in)->dim[2]),      \
    .in_c = lower_i16(l, "the input's channels", (in)->dim[3]),   \
    .out_w = lower_i16(l, "the output's width", (out)->dim[2]),   \
    .kernel_h = lower_i16(l, "the kernel's height", (w)->dim[1]), \
    .kernel_w = lower_i16(l, "the kernel's width", (w)->dim[2]),  \
    .stride_w = lower_i16(l, "the stride", (a)->stride_w),        \
    .pad_left = lower_i16(l, "the padding", (a)->pad_left)
/* Those that the kernels with plain weights share besides. */
#define CONV_PLAIN_FIELDS(l, a, in, w, out)                                                     \
    CONV_FIELDS(l, a, in, w, out), .dilation_w = lower_i16(l, "the dilation", (a)->dilation_w), \
                                   .weights = lower_weights(l, 1, "weights"),                   \
                                   .bias = lower_weights(l, 2, "bias")
/* Output size along one axis, in the words of `axis` ("height") where it is refused. */
int32_t window_out(struct ctx *, const struct node *, const char *axis, int64_t in, int64_t kernel,
                   int64_t stride, int64_t dilation, int64_t pads);
void want_conv(struct ctx *, const struct node *, int32_t kernel_h, int32_t kernel_w,
               int32_t channels, struct tensor *want);
/* Bias and quantisation; `axis`: of the weights' output channels. */
void check_conv(struct ctx *, const struct node *, int32_t channels, int axis);
struct window conv_window(const struct node *, int32_t kernel_h);
struct rows conv_rows(const struct node *, int32_t kernel_h);

/* ---- loops.c: nested loops over the elements of an input and an output ----------------------- */

/* The input moves by step[0][i] elements when counter i moves by one, the output by step[1][i];
 * outermost first. */
struct loops {
    int n;
    int32_t size[LOOPS_MAX];
    int32_t step[2][LOOPS_MAX]; /* input, output */
};
/* Elements between two neighbours of axis i of a tensor. */
int32_t axis_pitch(const struct tensor *, int axis);
/* Leading axes that make up the rows of a tensor (tensor_rows()). */
int row_axes(const struct tensor *);
/* Drops loops of one turn and joins neighbours that both run through evenly. The first `n_rows`
 * loops become the loop over rows and stay apart, first, even where they turn once. What is left
 * has a last loop that is none over rows: the kernel's run. */
void loops_merge(struct loops *, int n_rows);
/* Adds the first n loops to a call. */
void call_loops(struct call *, const struct loops *, int n, struct operand *in,
                struct operand *out);
/* Copies elements as the loops say, which it merges. */
void lower_move(struct lower *, struct tensor *in, int32_t in_offset, int32_t out_offset,
                struct loops *, int n_rows);
/* Refuses types whose elements no kernel moves. */
void check_movable(struct ctx *, const struct node *);

/* ---- sums.c: mean, and average pools over all rows ------------------------------------------- */

/* Sums input 0 over the axes into temporary memory of the output's size, which it returns: int32
 * for int8, float for float. Calls: zeros (PHASE_START), one or more for the rows. *fours: asks for
 * many sums at a time, of int8; false where they do not suit that. NULL: does not. */
struct tensor *lower_sums(struct lower *, const struct int_list *axes, bool *fours);
/* Then a kernel of (params, sums, out, n) over all of the output (PHASE_FINISH). */
struct call *lower_finish(struct lower *, const struct kernel *, const void *params,
                          struct tensor *sums);
/* accumulate where the sums take whole rows of one image and give one row, otherwise whole. */
struct rows rows_sums(const struct node *, const struct int_list *axes);
/* How many elements make one sum. */
int32_t sums_count(const struct node *, const struct int_list *axes);

/* ---- pool.c ---------------------------------------------------------------------------------- */

/* Initialisers of the fields that the parameters of all kernels of pools share. */
#define POOL_FIELDS(l, a, in, out)                                  \
    .in_w = lower_i16(l, "the input's width", (in)->dim[2]),        \
    .channels = lower_i16(l, "the channels", (in)->dim[3]),         \
    .out_w = lower_i16(l, "the output's width", (out)->dim[2]),     \
    .kernel_h = lower_i16(l, "the kernel's height", (a)->kernel_h), \
    .kernel_w = lower_i16(l, "the kernel's width", (a)->kernel_w),  \
    .stride_w = lower_i16(l, "the stride", (a)->stride_w),          \
    .pad_left = lower_i16(l, "the padding", (a)->pad_left)
struct window pool_window(const struct node *);
/* An average pool over the whole of one image, which is lowered by lower_sums() over pool_axes. */
bool pool_is_global(const struct node *);
extern const struct int_list pool_axes;

#endif
