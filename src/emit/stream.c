/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - NAME.c for endless time: one hop is a list of statements, like a run, but each computes
 * only its new rows. A ring has a slot number in the state: where its next row goes, and the oldest
 * lies until then. */
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
        text_add(row, stride == 1 ? "%sr" : "%sr * ", "");
    if (many && stride != 1)
        text_add(row, "%d", (int)stride);
    if (first || !many)
        text_add(row, many ? " + %d" : "%d", (int)first);
    if (t->ring < 0) {
        if (!many)
            return first ? format(p->e->ctx, "%s + %d", base_of(p, t), (int)(first * t->elements))
                         : base_of(p, t);
        return format(p->e->ctx, "%s + %d * (%s)", base_of(p, t), (int)t->elements, row->at);
    }
    if (!many && !first)
        return format(p->e->ctx, "%s + %d * state->slot[%d]", base_of(p, t), (int)t->elements,
                      t->ring);
    return format(p->e->ctx, "%s + %d * ((state->slot[%d] + %s) %% %d)", base_of(p, t),
                  (int)t->elements, t->ring, row->at, (int)t->depth);
}

/* The first row, among those kept of `in`, that row r = 0 of a call takes. */
static int32_t first_row(const struct stream_tensor *in, const struct stream_tensor *out,
                         const struct rows *rows)
{
    const int32_t window_row = out->is_whole ? 0 : (out->rows - out->fresh) * rows->stride;
    return window_row - (in->rows - in->depth);
}

static const char *operand(struct streamed *p, const struct step *s, const struct call *c, int k,
                           bool many)
{
    const struct tensor *t = c->operand[k].tensor;
    const struct stream_tensor *in = of(p, t), *out = of(p, s->node->out[0]);
    const bool by_row = operand_by_row(s, c, k) && in && tensor_rows(t) == in->rows;
    struct text *text = text_new(p->e->ctx);
    if (!in)
        return emit_address(p->e, c, k, many);
    if (by_row && in == out) {
        /* New rows take the oldest rows' places in a ring, the end of a buffer otherwise. */
        int32_t first = in->ring >= 0 ? 0 : in->depth - in->fresh;
        text_add(text, "%s", row_of(p, in, first, 1, many));
    } else if (by_row) {
        text_add(text, "%s",
                 row_of(p, in, first_row(in, out, &s->rows),
                        s->rows.accumulate ? 1 : s->rows.stride, many));
    } else {
        text_add(text, "%s", base_of(p, in));
    }
    emit_terms(text, c, k, by_row ? 1 : 0, many);
    return text->at;
}

static const char *window(struct streamed *p, const struct step *s, const struct call *c, int k,
                          bool many)
{
    const struct window *w = &c->operand[k].window;
    const struct stream_tensor *in = of(p, c->operand[k].tensor), *out = of(p, s->node->out[0]);
    const bool is_float = c->kernel->args[k].type == DTYPE_FLOAT32;
    const char *type = is_float ? "f32" : "s8", *rows = is_float ? "rows_f32" : "rows";
    if (out->is_whole) /* over a whole window, padding included */
        return format(p->e->ctx, "mica_window_%s(%s, %s, %s%d - %d, %d, %d, %d, %d)", type, rows,
                      base_of(p, in), many ? "r * " : "0 * ", (int)w->stride, (int)w->pad,
                      (int)w->kernel, (int)w->dilation, (int)w->rows_in, (int)w->pitch);
    const int32_t first = first_row(in, out, &s->rows);
    const char *start = many ? format(p->e->ctx, "r * %d + %d", (int)w->stride, (int)first)
                             : format(p->e->ctx, "%d", (int)first);
    if (in->ring < 0)
        return format(p->e->ctx, "mica_window_%s(%s, %s, %s, %d, %d, %d, %d)", type, rows,
                      base_of(p, in), start, (int)w->kernel, (int)w->dilation, (int)in->depth,
                      (int)w->pitch);
    return format(p->e->ctx, "mica_ring_%s(%s, %s, state->slot[%d], %s, %d, %d, %d, %d)", type,
                  rows, base_of(p, in), in->ring, start, (int)w->kernel, (int)w->dilation,
                  (int)in->depth, (int)w->pitch);
}

