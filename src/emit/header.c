/* SPDX-License-Identifier: Apache-2.0 */
/* header.c - NAME.h, the contract: what a user has to know, and all of it. */
#include <inttypes.h>
#include <string.h>

#include "emit/emit.h"

static void emit_figures(struct emit *e)
{
    const struct program *p = e->program;
    static const char *const profile[] = {"tflm", "single", "litert"};
    static const char *const reference[] = {
        "TensorFlow Lite Micro's reference kernels (two roundings)",
        "single rounding, as ruy and CMSIS-NN's single-rounding build",
        "LiteRT's reference kernels",
    };
    int64_t macs = 0;
    for (int i = 0; i < p->n_steps; i++)
        macs += p->step[i].node->op->macs ? p->step[i].node->op->macs(p->step[i].node) : 0;
    text_add(e->out, "\n *\n");
    text_add(e->out, " *   work       %" PRId64 " multiply-accumulates a run, in %d steps\n", macs,
             p->n_steps);
    text_add(e->out, " *   flash      %" PRId64 " bytes of weights and tables, and the code\n",
             constant_bytes(p));
    text_add(e->out, " *   RAM        %" PRId32 " bytes of scratch%s; no plan can need less than %"
                     PRId32 "\n", p->plan->bytes,
             e->ctx->options.share_io ? ", inputs and outputs included" : "",
             p->plan->lower_bound);
    text_add(e->out, " *   numbers    profile %s: %s\n", profile[e->ctx->options.profile],
             reference[e->ctx->options.profile]);
    text_add(e->out, " *\n * No heap, no library, no state between runs. This file and its source are "
                     "yours to use\n * without obligations (0BSD).\n */\n");
}

static void emit_io_facts(struct emit *e, bool is_input)
{
    struct tensor *const *list = is_input ? e->graph->input : e->graph->output;
    const int n = is_input ? e->graph->n_inputs : e->graph->n_outputs;
    for (int i = 0; i < n; i++) {
        const struct tensor *t = list[i];
        const char *macro = name_io_macro(e, i, is_input);
        text_add(e->out, "/* %s \"%s\": %s, row-major", is_input ? "Input" : "Output",
                 name_comment(e->ctx, t->name), tensor_text(e->ctx, t));
        if (t->quant.n == 1)
            text_add(e->out, "; real = %.9g * (q - %d)", (double)t->quant.scale[0],
                     (int)t->quant.zero[0]);
        text_add(e->out, " */\n#define %s_%s_LEN   %" PRId64 "\n", e->upper, macro,
                 tensor_elements(t));
        if (t->quant.n == 1) {
            text_add(e->out, "#define %s_%s_SCALE %.9e%s\n", e->upper, macro,
                     (double)t->quant.scale[0], "f");
            text_add(e->out, "#define %s_%s_ZERO  (%d)\n", e->upper, macro,
                     (int)t->quant.zero[0]);
        }
        text_add(e->out, "\n");
    }
}

static void emit_scratch(struct emit *e)
{
    /* The largest alignment first, then by name: the order says nothing else. */
    static const enum dtype types[] = {DTYPE_INT64,  DTYPE_FLOAT32, DTYPE_INT32, DTYPE_UINT32,
                                       DTYPE_INT16,  DTYPE_UINT16,  DTYPE_INT8,  DTYPE_UINT8};
    const struct plan *plan = e->program->plan;
    text_add(e->out,
             "/* Working memory. It need not be kept between runs and may be shared with other "
             "code.%s */\n",
             plan->bytes ? "" : " This model\n * needs none.");
    text_add(e->out, "#define %s_SCRATCH_BYTES %" PRId32 "\nunion %s_scratch {\n", e->upper,
             plan->bytes, e->name);
    int members = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct tensor probe = {.type = types[i]};
        bool used = false;
        for (int k = 0; k < e->graph->n_tensors; k++) {
            const struct tensor *t = e->graph->tensor[k];
            used |= plan->of[k] >= 0 && !strcmp(name_member(t), name_member(&probe));
        }
        int32_t size = dtype_bits(types[i]) / 8;
        if (used)
            text_add(e->out, "    %s %s[%" PRId32 "];\n", dtype_c(types[i]), name_member(&probe),
                     (plan->bytes + size - 1) / size);
        members += used;
    }
    text_add(e->out, "%s};\n\n", members ? "" : "    int8_t s8[1];\n");
}

void emit_signature(struct emit *e)
{
    text_add(e->out, "void %s_run(union %s_scratch *scratch", e->name, e->name);
    for (int is_output = 0; is_output < 2 && !e->ctx->options.share_io; is_output++) {
        const bool is_input = !is_output;
        const int n = is_input ? e->graph->n_inputs : e->graph->n_outputs;
        for (int i = 0; i < n; i++) {
            const struct tensor *t = is_input ? e->graph->input[i] : e->graph->output[i];
            text_add(e->out, ",\n    %s%s %s[%s_%s_LEN]", is_input ? "const " : "",
                     dtype_c(t->type), name_io(e, i, is_input), e->upper,
                     name_io_macro(e, i, is_input));
        }
    }
    text_add(e->out, ")");
}

/* With share_io: where the caller writes inputs and reads outputs. */
static void emit_accessors(struct emit *e, bool is_input)
{
    struct tensor *const *list = is_input ? e->graph->input : e->graph->output;
    const int n = is_input ? e->graph->n_inputs : e->graph->n_outputs;
    for (int i = 0; i < n; i++) {
        const struct tensor *t = list[i];
        const struct plan *plan = e->program->plan;
        const char *part = n == 1 ? "" : strchr(name_io(e, i, is_input), '_');
        text_add(e->out,
                 "static inline %s%s *%s_%s%s(union %s_scratch *scratch)\n{\n"
                 "    return scratch->%s + %d;\n}\n",
                 is_input ? "" : "const ", dtype_c(t->type), e->name,
                 is_input ? "input" : "output", part, e->name, name_member(t),
                 (int)(plan->interval[plan->of[t->index]].offset / (dtype_bits(t->type) / 8)));
    }
}

void emit_header(struct emit *e)
{
    emit_banner(e, ".h");
    emit_figures(e);
    text_add(e->out, "#ifndef %s_H\n#define %s_H\n\n#include <stdint.h>\n\n"
                     "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
             e->upper, e->upper);
    emit_io_facts(e, true);
    emit_io_facts(e, false);
    emit_scratch(e);
    if (e->ctx->options.share_io) {
        text_add(e->out, "/* Inputs and outputs lie in the scratch memory: write the inputs before "
                         "a run, which overwrites\n * them, and read the outputs after it. */\n");
        emit_accessors(e, true);
        emit_accessors(e, false);
        text_add(e->out, "\n/* Runs the model once. */\n");
    } else {
        text_add(e->out, "/* Runs the model once. Inputs and outputs must not overlap the scratch "
                         "memory or each other. */\n");
    }
    emit_signature(e);
    text_add(e->out, ";\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
