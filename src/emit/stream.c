/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - NAME.c for endless time: one hop is a list of statements, like a run, but each
 * computes only its new rows. A ring has a slot number in the state: where its next row goes, and
 * the oldest lies until then. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "emit/emit.h"

struct streamed {
    struct emit *e;
    const struct stream *s;
};

static const char *count_type(const struct stream *s)
{
    return s->count_bytes == 1 ? "uint8_t" : "uint16_t";
}

static const struct stream_tensor *of(const struct streamed *p, const struct tensor *t)
{
    const struct stream_tensor *r =
        &p->s->tensor[tensor_base((struct tensor *)(uintptr_t)t)->index];
    return r->tensor ? r : NULL;
}

/* Where a tensor's memory starts: an offset, or the free slot of the ring that lends it. */
static const char *base_of(struct streamed *p, const struct stream_tensor *t)
{
    const char *member = name_member(t->tensor);
    if (t->lender < 0)
        return format(p->e->ctx, "%s + %s", member, name_offset(p->e, t->tensor));
    const struct stream_tensor *ring = &p->s->tensor[t->lender];
    return format(p->e->ctx, "%s + %s + %d * state->slot[%d]", member,
                  name_offset(p->e, ring->tensor), (int)ring->elements, ring->ring);
}

/* Row `first + r * stride` of what is kept. A ring that was just written to begins at its slot. */
static const char *row_of(struct streamed *p, const struct stream_tensor *t, int32_t first,
                          int32_t stride, bool many)
{
    struct text *row = text_new(p->e->ctx);
    if (many)
        text_add(row, "r");
    if (many && stride != 1)
        text_add(row, " * %d", (int)stride);
    if (first || !many)
        text_add(row, many ? " + %d" : "%d", (int)first);
    if (t->ring >= 0 && !many && !first)
        return format(p->e->ctx, "%s + %d * state->slot[%d]", base_of(p, t), (int)t->elements,
                      t->ring);
    if (t->ring >= 0)
        return format(p->e->ctx, "%s + %d * mica_ring_row(state->slot[%d] + %s, %d)", base_of(p, t),
                      (int)t->elements, t->ring, row->at, (int)t->depth);
    if (many)
        return format(p->e->ctx, "%s + %d * (%s)", base_of(p, t), (int)t->elements, row->at);
    return first ? format(p->e->ctx, "%s + %d", base_of(p, t), (int)(first * t->elements))
                 : base_of(p, t);
}

/* The first row, among those kept of `in`, that row r = 0 of a call takes. */
static int32_t first_row(const struct stream_tensor *in, const struct stream_tensor *out,
                         const struct rows *rows)
{
    const int32_t window_row = out->is_whole ? 0 : (out->rows - out->fresh) * rows->stride;
    return window_row - (in->rows - in->depth);
}

/* Is loop 0 the loop over the step's rows, r? It is not printed where there is one row only. */
static bool is_by_row(const struct step *s, const struct call *c)
{
    return c->phase == PHASE_ROWS && !s->rows.whole;
}

static const char *operand(struct streamed *p, const struct step *s, const struct call *c, int k,
                           bool many)
{
    const struct tensor *t = c->operand[k].tensor;
    const struct stream_tensor *in = of(p, t), *out = of(p, s->node->out[0]);
    const struct kernel_arg *arg = &c->kernel->args[k];
    struct text *text = text_new(p->e->ctx);
    assert(in || many || !is_by_row(s, c) || !c->operand[k].step[0]);
    if (!in)
        return emit_address(p->e, c, k, many);
    const bool by_row = operand_by_row(s, c, k);
    const bool cast = arg->type != DTYPE_COUNT && strcmp(dtype_c(arg->type), dtype_c(t->type)) != 0;
    if (cast) /* kernels that only move bytes serve all types of a size */
        text_add(text, "(%s%s *)(%svoid *)(", arg->kind == ARG_OUTPUT ? "" : "const ",
                 dtype_c(arg->type), arg->kind == ARG_OUTPUT ? "" : "const ");
    if (by_row && in == out) /* new rows take the oldest ones' places in a ring, else the end */
        text_add(text, "%s", row_of(p, in, in->ring >= 0 ? 0 : in->depth - in->fresh, 1, many));
    else if (by_row)
        text_add(text, "%s",
                 row_of(p, in, first_row(in, out, &s->rows),
                        s->rows.accumulate ? 1 : s->rows.stride, many));
    else
        text_add(text, "%s", base_of(p, in));
    emit_terms(text, c, k, by_row || (is_by_row(s, c) && !many) ? 1 : 0, many);
    text_add(text, cast ? ")" : "");
    return text->at;
}

