/* SPDX-License-Identifier: Apache-2.0 */
/* fuse_activation.c - a clamp (relu, relu6, relu_n1_to_1) becomes the fused activation of the node
 * before it.
 *
 * Exact: a fused activation is the same two bounds applied to the same number, one step earlier.
 * On quantised tensors this needs equal scales and zero points on both sides of the clamp, which
 * then multiplies by 1; the node before saturates to the range of the type first, and the bounds
 * lie inside of it. The number in between must have no other reader, since it is no longer made.
 */
#include "op/attr.h"
#include "pass/uses.h"
#include "compile.h"

static bool can_fuse(const struct node *clamp, const int *uses)
{
    const struct tensor *between = clamp->in[0], *out = clamp->out[0];
    struct node *maker = between->maker;
    if (!maker || uses[between->index] != 1)
        return false;
    const enum activation *fused = node_activation(maker);
    return fused && *fused == ACT_NONE && between->type == out->type &&
           tensor_same_shape(between, out) && tensor_same_quant(between, out);
}

void pass_fuse_activation(struct ctx *ctx, struct graph *g)
{
    const int *uses = count_uses(ctx, g);
    bool *drop = NEWS(ctx, bool, g->n_nodes);
    for (int i = 0; i < g->n_nodes; i++) {
        struct node *clamp = g->node[i];
        if (!node_is(clamp, OP_clamp) || !can_fuse(clamp, uses))
            continue;
        struct node *maker = clamp->in[0]->maker;
        *node_activation(maker) = *node_activation(clamp);
        clamp->in[0]->maker = NULL;
        maker->out[0] = clamp->out[0];
        maker->out[0]->maker = maker;
        drop[i] = true;
    }
    graph_drop_nodes(g, drop);
}
