/* SPDX-License-Identifier: Apache-2.0 */
/* header.c - NAME.h, the contract: what a user has to know, and all of it. */
#include <inttypes.h>
#include <string.h>

#include "emit/emit.h"
#include "report/report.h"
#include "compile.h"

/* "no library" but the models' own. */
const char *library_words(struct emit *e)
{
    return e->ctx->options.library ? format(e->ctx, " but %s", e->ctx->options.library) : "";
}

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
    text_add(e->out, " *   work       %" PRId64 " multiply-accumulates a %s, in %d steps\n",
             p->stream ? p->stream->macs : macs, p->stream ? "hop" : "run", p->n_steps);
    if (e->ctx->channels.weights_left != e->ctx->channels.weights) {
        text_add(e->out, " *              ");
        report_channels(e->out, e->ctx);
        text_add(e->out, "\n");
    }
    text_add(e->out, " *   flash      %" PRId64 " bytes of weights and tables, and the code\n",
             constant_bytes(p));
    if (p->schedule && p->schedule->buffer_bytes)
        text_add(e->out,
                 " *   RAM        %" PRId32 " bytes of state, inputs and outputs and %" PRId32
                 " of kernels' buffers included\n",
                 p->schedule->state_bytes, p->schedule->buffer_bytes);
    else if (p->schedule || p->stream)
        text_add(e->out,
                 " *   RAM        %" PRId32 " bytes of state, inputs and outputs included\n",
                 p->stream ? p->stream->state_bytes : p->schedule->state_bytes);
    else
        text_add(e->out,
                 " *   RAM        %" PRId32
                 " bytes of scratch%s; no plan can need less than %" PRId32 "\n",
                 p->plan->bytes, e->ctx->options.share_io ? ", inputs and outputs included" : "",
                 p->plan->lower_bound);
    text_add(e->out, " *   numbers    profile %s: %s\n", profile[e->ctx->options.profile],
             reference[e->ctx->options.profile]);
    if (p->schedule || p->stream) {
        text_add(e->out, " *\n");
        (p->stream ? report_stream : report_rows)(e->out, e->ctx, " * ");
    }
    text_add(e->out,
             " *\n * No heap, no library%s, no state %s. This file and its source are "
             "yours to use\n * without obligations (0BSD).\n */\n",
             library_words(e), p->stream ? "but the stream's" : "between runs");
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
            text_add(e->out, "#define %s_%s_ZERO  (%d)\n", e->upper, macro, (int)t->quant.zero[0]);
        }
        text_add(e->out, "\n");
    }
}

void emit_members(struct emit *e, const char *indent)
{
    const struct plan *plan = e->program->plan;
    bool any = false, words = false, halves = false;
    for (int i = 0; i < N_MEMBERS; i++) {
        const char *member = emit_member(e, i);
        const int32_t size = dtype_bits(emit_member_type(i)) / 8;
        const int32_t elements = (plan->bytes + size - 1) / size;
        if (member && emit_member_type(i) == DTYPE_FLOAT64) /* of 4 bytes on AVR */
            text_add(e->out, "%sdouble %s[%" PRId32 " / sizeof(double)];\n", indent, member,
                     elements * size);
        else if (member)
            text_add(e->out, "%s%s %s[%" PRId32 "];\n", indent, dtype_c(emit_member_type(i)),
                     member, elements);
        any |= member != NULL;
        words |= member && size >= 4;
        halves |= member && size == 2;
    }
    const bool is_state = e->program->stream || e->program->schedule;
    if (halves && !words &&
        (!is_state || (e->program->schedule && e->program->schedule->buffer_bytes)))
        /* kernels read memory of their own by words */
        text_add(e->out, "%sint32_t align;\n", indent);
    if (!any)
        text_add(e->out, "%sint8_t s8[1];\n", indent);
}