/* The number of the window's first row, among those kept of `in`. */
static const char *window_start(struct streamed *p, const struct step *s, const struct call *c,
                                int k, bool many)
{
    const struct window *w = &c->operand[k].window;
    const struct stream_tensor *in = of(p, c->operand[k].tensor), *out = of(p, s->node->out[0]);
    const int32_t first = (operand_by_row(s, c, k) ? first_row(in, out, &s->rows) : 0) - w->pad;
    const char *loop = !is_by_row(s, c) && w->loop >= 0 ? emit_loop_name(w->loop)
                       : many                           ? "r"
                                                        : NULL;
    struct text *text = text_new(p->e->ctx);
    if (loop)
        text_add(text, w->stride == 1 ? "%s" : "%s * %d", loop, (int)w->stride);
    if (loop && first)
        text_add(text, first < 0 ? " - %d" : " + %d", (int)(first < 0 ? -first : first));
    else if (!loop)
        text_add(text, "%d", (int)first);
    return text->at;
}

static const char *window(struct streamed *p, const struct step *s, const struct call *c, int k,
                          bool many)
{
    const struct window *w = &c->operand[k].window;
    const struct stream_tensor *in = of(p, c->operand[k].tensor);
    const bool is_float = c->kernel->args[k].type == DTYPE_FLOAT32;
    const char *type = is_float ? "f32" : "s8", *rows = is_float ? "rows_f32" : "rows";
    const char *start = window_start(p, s, c, k, many);
    struct text *base = text_new(p->e->ctx);
    text_add(base, "%s", base_of(p, in));
    emit_terms(base, c, k, is_by_row(s, c) ? 1 : 0, many);
    if (in->ring >= 0)
        return format(p->e->ctx, "mica_ring_%s(%s, %s, state->slot[%d], %s, %d, %d, %d, %d)", type,
                      rows, base->at, in->ring, start, (int)w->kernel, (int)w->dilation,
                      (int)in->depth, (int)w->pitch);
    return format(p->e->ctx, "mica_window_%s(%s, %s, %s, %d, %d, %d, %d)", type, rows, base->at,
                  start, (int)w->kernel, (int)w->dilation,
                  (int)(operand_by_row(s, c, k) ? in->depth : w->rows_in), (int)w->pitch);
}

static void emit_call(struct streamed *p, int step, int call)
{
    struct emit *e = p->e;
    const struct step *s = &e->program->step[step];
    const struct call *c = s->call[call];
    const struct stream_tensor *out = of(p, s->node->out[0]);
    const bool by_row = is_by_row(s, c);
    const int32_t rows = s->rows.accumulate ? s->rows.rows_in : out->fresh;
    const bool many = by_row && rows > 1;
    int indent = 4;
    if (many) {
        text_add(e->out, "    for (int r = 0; r < %d; r++)\n", (int)rows);
        indent += 4;
    }
    indent += 4 * emit_loops(e, c, by_row ? 1 : 0, indent);
    text_add(e->out, "%*s%s(", indent, "", c->kernel->name);
    if (c->params)
        emit_params_argument(e, step, call);
    for (int k = 0; k < c->kernel->n_args; k++) {
        const bool first = k == 0 && !c->params;
        const enum arg_kind kind = c->kernel->args[k].kind;
        if (kind == ARG_COUNT)
            text_add(e->out, "%s%d", first ? "" : ", ", (int)c->count);
        else if (kind == ARG_ROWS)
            text_add(e->out, "%s\n%*s%s", first ? "" : ",", indent + 4, "",
                     window(p, s, c, k, many));
        else
            text_add(e->out, "%s%s", first ? "" : ", ", operand(p, s, c, k, many));
    }
    text_add(e->out, ");\n");
}

