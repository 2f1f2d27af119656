/* SPDX-License-Identifier: Apache-2.0 */
/* reshape.c - the same elements under another shape: RESHAPE, SQUEEZE, EXPAND_DIMS. */
#include "op/op.h"

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct tensor *in = n->in[0], *out = n->out[0];
    if (tensor_elements(in) != tensor_elements(out))
        fail(ctx, n, "input '%s' (%s) and output '%s' (%s) differ in their number of elements",
             in->name, tensor_text(ctx, in), out->name, tensor_text(ctx, out));
    want_like(want, out); /* the model alone says which shape it becomes */
    want->type = in->type;
}

/* Reached where the output cannot be the bytes of the input: an input of the model that is an
 * output too. */
static void lower(struct lower *l, struct node *n)
{
    check_movable(l->ctx, n);
    struct loops loops = {.n = 1, .size = {(int32_t)tensor_elements(n->in[0])}, .step = {{1}, {1}}};
    lower_move(l, n->in[0], 0, 0, &loops, 0);
}

const struct op op_reshape = {
    .name = "reshape",
    .summary = "the same elements under another shape; no code, no memory",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(FLOAT16) | TYPE_BIT(INT32) | TYPE_BIT(UINT8) |
             TYPE_BIT(INT64) | TYPE_BIT(BOOL) | TYPE_BIT(INT16) | TYPE_BIT(INT8) |
             TYPE_BIT(UINT64) | TYPE_BIT(UINT32) | TYPE_BIT(UINT16),
    .is_view = true,
    .infer = infer,
    .in_place = in_place_same_bytes,
    .lower = lower,
};
