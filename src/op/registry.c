/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - the table of operators, and questions that every operator answers alike. */
#include <string.h>

#include "ir.h"

#define OP(name) extern const struct op op_##name;
#include "op/ops.def"
#undef OP

const struct op *const op_table[OP_COUNT] = {
#define OP(name) &op_##name,
#include "op/ops.def"
#undef OP
};

const struct op *op_find(const char *name)
{
    for (int i = 0; i < OP_COUNT; i++)
        if (!strcmp(op_table[i]->name, name))
            return op_table[i];
    return NULL;
}

const char *activation_name(enum activation a)
{
    static const char *const names[ACT_COUNT] = {"none", "relu", "relu6", "relu_n1_to_1"};
    return names[a];
}

enum activation *node_activation(struct node *n)
{
    const struct attr_field *f = n->op->attrs;
    for (; f && f->name; f++)
        if (f->type == ATTR_ACTIVATION)
            return (enum activation *)(void *)((char *)n->attr + f->offset);
    return NULL;
}
