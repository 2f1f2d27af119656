/* SPDX-License-Identifier: Apache-2.0 */
/* operators.c - the table of supported operators and types, from the tables that decide it. */
#include "report/report.h"
#include "read/tflite.h"

enum { CODES = 1 << 9 }; /* more than the schema has */

static void add_types(struct text *out, const struct op *op)
{
    bool first = true;
    for (int i = 0; i < DTYPE_COUNT; i++) {
        if (!(op->types & UINT32_C(1) << i))
            continue;
        text_add(out, "%s%s", first ? "" : ", ", dtype_name((enum dtype)i));
        first = false;
    }
}

void report_operators(struct text *out)
{
    text_add(out,
             "# Supported operators\n\n"
             "This page is what `mica operators` prints. Types are those of the first input. What "
             "is not\nlisted is refused by name, with the node, its tensors and what to do.\n\n"
             "| operator in a .tflite file | in Mica | types | what |\n|---|---|---|---|\n");
    for (int kind = 0; kind < OP_COUNT; kind++) {
        const struct op *op = op_table[kind];
        text_add(out, "| ");
        bool first = true;
        for (int32_t code = 0; code < CODES; code++) {
            const struct tfl_row *row = tfl_row(code);
            if (!row || op_table[row->kind] != op)
                continue;
            text_add(out, "%s%s", first ? "" : ", ", row->name);
            first = false;
        }
        text_add(out, " | %s | ", op->name);
        add_types(out, op);
        text_add(out, " | %s |\n", op->summary);
    }
    text_add(out,
             "\nWeights and biases must be constants. int8 convolutions and dense layers take "
             "symmetric int8 weights,\nper tensor or per output channel, and int32 biases. float32 "
             "models may hold float16 weights, and\nint8 weights beside float32 activations "
             "(dynamic range): both become float32 when they are compiled.\n");
}