/* Makes room for the new rows of a buffer: all but float32 moves as bytes. */
static void emit_shift(struct streamed *p, const struct stream_tensor *t)
{
    const int32_t by = t->fresh * t->elements, n = (t->depth - t->fresh) * t->elements;
    const int size = dtype_bits(t->tensor->type) / 8;
    if (t->ring >= 0 || t->is_whole || t->depth == t->fresh)
        return;
    if (t->tensor->type == DTYPE_FLOAT32 || t->tensor->type == DTYPE_INT8)
        text_add(p->e->out, "    mica_shift_%s(state->mem.%s + %s, %d, %d);\n",
                 t->tensor->type == DTYPE_FLOAT32 ? "f32" : "s8", name_member(t->tensor),
                 name_offset(p->e, t->tensor), (int)by, (int)n);
    else
        text_add(p->e->out, "    mica_shift_s8((int8_t *)(state->mem.%s + %s), %d, %d);\n",
                 name_member(t->tensor), name_offset(p->e, t->tensor), (int)(by * size),
                 (int)(n * size));
}

/* A ring turns on after its new rows are written. */
static void emit_turn_ring(struct streamed *p, const struct stream_tensor *t, int32_t by)
{
    if (t->ring >= 0)
        text_add(p->e->out, "    state->slot[%d] = (%s)mica_ring_row(state->slot[%d] + %d, %d);\n",
                 t->ring, count_type(p->s), t->ring, (int)by, (int)t->depth);
}

static void emit_hop(struct streamed *p)
{
    struct emit *e = p->e;
    text_add(e->out,
             "/* The rows of one hop have come: computes what is new of every tensor. */\n"
             "static void %s_hop(struct %s_state *state)\n{\n",
             e->name, e->name);
    emit_locals(e, "state->mem.");
    for (int i = 0; i < e->program->n_steps; i++) {
        const struct stream_tensor *out = of(p, e->program->step[i].node->out[0]);
        text_add(e->out, "\n    /* ");
        emit_step_comment(e, i);
        text_add(e->out, " */\n");
        emit_mark(e, i, 4);
        emit_shift(p, out);
        for (int k = 0; k < e->program->step[i].n_calls; k++)
            emit_call(p, i, k);
        emit_turn_ring(p, out, out->fresh);
    }
    text_add(e->out, "}\n\n");
}

/* The input's rows come one by one. In a ring each takes the oldest one's place; a buffer is
 * shifted after a hop, so that there is room for the rows of the next. */
static void emit_feed(struct streamed *p)
{
    struct emit *e = p->e;
    const struct stream_tensor *in = of(p, e->graph->input[0]);
    const int32_t hop = p->s->hop, window_rows = in->rows;
    const char *type = dtype_c(in->tensor->type), *member = name_member(in->tensor);
    text_add(e->out, "void %s_reset(struct %s_state *state)\n{\n", e->name, e->name);
    if (p->s->n_rings)
        text_add(e->out, "    for (int i = 0; i < %d; i++)\n        state->slot[i] = 0;\n",
                 p->s->n_rings);
    text_add(e->out, "    state->frames = 0;\n%s}\n\n", hop > 1 ? "    state->fresh = 0;\n" : "");
    text_add(e->out, "%s *%s_row(struct %s_state *state)\n{\n", type, e->name, e->name);
    if (in->ring >= 0)
        text_add(e->out, "    return state->mem.%s + %s + %d * state->slot[%d];\n}\n\n", member,
                 name_offset(e, in->tensor), (int)in->elements, in->ring);
    else
        text_add(e->out, "    return state->mem.%s + %s + %d * %s%d%s;\n}\n\n", member,
                 name_offset(e, in->tensor), (int)in->elements, hop > 1 ? "(state->fresh + " : "",
                 (int)(in->depth - hop), hop > 1 ? ")" : "");
    text_add(e->out, "int %s_push(struct %s_state *state)\n{\n", e->name, e->name);
    emit_turn_ring(p, in, 1);
    text_add(e->out, "    if (state->frames < %d)\n        state->frames++;\n", (int)window_rows);
    if (hop > 1)
        text_add(e->out, "    if (++state->fresh < %d)\n        return 0;\n    state->fresh = 0;\n",
                 (int)hop);
    text_add(e->out, "    %s_hop(state);\n", e->name);
    emit_shift(p, in);
    text_add(e->out, "    return state->frames == %d;\n}\n", (int)window_rows);
}

