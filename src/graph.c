/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - tensors, nodes and what every pass asks of them. */
#include <assert.h>
#include <string.h>

#include "ir.h"

static const struct dtype_info {
    const char *name, *ctype;
    int bits;
} dtypes[] = {
#define X(ENUM, name, bits, ctype) {name, ctype, bits},
    DTYPES(X)
#undef X
};

const char *dtype_name(enum dtype type)
{
    return dtypes[type].name;
}

const char *dtype_c(enum dtype type)
{
    return dtypes[type].ctype;
}

int dtype_bits(enum dtype type)
{
    return dtypes[type].bits;
}

int dtype_from_name(const char *name)
{
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (!strcmp(dtypes[i].name, name))
            return i;
    return -1;
}

/* Appends to an array of pointers; room doubles at each power of two, so none is kept. */
static void *append(struct ctx *ctx, void *array, int n, void *item)
{
    void **at = array;
    if ((n & (n - 1)) == 0) {
        void **fresh = alloc(ctx, n ? (size_t)n * 2 : 1, sizeof(void *));
        if (n)
            memcpy(fresh, at, (size_t)n * sizeof(void *));
        at = fresh;
    }
    at[n] = item;
    return at;
}

struct tensor *graph_add_tensor(struct ctx *ctx, struct graph *g, const char *name, enum dtype type,
                                int rank, const int32_t *dim)
{
    assert(rank >= 0 && rank <= RANK_MAX);
    struct tensor *t = NEW(ctx, struct tensor);
    t->name = name;
    t->type = type;
    t->rank = rank;
    if (rank)
        memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
    t->index = g->n_tensors;
    g->tensor = append(ctx, g->tensor, g->n_tensors, t);
    g->n_tensors++;
    return t;
}

struct node *graph_add_node(struct ctx *ctx, struct graph *g, const char *name, const struct op *op,
                            int n_in, int n_out)
{
    struct node *n = NEW(ctx, struct node);
    n->name = name;
    n->op = op;
    n->n_in = n_in;
    n->n_out = n_out;
    n->in = NEWS(ctx, struct tensor *, n_in);
    n->out = NEWS(ctx, struct tensor *, n_out);
    n->attr = alloc(ctx, 1, op ? op->attr_bytes : 0);
    g->node = append(ctx, g->node, g->n_nodes, n);
    g->n_nodes++;
    return n;
}

int64_t tensor_elements(const struct tensor *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

int64_t tensor_bytes(const struct tensor *t)
{
    return (tensor_elements(t) * dtype_bits(t->type) + 7) / 8;
}

struct tensor *tensor_base(struct tensor *t)
{
    while (t->base)
        t = t->base;
    return t;
}

bool tensor_same_shape(const struct tensor *a, const struct tensor *b)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]);
}

bool tensor_same_quant(const struct tensor *a, const struct tensor *b)
{
    const struct quant *p = &a->quant, *q = &b->quant;
    if (p->n != q->n || (p->n > 1 && p->axis != q->axis))
        return false;
    for (int i = 0; i < p->n; i++)
        if (p->scale[i] != q->scale[i] || p->zero[i] != q->zero[i])
            return false;
    return true;
}

const char *tensor_text(struct ctx *ctx, const struct tensor *t)
{
    struct text *s = text_new(ctx);
    text_add(s, "%s [", dtype_name(t->type));
    for (int i = 0; i < t->rank; i++)
        text_add(s, "%s%d", i ? "," : "", (int)t->dim[i]);
    text_add(s, "]");
    return s->at;
}

int32_t tensor_rows(const struct tensor *t)
{
    if (t->rank == 0)
        return 1;
    return t->rank < 3 ? (t->rank == 1 ? 1 : t->dim[0]) : t->dim[0] * t->dim[1];
}

bool graph_is_output(const struct graph *g, const struct tensor *t)
{
    for (int i = 0; i < g->n_outputs; i++)
        if (g->output[i] == t)
            return true;
    return false;
}

int graph_uses(const struct graph *g, const struct tensor *t)
{
    int uses = 0;
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->node[i]->n_in; k++)
            uses += g->node[i]->in[k] == t;
    for (int i = 0; i < g->n_outputs; i++)
        uses += g->output[i] == t;
    return uses;
}

void graph_replace(struct graph *g, struct tensor *old, struct tensor *with)
{
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->node[i]->n_in; k++)
            if (g->node[i]->in[k] == old)
                g->node[i]->in[k] = with;
    for (int i = 0; i < g->n_outputs; i++)
        if (g->output[i] == old)
            g->output[i] = with;
}

void graph_drop_nodes(struct graph *g, const bool *drop)
{
    int kept = 0;
    for (int i = 0; i < g->n_nodes; i++)
        if (!drop[i])
            g->node[kept++] = g->node[i];
    g->n_nodes = kept;
}

void graph_append(struct ctx *ctx, struct graph *g, struct graph *from, struct tensor *x)
{
    graph_replace(from, from->input[0], x);
    for (int i = 0; i < from->n_tensors; i++) {
        struct tensor *t = from->tensor[i];
        if (t == from->input[0])
            continue;
        t->index = g->n_tensors;
        g->tensor = append(ctx, g->tensor, g->n_tensors, t);
        g->n_tensors++;
    }
    for (int i = 0; i < from->n_nodes; i++) {
        g->node = append(ctx, g->node, g->n_nodes, from->node[i]);
        g->n_nodes++;
    }
}

static bool is_ready(const struct node *n, const bool *made)
{
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && n->in[k]->maker && !made[n->in[k]->index])
            return false;
    return true;
}

/* Files list operators in an order that works, so one sweep does; each further sweep places at
 * least one node or proves a cycle. */
void graph_order(struct ctx *ctx, struct graph *g)
{
    bool *made = NEWS(ctx, bool, g->n_tensors), *placed = NEWS(ctx, bool, g->n_nodes);
    int room = 1; /* as append() expects it */
    while (room < g->n_nodes)
        room *= 2;
    struct node **order = NEWS(ctx, struct node *, room);
    int n = 0;
    for (int before = -1; n != before && n < g->n_nodes;) {
        before = n;
        for (int i = 0; i < g->n_nodes; i++) {
            if (placed[i] || !is_ready(g->node[i], made))
                continue;
            for (int k = 0; k < g->node[i]->n_out; k++)
                made[g->node[i]->out[k]->index] = true;
            placed[i] = true;
            order[n++] = g->node[i];
        }
        if (n == before && n < g->n_nodes)
            for (int i = 0; i < g->n_nodes; i++)
                if (!placed[i])
                    fail(ctx, g->node[i],
                         "its inputs depend on its own output, so no order of the nodes works: "
                         "unroll the loop in the model, or convert it again");
    }
    g->node = order;
}