static void emit_call(struct streamed *p, int step, int call)
{
    struct emit *e = p->e;
    const struct step *s = &e->program->step[step];
    const struct call *c = s->call[call];
    const struct stream_tensor *out = of(p, s->node->out[0]);
    const bool by_row = c->phase == PHASE_ROWS && !s->rows.whole;
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
        const char *comma = k == 0 && !c->params ? "" : ", ";
        if (c->kernel->args[k].kind == ARG_COUNT)
            text_add(e->out, "%s%d", comma, (int)c->count);
        else if (c->kernel->args[k].kind == ARG_ROWS)
            text_add(e->out, "%s%s", comma, window(p, s, c, k, many));
        else
            text_add(e->out, "%s%s", comma, operand(p, s, c, k, many));
    }
    text_add(e->out, ");\n");
}

/* Makes room for the new rows of a buffer; a ring turns on after they are written. */
static void emit_shift(struct streamed *p, const struct stream_tensor *t)
{
    if (t->ring < 0 && !t->is_whole && t->depth > t->fresh)
        text_add(p->e->out, "    mica_shift_%s(%s, %d, %d);\n",
                 t->tensor->type == DTYPE_FLOAT32 ? "f32" : "s8", base_of(p, t),
                 (int)(t->fresh * t->elements), (int)((t->depth - t->fresh) * t->elements));
}

static void emit_turn_ring(struct streamed *p, const struct stream_tensor *t, int32_t by)
{
    if (t->ring >= 0)
        text_add(p->e->out, "    state->slot[%d] = (%s)((state->slot[%d] + %d) %% %d);\n", t->ring,
                 count_type(p->s), t->ring, (int)by, (int)t->depth);
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
        emit_shift(p, out);
        for (int k = 0; k < e->program->step[i].n_calls; k++)
            emit_call(p, i, k);
        emit_turn_ring(p, out, out->fresh);
    }
    text_add(e->out, "}\n\n");
}

/* The input's rows come one by one. In a ring each takes the oldest one's place; a buffer is shifted
 * at the first row of a hop. */
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
    if (in->ring < 0 && in->depth > hop)
        text_add(
            e->out, "    mica_shift_%s(state->mem.%s + %s, %d, %d); /* room for the next hop */\n",
            in->tensor->type == DTYPE_FLOAT32 ? "f32" : "s8", member, name_offset(e, in->tensor),
            (int)(hop * in->elements), (int)((in->depth - hop) * in->elements));
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
        "/* All that the stream keeps: the rows that coming windows share, and where they lie. "
        "Two states are two\n * independent streams. */\n"
        "#define %s_STATE_BYTES %" PRId32 "\nstruct %s_state {\n    union {\n",
        e->upper, s->state_bytes, e->name);
    emit_members(e, "        ");
    text_add(e->out, "    } mem;\n");
    if (s->n_rings)
        text_add(e->out, "    %s slot[%d];\n", count_type(s), s->n_rings);
    text_add(e->out, "    %s frames%s;\n};\n\n", count_type(s), s->hop > 1 ? ", fresh" : "");
    text_add(
        e->out,
        "/* Time is endless: %d rows of %d elements make a window. From the first whole window on, "
        "every %s\n * gives the output of the window that ends there, exactly, for %" PRId64
        " multiply-accumulates. A state\n * of zeros is ready; reset makes it so at any time. */\n"
        "#define %s_ROWS    %d\n#define %s_HOP     %d\n#define %s_ROW_LEN %d\n"
        "void %s_reset(struct %s_state *state);\n\n",
        (int)in->rows, (int)in->elements,
        s->hop > 1 ? format(e->ctx, "%d rows", (int)s->hop) : "row", s->macs, e->upper,
        (int)in->rows, e->upper, (int)s->hop, e->upper, (int)in->elements, e->name, e->name);
    text_add(e->out,
             "/* Where to write the next row. */\n%s *%s_row(struct %s_state *state);\n\n"
             "/* Takes the row that was written; returns 1 when there is a new output, else 0. */\n"
             "int %s_push(struct %s_state *state);\n\n",
             type, e->name, e->name, e->name, e->name);
}