static void emit_scratch(struct emit *e)
{
    const struct plan *plan = e->program->plan;
    text_add(e->out,
             "/* Working memory. It need not be kept between runs and may be shared with other "
             "code.%s */\n",
             plan->bytes ? "" : " This model\n * needs none.");
    text_add(e->out, "#define %s_SCRATCH_BYTES %" PRId32 "\nunion %s_scratch {\n", e->upper,
             plan->bytes, e->name);
    emit_members(e, "    ");
    text_add(e->out, "};\n\n");
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

/* Where the caller writes inputs and reads outputs, when they lie in our memory: `of` names the
 * type and `at` leads from a pointer to it to the union. */
static void emit_accessors(struct emit *e, bool is_input, const char *of, const char *at)
{
    struct tensor *const *list = is_input ? e->graph->input : e->graph->output;
    const int n = is_input ? e->graph->n_inputs : e->graph->n_outputs;
    const struct plan *plan = e->program->plan;
    for (int i = 0; i < n; i++) {
        const struct tensor *t = list[i];
        const char *part = n == 1 ? "" : strchr(name_io(e, i, is_input), '_');
        const int element = dtype_bits(t->type) / 8;
        const char *offset =
            e->program->stream
                ? emit_stream_output(e, t)
                : format(e->ctx, "%d", (int)(plan->interval[plan->of[t->index]].offset / element));
        text_add(e->out,
                 "static inline %s%s *%s_%s%s(%s%s %s_%s *%s)\n{\n    return %s%s + %s;\n}\n",
                 is_input ? "" : "const ", dtype_c(t->type), e->name, is_input ? "input" : "output",
                 part, is_input ? "" : "const ", strcmp(of, "state") ? "union" : "struct", e->name,
                 of, of, at, name_member(t), offset);
    }
}

static void emit_functions(struct emit *e)
{
    emit_scratch(e);
    if (e->ctx->options.share_io) {
        text_add(e->out, "/* Inputs and outputs lie in the scratch memory: write the inputs before "
                         "a run, which overwrites\n * them, and read the outputs after it. */\n");
        emit_accessors(e, true, "scratch", "scratch->");
        emit_accessors(e, false, "scratch", "scratch->");
        text_add(e->out, "\n/* Runs the model once. */\n");
    } else {
        text_add(e->out, "/* Runs the model once. Inputs and outputs must not overlap the scratch "
                         "memory or each other. */\n");
    }
    emit_signature(e);
    text_add(e->out, ";\n");
}

/* The row schedule: a state with the memory and the counters of rows. */
static void emit_state(struct emit *e)
{
    const struct schedule *s = e->program->schedule;
    text_add(e->out,
             "/* All that the model keeps: memory for the rows that are alive, input and "
             "output included%s. Two\n * states are two independent instances. */\n"
             "#define %s_STATE_BYTES %" PRId32 "\nstruct %s_state {\n    union {\n",
             s->n_counters ? ", and how\n * many rows of each tensor are made" : "", e->upper,
             s->state_bytes, e->name);
    emit_members(e, "        ");
    text_add(e->out, "    } mem;\n");
    if (s->n_counters)
        text_add(e->out, "    %s made[%d];\n", emit_counter_type(e), s->n_counters);
    text_add(e->out, "};\n\n");
}

static void emit_stream(struct emit *e)
{
    emit_stream_header(e);
    text_add(e->out, "/* The output, until the next push. */\n");
    emit_accessors(e, false, "state", "state->mem.");
}

static void emit_row_functions(struct emit *e)
{
    const struct schedule *s = e->program->schedule;
    const struct row_tensor *in = &s->tensor[0];
    emit_state(e);
    if (!s->by_row) {
        text_add(e->out, "/* Write the input here, then run. %s */\n",
                 e->ctx->options.keep_input
                     ? "A run leaves it as it is."
                     : "A run overwrites it: write it again before the next.");
        emit_accessors(e, true, "state", "state->mem.");
        text_add(e->out,
                 "\n/* Runs the model once. */\nvoid %s_run(struct %s_state *state);\n\n"
                 "/* The result, until the next input is written. */\n",
                 e->name, e->name);
        emit_accessors(e, false, "state", "state->mem.");
        return;
    }
    text_add(
        e->out,
        "/* The input comes row by row: %d rows of %d elements. A state of zeros is ready; reset "
        "makes it so\n * again at any time. */\n"
        "#define %s_ROWS    %d\n#define %s_ROW_LEN %d\nvoid %s_reset(struct %s_state *state);\n\n",
        (int)in->rows, (int)in->elements, e->upper, (int)in->rows, e->upper, (int)in->elements,
        e->name, e->name);
    text_add(e->out,
             "/* Where to write the next row. */\n%s *%s_row(struct %s_state *state);\n\n"
             "/* Takes the row that was written; returns 1 when it was the last and the "
             "output is ready, else 0.\n * The row after that starts the next input. */\n"
             "int %s_push(struct %s_state *state);\n\n"
             "/* The result, until the next row is written. */\n",
             dtype_c(in->tensor->type), e->name, e->name, e->name, e->name);
    emit_accessors(e, false, "state", "state->mem.");
}

void emit_header(struct emit *e)
{
    emit_banner(e, ".h");
    if (e->graph->role)
        emit_heads_figures(e);
    else
        emit_figures(e);
    text_add(e->out,
             "#ifndef %s_H\n#define %s_H\n\n#include <stdint.h>\n\n"
             "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
             e->upper, e->upper);
    if (!e->graph->role) {
        emit_io_facts(e, true);
        emit_io_facts(e, false);
    }
    if (e->graph->role)
        emit_heads_header(e);
    else if (e->program->stream)
        emit_stream(e);
    else if (e->program->schedule)
        emit_row_functions(e);
    else
        emit_functions(e);
    text_add(e->out, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
