/* SPDX-License-Identifier: Apache-2.0 */
/* quantize.c - between float32 and integers, and between integers of different scales. */
#include "op/op.h"

static bool is_byte(enum dtype type)
{
    return type == DTYPE_INT8 || type == DTYPE_UINT8;
}

/* ---- quantize -------------------------------------------------------------------------------- */

/* float32 to 8 and 16 bits, and those to each other but for uint8 and int16. */
static bool can_quantize(enum dtype in, enum dtype out)
{
    if (in == DTYPE_FLOAT32)
        return is_byte(out) || out == DTYPE_INT16;
    if (in == DTYPE_INT16)
        return out == DTYPE_INT8 || out == DTYPE_INT16;
    return is_byte(out) || (in == DTYPE_INT8 && out == DTYPE_INT16);
}

static void infer_quantize(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0], *out = n->out[0];
    if (!can_quantize(in->type, out->type))
        fail(ctx, n,
             "turns '%s' (%s) into '%s' (%s); supported are float32 to int8, uint8 and "
             "int16, int8 to these, and back to int8: quantise the model to int8",
             in->name, tensor_text(ctx, in), out->name, tensor_text(ctx, out));
    check_per_tensor(ctx, n, in);
    check_per_tensor(ctx, n, out);
    want_like(want, in);
    want->type = out->type;
}

static int32_t saturate(enum dtype type, int32_t x)
{
    int32_t min = type == DTYPE_UINT8 ? 0 : -128, max = min + 255;
    return x < min ? min : x > max ? max : x;
}

/* Both types as bytes: a table over their 256 values. */
static void lower_bytes(struct lower *l, const struct tensor *in, const struct tensor *out,
                        bool fours)
{
    int8_t table[256];
    struct multiplier m = quantize_multiplier(l->ctx, (double)in->quant.scale[0] /
                                                          (double)out->quant.scale[0]);
    for (int32_t byte = -128; byte < 128; byte++) {
        int32_t q = in->type == DTYPE_UINT8 ? byte & 255 : byte;
        int32_t y = add_zero(requantize(l->ctx, q - in->quant.zero[0], m), out->quant.zero[0]);
        table[byte + 128] = (int8_t)(uint8_t)saturate(out->type, y);
    }
    lower_table_s8(l, table, fours);
}

static void lower_float(struct lower *l, const struct tensor *out)
{
    const float scale = out->quant.scale[0];
    const int32_t zero = out->quant.zero[0];
    if (out->type == DTYPE_INT8) {
        struct mica_quantize_s8 p = {.scale = scale, .out_zero = zero};
        lower_pointwise(l, &kernel_quantize_s8, &p);
    } else if (out->type == DTYPE_UINT8) {
        struct mica_quantize_u8 p = {.scale = scale, .out_zero = zero};
        lower_pointwise(l, &kernel_quantize_u8, &p);
    } else {
        struct mica_quantize_s16 p = {.scale = scale, .out_zero = zero};
        lower_pointwise(l, &kernel_quantize_s16, &p);
    }
}

/* The three kernels have parameters of the same names. */
#define REQUANTIZE(kind)                                                   \
    do {                                                                   \
        struct mica_requantize_##kind p = {.in_zero = in->quant.zero[0],   \
                                           .out_zero = out->quant.zero[0], \
                                           .multiplier = m.multiplier,     \
                                           .shift = (int8_t)m.shift};      \
        lower_pointwise(l, &kernel_requantize_##kind, &p);                 \
    } while (0)

static void lower_words(struct lower *l, const struct tensor *in, const struct tensor *out)
{
    struct multiplier m = quantize_multiplier(l->ctx, (double)in->quant.scale[0] /
                                                          (double)out->quant.scale[0]);
    if (in->type == DTYPE_INT8)
        REQUANTIZE(s8_s16);
    else if (out->type == DTYPE_INT8)
        REQUANTIZE(s16_s8);
    else
        REQUANTIZE(s16_s16);
}

