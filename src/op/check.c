/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - refusals that every operator words alike: what is wrong, and what to do about it. */
#include <math.h>
#include <stdlib.h>

#include "op/op.h"

void check_rank(struct ctx *ctx, const struct node *n, int input, int rank)
{
    const struct tensor *t = n->in[input];
    if (t->rank != rank)
        fail(ctx, n, "input '%s' is %s; it must have %d dimensions: reshape it in the model",
             t->name, tensor_text(ctx, t), rank);
}

void check_type(struct ctx *ctx, const struct node *n, int input, enum dtype type)
{
    const struct tensor *t = n->in[input];
    if (t->type != type)
        fail(ctx, n,
             "input '%s' is %s where %s is needed beside '%s' (%s): convert the model so "
             "that both agree",
             t->name, tensor_text(ctx, t), dtype_name(type), n->in[0]->name,
             tensor_text(ctx, n->in[0]));
}

void check_constant(struct ctx *ctx, const struct node *n, int input, const char *what)
{
    const struct tensor *t = n->in[input];
    if (!t->data)
        fail(ctx, n,
             "the %s '%s' (%s) are computed at run time; they must be constants in the "
             "file: freeze the model before converting it",
             what, t->name, tensor_text(ctx, t));
}

void check_row(struct ctx *ctx, const struct node *n, int input)
{
    const struct tensor *t = n->in[input];
    if (t->rank != 2 || t->dim[0] != 1)
        fail(ctx, n, "input '%s' is %s; it must be one row, of shape [1,columns]", t->name,
             tensor_text(ctx, t));
}

void check_numbers(struct ctx *ctx, const struct node *n, int input, const char *what,
                   int64_t elements)
{
    const struct tensor *t = input < n->n_in ? n->in[input] : NULL;
    if (!t || !t->data || t->type != DTYPE_FLOAT64)
        fail(ctx, n, "its %s must be a constant of type float64", what);
    if (elements >= 0 && tensor_elements(t) != elements)
        fail(ctx, n, "it has %lld %s; %lld are needed", (long long)tensor_elements(t), what,
             (long long)elements);
}

void check_finite(struct ctx *ctx, const struct node *n, int input, const char *what)
{
    const double *at = n->in[input]->data;
    for (int64_t i = 0; i < tensor_elements(n->in[input]); i++)
        if (!isfinite(at[i]))
            fail(ctx, n, "number %lld of its %s is not finite (%g)", (long long)i, what, at[i]);
}

static void check_scale(struct ctx *ctx, const struct node *n, const struct tensor *t, float scale)
{
    if (!(scale > 0.0f) || isinf(scale))
        fail(ctx, n,
             "tensor '%s' has the scale %g; scales must be positive and finite: quantise "
             "the model again",
             t->name, (double)scale);
}

/* Arithmetic with zero points is in 32 bits: a file may say anything. */
static void check_zero(struct ctx *ctx, const struct node *n, const struct tensor *t, int32_t zero)
{
    const int bits = dtype_bits(t->type);
    if (bits > 32) /* holds every zero point that can be written down */
        return;
    const bool is_unsigned = t->type == DTYPE_UINT8 || t->type == DTYPE_UINT16;
    const int64_t min = is_unsigned ? 0 : -(INT64_C(1) << (bits - 1));
    if (zero < min || zero >= min + (INT64_C(1) << bits))
        fail(ctx, n, "tensor '%s' has the zero point %d, which %s cannot hold", t->name, (int)zero,
             dtype_name(t->type));
}

void check_quant(struct ctx *ctx, const struct node *n, const struct tensor *t)
{
    const struct quant *q = &t->quant;
    if (q->n > 1 && (q->axis < 0 || q->axis >= t->rank || q->n != t->dim[q->axis]))
        fail(ctx, n,
             "tensor '%s' (%s) has %d scales along axis %d, which do not fit it: quantise "
             "the model again",
             t->name, tensor_text(ctx, t), q->n, q->axis);
    for (int i = 0; i < q->n; i++) {
        check_scale(ctx, n, t, q->scale[i]);
        check_zero(ctx, n, t, q->zero[i]);
    }
}

