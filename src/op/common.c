/* SPDX-License-Identifier: Apache-2.0 */
/* common.c - lowerings that several operators share. */
#include "op/op.h"

struct rows rows_pointwise(const struct node *n)
{
    int32_t rows = tensor_rows(n->out[0]);
    return (struct rows){.rows_in = rows, .rows_out = rows, .reach = 1, .stride = 1};
}

bool in_place_same_bytes(const struct node *n, int input)
{
    return input == 0 && tensor_bytes(n->in[0]) == tensor_bytes(n->out[0]) &&
           dtype_bits(n->in[0]->type) == dtype_bits(n->out[0]->type);
}

struct call *lower_pointwise(struct lower *l, const struct kernel *kernel, const void *params)
{
    struct node *n = l->step->node;
    int32_t rows = tensor_rows(n->out[0]);
    int32_t width = (int32_t)(tensor_elements(n->out[0]) / rows);
    struct call *c = lower_call(l, kernel, params);
    int loop = call_loop(c, rows);
    call_bind(c, n->in[0], 0)->step[loop] = width;
    call_bind(c, n->out[0], 0)->step[loop] = width;
    c->count = width;
    c->joins = true;
    return c;
}

struct call *lower_window(struct lower *l, const struct kernel *kernel, const void *params,
                          const struct window *w)
{
    struct tensor *in = l->step->node->in[0], *out = l->step->node->out[0];
    if (w->kernel > WINDOW_ROWS_MAX)
        fail(l->ctx, l->step->node, "a window of %d rows; at most %d are supported", (int)w->kernel,
             WINDOW_ROWS_MAX);
    struct call *c = lower_call(l, kernel, params);
    int32_t in_row = in->dim[2] * in->dim[3], out_row = out->dim[2] * out->dim[3];
    struct operand *from = call_bind(c, in, 0), *to = call_bind(c, out, 0);
    from->window = *w;
    if (in->dim[0] > 1) {
        int image = call_loop(c, in->dim[0]);
        from->step[image] = in->dim[1] * in_row;
        to->step[image] = out->dim[1] * out_row;
    }
    int row = call_loop(c, out->dim[1]);
    to->step[row] = out_row;
    from->window.loop = row;
    return c;
}

/* Vectors lie along the last axis of the output, and as many input elements belong to each row. */
struct rows rows_vectors(const struct node *n)
{
    const struct tensor *in = n->in[0], *out = n->out[0];
    int32_t rows = tensor_rows(out), last = out->rank ? out->dim[out->rank - 1] : 1;
    if (tensor_rows(in) != rows || tensor_elements(out) / last % rows)
        return (struct rows){.whole = true};
    return rows_pointwise(n);
}

struct call *lower_vectors(struct lower *l, const struct kernel *kernel, const void *params,
                           int32_t in_n, int32_t out_n)
{
    struct node *n = l->step->node;
    struct call *c = lower_call(l, kernel, params);
    struct operand *in = call_bind(c, n->in[0], 0), *out = call_bind(c, n->out[0], 0);
    int32_t vectors = (int32_t)(tensor_elements(n->out[0]) / out_n);
    int32_t rows = rows_vectors(n).whole ? 1 : tensor_rows(n->out[0]);
    int loop = call_loop(c, rows);
    in->step[loop] = vectors / rows * in_n;
    out->step[loop] = vectors / rows * out_n;
    if (vectors > rows) {
        loop = call_loop(c, vectors / rows);
        in->step[loop] = in_n;
        out->step[loop] = out_n;
    }
    c->count = in_n;
    return c;
}

bool lower_plain_f32(struct lower *l, struct node *n, void (*lower)(struct lower *, struct node *),
                     bool fast)
{
    if (fast)
        return lower_misfit(l, "it is for int8");
    lower(l, n);
    return true;
}

void lower_table_s8(struct lower *l, const int8_t table[256], bool fours)
{
    int8_t *turned = NEWS(l->ctx, int8_t, 256); /* by the input as a byte without sign */
    for (int i = 0; i < 256; i++)
        turned[i] = table[(i + 128) & 255];
    struct mica_table_s8 p = {.table = lower_constant(l, "table", DTYPE_INT8, 256, turned)};
    struct mica_table_fours_s8 p_fours = {p.table};
    if (fours)
        lower_pointwise(l, &kernel_table_fours_s8, &p_fours);
    else
        lower_pointwise(l, &kernel_table_s8, &p);
}

const void *lower_weights(struct lower *l, int input, const char *label)
{
    const struct node *n = l->step->node;
    const struct tensor *t = input < n->n_in ? n->in[input] : NULL;
    return t ? lower_constant(l, label, t->type, tensor_elements(t), t->data) : NULL;
}