static bool lower_quantize(struct lower *l, struct node *n, bool fours)
{
    const struct tensor *in = n->in[0], *out = n->out[0];
    const bool by_table = is_byte(in->type) && is_byte(out->type) &&
                          !(in->type == out->type && tensor_same_quant(in, out));
    if (fours && !by_table)
        return lower_misfit(l, "it is for tables of bytes");
    if (by_table)
        lower_bytes(l, in, out, fours);
    else if (in->type == DTYPE_FLOAT32)
        lower_float(l, out);
    else if (!is_byte(in->type) || !is_byte(out->type))
        lower_words(l, in, out);
    else
        lower_pointwise(l, &kernel_copy_s8, NULL);
    return true;
}

FAST_OR_PLAIN(quantize, "fours", lower_quantize);

const struct op op_quantize = {
    .name = "quantize",
    .summary = "float32 to int8, uint8, int16; int8 to these and back; to another scale",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) | TYPE_BIT(INT16),
    .infer = infer_quantize,
    .rows = rows_pointwise,
    .in_place = in_place_same_bytes,
    .ways = quantize_ways,
};

/* ---- dequantize ------------------------------------------------------------------------------ */

static void infer_dequantize(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0];
    if (in->type != DTYPE_FLOAT16 && in->quant.n == 0)
        check_per_tensor(ctx, n, in); /* says that a scale is missing */
    if (in->type != DTYPE_FLOAT16)
        check_quant(ctx, n, in);
    want_like(want, in);
    want->type = DTYPE_FLOAT32;
}

/* The call for one scale; its operands are bound, its loops and count are not. */
static struct call *dequantize_call(struct lower *l, int channel)
{
    const struct tensor *in = l->step->node->in[0];
    const float scale = in->quant.n ? in->quant.scale[channel] : 1.0f;
    const int32_t zero = in->quant.n ? in->quant.zero[channel] : 0;
    if (in->type == DTYPE_FLOAT16)
        return lower_call(l, &kernel_dequantize_f16, NULL);
    if (in->type == DTYPE_INT16) {
        struct mica_dequantize_s16 p = {.scale = scale, .zero = zero};
        return lower_call(l, &kernel_dequantize_s16, &p);
    }
    if (in->type == DTYPE_UINT8) {
        struct mica_dequantize_u8 p = {.scale = scale, .zero = lower_i16(l, "a zero point", zero)};
        return lower_call(l, &kernel_dequantize_u8, &p);
    }
    struct mica_dequantize_s8 p = {.scale = scale, .zero = lower_i16(l, "a zero point", zero)};
    return lower_call(l, &kernel_dequantize_s8, &p);
}

/* One call a channel, each over all that lies around and behind the channel's axis. */
static void lower_dequantize(struct lower *l, struct node *n)
{
    const struct tensor *in = n->in[0];
    const int channels = in->quant.n > 1 && in->type != DTYPE_FLOAT16 ? in->quant.n : 1;
    const int32_t run = channels > 1 ? axis_pitch(in, in->quant.axis) : 1;
    const int32_t outer = (int32_t)(tensor_elements(in) / channels / run);
    const int32_t rows = tensor_rows(in), width = (int32_t)(tensor_elements(in) / rows);
    for (int c = 0; c < channels; c++) {
        struct call *call = dequantize_call(l, c);
        struct operand *from = call_bind(call, n->in[0], c * run);
        struct operand *to = call_bind(call, n->out[0], c * run);
        int loop = call_loop(call, channels > 1 ? outer : rows);
        from->step[loop] = to->step[loop] = channels > 1 ? channels * run : width;
        call->count = channels > 1 ? run : width;
        call->joins = channels == 1;
    }
}

static struct rows rows_dequantize(const struct node *n)
{
    return n->in[0]->quant.n > 1 ? (struct rows){.whole = true} : rows_pointwise(n);
}

const struct op op_dequantize = {
    .name = "dequantize",
    .summary = "int8, uint8, int16 and float16 to float32, per tensor or per channel",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(INT8) | TYPE_BIT(UINT8) | TYPE_BIT(INT16) | TYPE_BIT(FLOAT16),
    .infer = infer_dequantize,
    .rows = rows_dequantize,
    .lower = lower_dequantize,
};
