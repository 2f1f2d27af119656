/* SPDX-License-Identifier: Apache-2.0 */
/* estimator.c - what the options say of an estimator: which functions, what names, what input. */
#include <string.h>

#include "compile.h"
#include "op/attr.h"

/* ---- functions ------------------------------------------------------------------------------- */

/* Is `role` a word of a list with commas? */
static bool is_listed(const char *list, const char *role)
{
    const size_t n = strlen(role);
    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == n && !memcmp(list, role, n))
            return true;
    return false;
}

static const char *roles_of(struct ctx *ctx, const struct graph *g)
{
    struct text *all = text_new(ctx);
    for (int i = 0; i < g->n_outputs; i++)
        text_add(all, "%s%s", i ? ", " : "", g->role[i]);
    return all->at;
}

static void keep_functions(struct ctx *ctx, struct graph *g, const char *list)
{
    const char *all = roles_of(ctx, g);
    int wanted = 1, kept = 0;
    for (const char *c = list; *c; c++)
        wanted += *c == ',';
    for (int i = 0; i < g->n_outputs; i++) {
        if (!is_listed(list, g->role[i]))
            continue;
        g->role[kept] = g->role[i];
        g->output[kept++] = g->output[i];
    }
    if (kept != wanted)
        fail(ctx, NULL, "not all of the functions '%s' are there: this model has %s", list, all);
    g->n_outputs = kept;
}

/* A role becomes the last part of a function's name, beside those that give names of classes and
 * features. */
