/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_mica.c - nodes of the domain ai.mica.
 *
 * Such a node is an operator of this compiler (op/ops.def) under its own name: its attributes are
 * those of op/attr.h, words as strings, its inputs stand in our order, and an omitted one is "".
 * The Python package writes them, for what the standard operators cannot say in full precision.
 * Shapes and types of results are not in the file: the operator gives them.
 */
#include <string.h>

#include "read/onnx.h"
#include "compile.h"

const char onnx_mica_domain[] = "ai.mica";

static int32_t read_int(struct onnx *o, const onnx_node *n, const onnx_attribute *a, int64_t x)
{
    if (x < INT32_MIN || x > INT32_MAX)
        onnx_fail(o, n, "the attribute '%s' is %lld, beyond 32 bits", a->name, (long long)x);
    return (int32_t)x;
}

static void read_ints(struct onnx *o, const onnx_node *n, const onnx_attribute *a,
                      struct int_list *list)
{
    if (a->n_ints > RANK_MAX)
        onnx_fail(o, n, "the attribute '%s' has %zu numbers; at most %d are supported", a->name,
                  a->n_ints, RANK_MAX);
    list->n = (int)a->n_ints;
    for (int i = 0; i < list->n; i++)
        list->at[i] = read_int(o, n, a, a->ints[i]);
}

static void read_attribute(struct onnx *o, const onnx_node *n, const onnx_attribute *a,
                           const struct attr_field *field, void *at)
{
    const char *const activations[] = {activation_name(ACT_NONE), activation_name(ACT_RELU),
                                       activation_name(ACT_RELU6),
                                       activation_name(ACT_RELU_N1_TO_1), NULL};
    const bool is_int = field->type == ATTR_INT || field->type == ATTR_BOOL;
    if ((is_int && !a->has_i) || (field->type == ATTR_FLOAT && !a->has_f))
        onnx_fail(o, n, "the attribute '%s' must be %s", a->name,
                  is_int ? "an integer (INT)" : "a number (FLOAT)");
    switch (field->type) {
    case ATTR_INT:
        *(int32_t *)at = read_int(o, n, a, a->i);
        break;
    case ATTR_BOOL:
        if (a->i != 0 && a->i != 1)
            onnx_fail(o, n, "the attribute '%s' is %lld; it must be 0 or 1", a->name,
                      (long long)a->i);
        *(bool *)at = a->i == 1;
        break;
    case ATTR_FLOAT:
        *(float *)at = a->f;
        break;
    case ATTR_INTS:
        read_ints(o, n, a, at);
        break;
    case ATTR_ACTIVATION:
        *(enum activation *)at = (enum activation)onnx_choice(o, n, a->name, activations);
        break;
    case ATTR_ENUM:
        *(int32_t *)at = onnx_choice(o, n, a->name, field->words);
        break;
    }
}

static void read_attributes(struct onnx *o, const onnx_node *n, struct node *to)
{
    for (size_t i = 0; i < n->n_attribute; i++) {
        const onnx_attribute *a = n->attribute[i];
        const char *name = a->name ? a->name : "";
        const struct attr_field *field = to->op->attrs;
        while (field && field->name && strcmp(field->name, name))
            field++;
        if (!field || !field->name)
            onnx_fail(o, n, "%s has no attribute '%s'", to->op->name, name);
        if (onnx_find(n, name) != a)
            onnx_fail(o, n, "the attribute '%s' is given twice", name);
        read_attribute(o, n, a, field, (char *)to->attr + field->offset);
    }
}

/* Operators whose result may be of several types or shapes (cast, reshape) find there what the file
 * says of it. */
static void give_output(struct onnx *o, const onnx_node *n, struct node *to, int k)
{
    if (!*n->output[k])
        onnx_fail(o, n, "its output %d has no name", k);
    const onnx_info *declared = onnx_value(o, n->output[k])->declared;
    int32_t dim[RANK_MAX];
    const int type = onnx_type(declared), rank = onnx_shape(declared, dim);
    to->out[k] = graph_add_tensor(o->ctx, o->graph, n->output[k],
                                  type < 0 ? DTYPE_FLOAT32 : (enum dtype)type, rank < 0 ? 0 : rank,
                                  dim);
    to->out[k]->maker = to;
    onnx_out(o, n, (size_t)k, to->out[k]);
}

static void check_output(struct onnx *o, const onnx_node *n, const struct tensor *t)
{
    const onnx_info *declared = onnx_value(o, t->name)->declared;
    const int type = onnx_type(declared);
    if (declared && type != (int)t->type)
        onnx_fail(o, n, "its output '%s' is %s in the file, but %s", t->name,
                  type < 0 ? "no tensor of numbers" : dtype_name((enum dtype)type),
                  format(o->ctx, "the operator gives %s", tensor_text(o->ctx, t)));
}

void onnx_read_mica(struct onnx *o, const onnx_node *n)
{
    const struct op *op = op_find(n->op_type);
    if (!op)
        onnx_fail(o, n,
                  "this version of Mica has no operator '%s': the file was written for another "
                  "one",
                  n->op_type);
    if (n->n_output != (size_t)op->n_out || n->n_input < (size_t)op->min_in ||
        n->n_input > (size_t)op->max_in)
        onnx_fail(o, n, "has %zu inputs and %zu outputs; %s takes %d to %d and gives %d",
                  n->n_input, n->n_output, op->name, op->min_in, op->max_in, op->n_out);
    struct tensor *in[NODE_INPUTS_MAX];
    for (size_t i = 0; i < n->n_input; i++)
        in[i] = onnx_in(o, n, i);
    struct node *to = graph_add_node(o->ctx, o->graph, onnx_node_name(o, n), op, (int)n->n_input,
                                     op->n_out);
    memcpy(to->in, in, n->n_input * sizeof *in);
    read_attributes(o, n, to);
    for (int k = 0; k < op->n_out; k++)
        give_output(o, n, to, k);
    infer_outputs(o->ctx, to);
    for (int k = 0; k < op->n_out; k++)
        check_output(o, n, to->out[k]);
}