const char *emit_stream_output(struct emit *e, const struct tensor *t)
{
    const struct stream *s = e->program->stream;
    const struct stream_tensor *out = &s->tensor[tensor_base((struct tensor *)(uintptr_t)t)->index];
    if (out->lender < 0)
        return format(e->ctx, "%d", (int)(out->offset / (dtype_bits(t->type) / 8)));
    const struct stream_tensor *ring = &s->tensor[out->lender];
    return format(e->ctx, "%d + %d * state->slot[%d]",
                  (int)(ring->offset / (dtype_bits(t->type) / 8)), (int)ring->elements, ring->ring);
}

bool emit_stream_window(const struct emit *e, enum dtype type, bool of_ring)
{
    for (int i = 0; i < e->program->n_steps; i++) {
        const struct step *s = &e->program->step[i];
        for (int c = 0; c < s->n_calls; c++)
            for (int k = 0; k < s->call[c]->kernel->n_args; k++) {
                const struct kernel_arg *arg = &s->call[c]->kernel->args[k];
                if (arg->kind != ARG_ROWS || arg->type != type)
                    continue;
                const struct tensor *t = tensor_base(s->call[c]->operand[k].tensor);
                if ((e->program->stream->tensor[t->index].ring >= 0) == of_ring)
                    return true;
            }
    }
    return false;
}

void emit_streamed(struct emit *e)
{
    struct streamed p = {e, e->program->stream};
    emit_hop(&p);
    emit_feed(&p);
}

void emit_stream_header(struct emit *e)
{
    const struct stream *s = e->program->stream;
    const struct stream_tensor *in = &s->tensor[e->graph->input[0]->index];
    const char *type = dtype_c(in->tensor->type);
    text_add(
        e->out,
        "/* All that the stream keeps: the rows that coming windows share, and where they lie.\n"
        " * Two states are two independent streams. */\n"
        "#define %s_STATE_BYTES %" PRId32 "\nstruct %s_state {\n    union {\n",
        e->upper, s->state_bytes, e->name);
    emit_members(e, "        ");
    text_add(e->out, "    } mem;\n");
    if (s->n_rings)
        text_add(e->out, "    %s slot[%d];\n", count_type(s), s->n_rings);
    text_add(e->out, "    %s frames%s;\n};\n\n", count_type(s), s->hop > 1 ? ", fresh" : "");
    text_add(
        e->out,
        "/* Time is endless: %d rows of %d elements make a window. The first output comes with\n"
        " * row %d, then one with every %s: the output of the window that ends there, exactly,\n"
        " * for %" PRId64
        " multiply-accumulates. A state of zeros is ready; reset makes it so at any time. */\n"
        "#define %s_ROWS    %d\n#define %s_HOP     %d\n#define %s_ROW_LEN %d\n"
        "void %s_reset(struct %s_state *state);\n\n",
        (int)in->rows, (int)in->elements, (int)s->first,
        s->hop > 1 ? format(e->ctx, "%d rows", (int)s->hop) : "row", s->macs, e->upper,
        (int)in->rows, e->upper, (int)s->hop, e->upper, (int)in->elements, e->name, e->name);
    text_add(e->out,
             "/* Where to write the next row. */\n%s *%s_row(struct %s_state *state);\n\n"
             "/* Takes the row that was written; returns 1 when there is a new output, else 0. */\n"
             "int %s_push(struct %s_state *state);\n\n",
             type, e->name, e->name, e->name, e->name);
}
