/* SPDX-License-Identifier: Apache-2.0 */
/* quantize.c - between float32 and integers, and between integers of different scales. */
#include "op/op.h"

static bool is_byte(enum dtype type)
{
    return type == DTYPE_INT8 || type == DTYPE_UINT8;
}

/* ---- quantize -------------------------------------------------------------------------------- */

static void infer_quantize(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0], *out = n->out[0];
    bool can = in->type == DTYPE_FLOAT32 ? out->type == DTYPE_INT8 : is_byte(out->type);
    if (!can)
        fail(ctx, n, "turns '%s' (%s) into '%s' (%s); supported are float32 to int8, and int8 and "
                     "uint8 to each other: quantise the model to int8",
             in->name, tensor_text(ctx, in), out->name, tensor_text(ctx, out));
    check_per_tensor(ctx, n, in);
    check_per_tensor(ctx, n, out);
    want_like(want, in);
    want->type = out->type;
}

static int32_t saturate(enum dtype type, int64_t x)
{
    int32_t min = type == DTYPE_UINT8 ? 0 : -128, max = min + 255;
    return (int32_t)(x < min ? min : x > max ? max : x);
}

/* Both types as bytes: a table over their 256 values. */
static void lower_bytes(struct lower *l, const struct tensor *in, const struct tensor *out)
{
    int8_t table[256];
    struct multiplier m = quantize_multiplier(
        l->ctx, (double)in->quant.scale[0] / (double)out->quant.scale[0]);
    for (int32_t byte = -128; byte < 128; byte++) {
        int32_t q = in->type == DTYPE_UINT8 ? byte & 255 : byte;
        int64_t y = requantize(l->ctx, q - in->quant.zero[0], m);
        table[byte + 128] = (int8_t)(uint8_t)saturate(out->type, y + out->quant.zero[0]);
    }
    lower_table_s8(l, table);
}

static void lower_quantize(struct lower *l, struct node *n)
{
    const struct tensor *in = n->in[0], *out = n->out[0];
    if (in->type == DTYPE_FLOAT32) {
        struct mica_quantize_s8 p = {
            .scale = out->quant.scale[0],
            .out_zero = (int16_t)out->quant.zero[0],
        };
        lower_pointwise(l, &kernel_quantize_s8, &p);
    } else if (in->type == out->type && tensor_same_quant(in, out)) {
        lower_pointwise(l, &kernel_copy_s8, NULL);
    } else {
        lower_bytes(l, in, out);
    }
}

const struct op op_quantize = {
    .name = "quantize",
    .summary = "float32 to int8; int8 and uint8 to each other and to another scale",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8) | TYPE_BIT(UINT8),
    .infer = infer_quantize,
    .rows = rows_pointwise,
    .in_place = in_place_same_bytes,
    .lower = lower_quantize,
};

/* ---- dequantize ------------------------------------------------------------------------------ */

static void infer_dequantize(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0];
    const struct quant *q = &in->quant;
    if (in->type != DTYPE_FLOAT16 && q->n <= 1)
        check_per_tensor(ctx, n, in);
    if (in->type != DTYPE_FLOAT16 && q->n > 1)
        for (int i = 0; i < q->n; i++)
            if (q->axis < 0 || q->axis >= in->rank || q->n != in->dim[q->axis] ||
                !(q->scale[i] > 0.0f))
                fail(ctx, n, "'%s' (%s) has %d scales along axis %d, which do not fit it or are "
                             "not positive: quantise the model again",
                     in->name, tensor_text(ctx, in), q->n, q->axis);
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