void check_per_tensor(struct ctx *ctx, const struct node *n, const struct tensor *t)
{
    if (t->type == DTYPE_FLOAT32)
        return;
    if (t->quant.n != 1)
        fail(ctx, n,
             "tensor '%s' (%s) has %d scales; one scale for the whole tensor is needed: "
             "quantise activations per tensor",
             t->name, tensor_text(ctx, t), t->quant.n);
    check_quant(ctx, n, t);
}

void check_weights_quant(struct ctx *ctx, const struct node *n, int input, int32_t channels,
                         int axis)
{
    const struct tensor *t = n->in[input];
    const struct quant *q = &t->quant;
    if (q->n != 1 && (q->n != channels || (q->axis != axis && q->n > 1)))
        fail(ctx, n,
             "the weights '%s' (%s) have %d scales along axis %d; one, or %d along axis "
             "%d, are needed: quantise them per tensor or per output channel",
             t->name, tensor_text(ctx, t), q->n, q->axis, (int)channels, axis);
    for (int i = 0; i < q->n; i++) {
        check_scale(ctx, n, t, q->scale[i]);
        if (q->zero[i])
            fail(ctx, n,
                 "the weights '%s' have the zero point %d; int8 weights are symmetric "
                 "(zero point 0): quantise them so",
                 t->name, (int)q->zero[i]);
    }
}

void check_accumulator(struct ctx *ctx, const struct node *n, int32_t channels, int32_t taps,
                       int32_t o_step, int32_t tap_step)
{
    const int8_t *w = n->in[1]->data;
    const int32_t *bias = n->n_in > 2 && n->in[2] ? n->in[2]->data : NULL;
    for (int32_t o = 0; o < channels; o++) {
        int64_t most = bias ? llabs(bias[o]) : 0;
        for (int32_t i = 0; i < taps; i++)
            most += abs(w[o * o_step + i * tap_step]) * INT64_C(255);
        if (most > INT32_MAX)
            fail(ctx, n,
                 "output channel %d can sum to %lld, beyond 32 bits: its bias or weights "
                 "are out of range; quantise the model again",
                 (int)o, (long long)most);
    }
}

void check_same_quant(struct ctx *ctx, const struct node *n, int input)
{
    const struct tensor *in = n->in[input], *out = n->out[0];
    if (in->type == DTYPE_FLOAT32 || out->type != in->type) /* infer_node() refuses other types */
        return;
    check_per_tensor(ctx, n, in);
    check_per_tensor(ctx, n, out);
    if (!tensor_same_quant(in, out))
        fail(ctx, n,
             "input '%s' has the scale %g and the zero point %d, output '%s' %g and %d; %s "
             "passes numbers on and needs the same for both: quantise the model again, or "
             "put a QUANTIZE between",
             in->name, (double)in->quant.scale[0], (int)in->quant.zero[0], out->name,
             (double)out->quant.scale[0], (int)out->quant.zero[0], n->op->name);
}

void check_out_quant(struct ctx *ctx, const struct node *n, float scale, int32_t zero)
{
    const struct tensor *out = n->out[0];
    if (out->type == DTYPE_FLOAT32)
        return;
    check_per_tensor(ctx, n, n->in[0]);
    check_per_tensor(ctx, n, out);
    if (out->quant.scale[0] != scale || out->quant.zero[0] != zero)
        fail(ctx, n,
             "output '%s' has the scale %g and the zero point %d; an int8 %s gives %g and "
             "%d: quantise the model again",
             out->name, (double)out->quant.scale[0], (int)out->quant.zero[0], n->op->name,
             (double)scale, (int)zero);
}

void want_like(struct tensor *want, const struct tensor *from)
{
    want->type = from->type;
    want->rank = from->rank;
    for (int i = 0; i < from->rank; i++)
        want->dim[i] = from->dim[i];
}