static bool is_role(const char *s)
{
    const size_t n = strlen(s);
    if (!(*s >= 'a' && *s <= 'z') || n > ROLE_MAX || (n > 5 && !strcmp(s + n - 5, "_name")))
        return false;
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void check_roles(struct ctx *ctx, const struct graph *g)
{
    for (int i = 0; i < g->n_outputs; i++) {
        if (!is_role(g->role[i]))
            fail(ctx, NULL,
                 "'%s' is no role of an output: it becomes a part of a function's name, such as "
                 "predict; use at most %d small letters, digits and _, and no _name at the end",
                 g->role[i], ROLE_MAX);
        for (int k = 0; k < i; k++)
            if (!strcmp(g->role[i], g->role[k]))
                fail(ctx, NULL, "two outputs have the role '%s'; give each its own", g->role[i]);
    }
}

/* ---- rounded leaves -------------------------------------------------------------------------- */

enum { LEAF_BITS_MIN = 4, LEAF_BITS_MAX = 24 };

/* The ensemble that makes the labels of output i, if they are labels. */
static struct node *labels_of(struct ctx *ctx, const struct graph *g, int i)
{
    struct node *maker = g->output[i]->maker;
    if (strcmp(g->role[i], "predict") || g->output[i]->type != DTYPE_INT32)
        return NULL;
    if (!maker || !node_is(maker, OP_trees))
        fail(ctx, maker,
             "its labels are not made by trees alone, so nothing would say which are "
             "certain: compile it without --leaf-bits");
    return maker;
}

static void check_leaf_bits(struct ctx *ctx, const struct graph *g)
{
    const struct mica_options *o = &ctx->options;
    bool any = false;
    if (o->leaf_bits < LEAF_BITS_MIN || o->leaf_bits > LEAF_BITS_MAX)
        fail(ctx, NULL, "leaves have %d to %d bits, not %d", LEAF_BITS_MIN, LEAF_BITS_MAX,
             o->leaf_bits);
    if (o->float64)
        fail(ctx, NULL,
             "float64 promises the numbers of the library, and leaves of %d bits do not have them: "
             "choose one of the two",
             o->leaf_bits);
    for (int i = 0; i < g->n_nodes; i++) {
        if (node_is(g->node[i], OP_oblivious))
            fail(ctx, g->node[i],
                 "its trees are symmetric ones, whose leaves are not rounded: "
                 "compile it without --leaf-bits");
        any |= node_is(g->node[i], OP_trees);
    }
    if (!any)
        fail(ctx, NULL,
             "it has no trees whose leaves could be rounded: compile it without "
             "--leaf-bits");
}

/* Output i gives labels made by trees. These say as well whether they are certain, to a function of
 * its own; its first numbers are what predict gives. */
static void add_certain(struct ctx *ctx, struct graph *g, int i, struct node *trees)
{
    struct tensor *label = g->output[i];
    const int32_t labels = (int32_t)tensor_elements(label), n = labels + 1;
    struct tensor *both = graph_add_tensor(ctx, g, "certain", DTYPE_INT32, 1, &n);
    struct node *part = graph_add_node(ctx, g, label->name, op_table[OP_slice], 1, 1);
    *(struct attr_slice *)part->attr = (struct attr_slice){
        .begin = {1, {0}}, .size = {1, {labels}}, .stride = {1, {1}}};
    ((struct attr_trees *)trees->attr)->gives = GIVES_CERTAIN;
    trees->out[0] = part->in[0] = both;
    both->maker = trees;
    part->out[0] = label;
    label->maker = part;
    const char **role = NEWS(ctx, const char *, g->n_outputs + 1);
    struct tensor **output = NEWS(ctx, struct tensor *, g->n_outputs + 1);
    memcpy(role, g->role, sizeof *role * (size_t)g->n_outputs);
    memcpy(output, g->output, sizeof *output * (size_t)g->n_outputs);
    role[g->n_outputs] = "predict_certain";
    output[g->n_outputs++] = both;
    g->role = role;
    g->output = output;
}

static void round_leaves_of(struct ctx *ctx, struct graph *g)
{
    const char *list = ctx->options.functions;
    const int n = g->n_outputs;
    check_leaf_bits(ctx, g);
    for (int i = 0; i < n; i++) {
        struct node *trees = labels_of(ctx, g, i);
        if (trees && (!list || is_listed(list, "predict_certain")))
            add_certain(ctx, g, i, trees);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static struct names copy_names(struct ctx *ctx, const struct mica_names *from)
{
    const char **at = NEWS(ctx, const char *, from->n);
    for (int i = 0; i < from->n; i++)
        at[i] = format(ctx, "%s", from->name[i]);
    return (struct names){
        from->n, at,
        from->value ? copy_bytes(ctx, from->value, (size_t)from->n * sizeof *from->value) : NULL};
}

static void name_features(struct ctx *ctx, struct graph *g, const struct mica_names *names)
{
    const int64_t columns = tensor_elements(g->input[0]);
    if (names->n != columns)
        fail(ctx, NULL, "%d names of features are given, but the model takes %lld", names->n,
             (long long)columns);
    g->features = copy_names(ctx, names);
}

static void name_classes(struct ctx *ctx, struct graph *g, const struct mica_names *names)
{
    if (g->n_labels != 1 || g->classes[0].n != names->n)
        fail(ctx, NULL, "%d names of classes are given, but the model has %d", names->n,
             g->n_labels == 1 ? g->classes[0].n : 0);
    struct names *classes = NEW(ctx, struct names);
    *classes = copy_names(ctx, names);
    g->classes = classes;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* Trees, linear models and casts read integers as they are; the others get them as float32. */
static void cast_input(struct ctx *ctx, struct graph *g)
{
    struct tensor *x = g->input[0];
    struct node *cast = graph_add_node(ctx, g, "cast", op_table[OP_cast], 1, 1);
    cast->in[0] = x;
    cast->out[0] = graph_add_tensor(ctx, g, "cast", DTYPE_FLOAT32, x->rank, x->dim);
    cast->out[0]->maker = cast;
    for (int i = 0; i < g->n_nodes - 1; i++) {
        const struct node *n = g->node[i];
        if (node_is(n, OP_trees) || node_is(n, OP_linear) || node_is(n, OP_cast))
            continue;
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] == x)
                n->in[k] = cast->out[0];
    }
    graph_order(ctx, g);
}

static void type_input(struct ctx *ctx, struct graph *g, const char *word)
{
    const int type = dtype_from_name(word);
    if (type != DTYPE_FLOAT32 && type != DTYPE_INT8 && type != DTYPE_UINT8 && type != DTYPE_INT16)
        fail(ctx, NULL, "features cannot be %s: take float32, int8, uint8 or int16", word);
    if (type != (int)DTYPE_FLOAT32)
        cast_input(ctx, g);
    g->input[0]->type = (enum dtype)type;
}

/* Results end in a cast to float32; without it they are the library's own float64. */
static void keep_float64(struct ctx *ctx, struct graph *g)
{
    if (core_has_program_memory(ctx->options.target))
        fail(ctx, NULL, "a double has 32 bits on %s: results of float64 need another core",
             ctx->options.target);
    for (int i = 0; i < g->n_outputs; i++) {
        const struct node *n = g->output[i]->maker;
        if (n && node_is(n, OP_cast) && n->in[0]->type == DTYPE_FLOAT64)
            g->output[i] = n->in[0];
    }
}

void pass_estimator(struct ctx *ctx, struct graph *g)
{
    const struct mica_options *o = &ctx->options;
    if (!g->role) {
        if (o->functions || o->input_type || o->float64 || o->finite || o->leaf_bits ||
            o->features.n || o->classes.n)
            fail(ctx, NULL,
                 "functions, types of features and names are for estimators; this is a "
                 "network, whose inputs and outputs are as they are");
        return;
    }
    if (g->n_inputs != 1)
        fail(ctx, NULL, "an estimator has one input, the row of features, not %d", g->n_inputs);
    if (o->stream_axis || o->by_row || o->max_ram)
        fail(ctx, NULL, "rows and streams are for networks; this is an estimator");
    if (o->share_io)
        fail(ctx, NULL,
             "--share-io is for networks: an estimator's row of features is the caller's");
    check_roles(ctx, g);
    if (g->features.n && g->features.n != tensor_elements(g->input[0]))
        fail(ctx, NULL, "the file has %d names of features for %lld columns", g->features.n,
             (long long)tensor_elements(g->input[0]));
    if (o->leaf_bits)
        round_leaves_of(ctx, g);
    if (o->functions)
        keep_functions(ctx, g, o->functions);
    if (o->features.n)
        name_features(ctx, g, &o->features);
    if (o->classes.n)
        name_classes(ctx, g, &o->classes);
    if (o->float64)
        keep_float64(ctx, g);
    if (o->input_type)
        type_input(ctx, g, o->input_type);
}
