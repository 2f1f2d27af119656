/* SPDX-License-Identifier: Apache-2.0 */
/* float_weights.c - int8 weights of operators on floats become floats when the model is compiled.
 *
 * "Dynamic range" models hold int8 weights beside float activations. LiteRT quantises each
 * activation at run time to multiply in int8, which costs exactness, code and time on a core that
 * then computes in float all the same; TensorFlow Lite Micro refuses such models. Dequantised
 * weights are what the converter rounded, nothing more is lost, and the float kernels serve.
 */
#include "compile.h"

static bool takes_weights(const struct node *n)
{
    return node_is(n, OP_conv2d) || node_is(n, OP_depthwise_conv2d) || node_is(n, OP_dense);
}

/* What does not fit is left for the check of the operator's inputs, which refuses it by name. */
static bool is_dynamic_range(const struct node *n)
{
    if (!takes_weights(n) || n->n_in < 2 || !n->in[0] || !n->in[1])
        return false;
    const struct tensor *w = n->in[1];
    const struct quant *q = &w->quant;
    if (n->in[0]->type != DTYPE_FLOAT32 || w->type != DTYPE_INT8 || !w->data)
        return false;
    return q->n == 1 || (q->n > 1 && q->axis >= 0 && q->axis < w->rank && w->dim[q->axis] == q->n);
}

static struct tensor *dequantised(struct ctx *ctx, struct graph *g, const struct tensor *w)
{
    const struct quant *q = &w->quant;
    const int64_t n = tensor_elements(w);
    const int8_t *from = w->data;
    int64_t pitch = 1; /* elements from one scale to the next */
    for (int axis = q->axis + 1; axis < w->rank; axis++)
        pitch *= w->dim[axis];
    float *to = NEWS(ctx, float, n);
    for (int64_t i = 0; i < n; i++) {
        int64_t c = q->n > 1 ? i / pitch % q->n : 0;
        to[i] = (float)((double)q->scale[c] * ((double)from[i] - (double)q->zero[c]));
    }
    struct tensor *t = graph_add_tensor(ctx, g, w->name, DTYPE_FLOAT32, w->rank, w->dim);
    t->data = to;
    return t;
}

void pass_float_weights(struct ctx *ctx, struct graph *g)
{
    /* By index of the int8 tensor: several nodes may share one. */
    struct tensor **made = NEWS(ctx, struct tensor *, g->n_tensors);
    for (int i = 0; i < g->n_nodes; i++) {
        struct node *n = g->node[i];
        if (!is_dynamic_range(n))
            continue;
        struct tensor **as_float = &made[n->in[1]->index];
        if (!*as_float)
            *as_float = dequantised(ctx, g, n->in[1]);
        n->in[1] = *as_float;
    }
}
