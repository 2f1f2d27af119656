/* SPDX-License-Identifier: Apache-2.0 */
/* trees.c - ensembles of decision trees. */
#include "op/op.h"
#include "tree/tree.h"

static const char *const gives_words[] = {"label", "scores", "certain", NULL};
static const char *const decide_words[] = {"argmax", "cut", "softmax", NULL};
static const char *const sums_words[] = {"float64", "float32", NULL};

static const struct attr_field attrs[] = {
    {"gives", ATTR_ENUM, offsetof(struct attr_trees, gives), gives_words},
    {"decide", ATTR_ENUM, offsetof(struct attr_trees, decide), decide_words},
    {"sums", ATTR_ENUM, offsetof(struct attr_trees, sums), sums_words},
    {"path", ATTR_BOOL, offsetof(struct attr_trees, path), NULL},
    {NULL, ATTR_INT, 0, NULL},
};

static void infer(struct ctx *ctx, struct node *n, struct tensor *want)
{
    const struct attr_trees *a = n->attr;
    const struct trees *t = trees_of(ctx, n);
    if (a->gives != GIVES_SCORES) {
        want->type = DTYPE_INT32;
        want->rank = 1;
        want->dim[0] = t->n_labels + (a->gives == GIVES_CERTAIN);
    } else {
        const bool is_value = n->out[0]->type == DTYPE_FLOAT32 &&
                              (t->n_scores == 1 || ctx->options.leaf_bits);
        want->type = is_value ? DTYPE_FLOAT32 : DTYPE_FLOAT64; /* pass_fuse_value() */
        want->rank = 2;
        want->dim[0] = 1;
        want->dim[1] = t->n_scores;
    }
}

static int32_t classes(const struct node *n, int32_t k)
{
    const struct attr_trees *a = n->attr;
    const struct tensor *groups = n->n_in > TREES_GROUPS ? n->in[TREES_GROUPS] : NULL;
    const int32_t all = (int32_t)tensor_elements(n->in[TREES_BASE]);
    if (k >= (groups ? tensor_elements(groups) : 1))
        return 0;
    const int32_t scores = groups ? ((const int32_t *)groups->data)[k] : all;
    return a->decide == DECIDE_CUT ? 2 : scores;
}

static void lower(struct lower *l, struct node *n)
{
    const struct attr_trees *a = n->attr;
    choose_trees(l, prepare_trees(l->ctx, trees_of(l->ctx, n)), (enum gives)a->gives);
}

const struct op op_trees = {
    .name = "trees",
    .summary = "an ensemble of decision trees: its label, or its scores",
    .attr_bytes = sizeof(struct attr_trees),
    .attrs = attrs,
    .min_in = TREES_NUMBERS + 1,
    .max_in = TREES_INPUTS,
    .n_out = 1,
    .types = TYPE_BIT(FLOAT32) | TYPE_BIT(INT8) | TYPE_BIT(UINT8) | TYPE_BIT(INT16) |
             TYPE_BIT(FLOAT64),
    .infer = infer,
    .classes = classes,
    .lower = lower,
};
