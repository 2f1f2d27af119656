/* SPDX-License-Identifier: Apache-2.0 */
/* pushed.c - NAME.c where rows are pushed: the walker's tables, a function that takes one turn of
 * an operator, and the functions that feed it.
 *
 * Operators that are one kernel call a row share a case for each kernel and stand in a table. The
 * others (sums, whole tensors, several calls) have a case of their own.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "emit/emit.h"
#include "row_walk.h"

struct pushed {
    struct emit *e;
    const struct schedule *s;
    enum dtype type; /* of the rows that the table is about */
    int *row_at; /* of each row_tensor: where its rows start in the address table; -1: nowhere */
    int n_row_at;
    int n_kinds;
    const struct kernel *kind[256]; /* kernel of each shared case */
    int *kind_of;                   /* of each operator; n_kinds and above: a case of its own */
    bool has_window;
};

static const struct step *step_of(const struct pushed *p, int op)
{
    return &p->e->program->step[p->s->step[op]];
}

static struct row_tensor *rows_of(const struct pushed *p, const struct tensor *t)
{
    int i = p->s->of[tensor_base((struct tensor *)(uintptr_t)t)->index];
    return i < 0 ? NULL : &p->s->tensor[i];
}

/* ---- which operators share a case
 * ------------------------------------------------------------------ */

/* Memory of the kernel's own, which has the same place in all operators. */
static bool is_buffer(const struct step *s, const struct call *c, int k)
{
    return c->operand[k].tensor && is_row_buffer(s, c->operand[k].tensor);
}

static bool fits_table(const struct pushed *p, const struct step *s)
{
    if (s->rows.whole || s->rows.accumulate || s->n_calls != 1 || s->call[0]->n_loops != 1)
        return false;
    const struct call *c = s->call[0];
    int inputs = 0, rows = 0;
    if (c->count > UINT16_MAX) /* the table's fields are narrow */
        return false;
    for (int k = 0; k < c->kernel->n_args; k++) {
        const struct operand *o = &c->operand[k];
        const struct window *w = &o->window;
        if (c->kernel->args[k].kind == ARG_COUNT || is_buffer(s, c, k))
            continue;
        if (w->kernel > 255 || w->stride > 255 || w->dilation > 255 || w->pad > INT16_MAX)
            return false;
        if (!operand_by_row(s, c, k) || !rows_of(p, o->tensor) || o->offset ||
            o->tensor->type != p->type || c->kernel->args[k].type != p->type)
            return false;
        inputs += c->kernel->args[k].kind == ARG_INPUT;
        rows += c->kernel->args[k].kind == ARG_ROWS;
    }
    return c->params && inputs <= 2 && rows <= 1;
}

static int find_kind(struct pushed *p, const struct kernel *kernel)
{
    for (int i = 0; i < p->n_kinds; i++)
        if (p->kind[i] == kernel)
            return i;
    p->kind[p->n_kinds] = kernel;
    return p->n_kinds++;
}

static void map_tensor(struct pushed *p, const struct tensor *t)
{
    struct row_tensor *r = rows_of(p, t);
    int i = (int)(r - p->s->tensor);
    if (p->row_at[i] >= 0)
        return;
    p->row_at[i] = p->n_row_at;
    p->n_row_at += r->rows;
}

/* In a case of its own: are the rows of an operand found through the address table? */
static bool by_row_table(const struct pushed *p, const struct step *s, const struct call *c, int k)
{
    const struct row_tensor *r = rows_of(p, c->operand[k].tensor);
    return r && !r->together && operand_by_row(s, c, k);
}

static bool is_shared(const struct pushed *p, int op)
{
    return p->kind_of[op] < p->n_kinds;
}

/* A case for one kernel pays when at least two operators share it. Those with a case of their own
 * are numbered after the kernels. */
static void sort_operators(struct pushed *p)
{
    int n_own = 0;
    for (int i = 0; i < p->s->n_ops; i++) {
        const struct step *s = step_of(p, i);
        int sharers = 0;
        for (int k = 0; k < p->s->n_ops && fits_table(p, s); k++)
            sharers += fits_table(p, step_of(p, k)) &&
                       step_of(p, k)->call[0]->kernel == s->call[0]->kernel;
        p->kind_of[i] = sharers > 1 ? find_kind(p, s->call[0]->kernel) : -1;
    }
    for (int i = 0; i < p->s->n_ops; i++) {
        if (p->kind_of[i] < 0)
            p->kind_of[i] = p->n_kinds + n_own++;
        const struct step *s = step_of(p, i);
        for (int c = 0; c < s->n_calls; c++)
            for (int k = 0; k < s->call[c]->kernel->n_args; k++) {
                const struct tensor *t = s->call[c]->operand[k].tensor;
                if (t && !is_buffer(s, s->call[c], k) &&
                    (is_shared(p, i) || by_row_table(p, s, s->call[c], k)))
                    map_tensor(p, t);
                p->has_window |= is_shared(p, i) && s->call[c]->kernel->args[k].kind == ARG_ROWS;
            }
    }
}

/* ---- tables
 * ------------------------------------------------------------------------------------------ */

static void emit_row_at(struct pushed *p)
{
    struct text *out = p->e->out;
    if (!p->n_row_at)
        return;
    text_add(out,
             "/* Where each row lies, in elements; one tensor after another. */\n"
             "static const uint16_t row_at[%d] MICA_ROM = {\n",
             p->n_row_at);
    for (int at = 0, i = 0; at < p->n_row_at; at += p->s->tensor[i].rows) {
        for (i = 0; p->row_at[i] != at; i++)
            assert(i < p->s->n_tensors);
        const struct row_tensor *r = &p->s->tensor[i];
        const int size = dtype_bits(r->tensor->type) / 8;
        size_t column = 0;
        for (int32_t row = 0; row < r->rows; row++) {
            const char *text = format(p->e->ctx, "%d,", (int)(r->offset[row] / size));
            if (r->offset[row] / size > UINT16_MAX)
                fail(p->e->ctx, NULL,
                     "rows lie beyond element 65535 of the memory: use "
                     "--optimize size");
            bool wrap = column + strlen(text) > 92;
            text_add(out, "%s%s", !row ? "    " : wrap ? "\n    " : " ", text);
            column = (wrap || !row ? 4 : column + 1) + strlen(text);
        }
        text_add(out, " /* %s */\n", name_offset(p->e, r->tensor));
    }
    text_add(out, "};\n\n");
}

static void emit_walk_tables(struct pushed *p)
{
    struct text *out = p->e->out;
    text_add(out, "static const struct mica_row_op row_ops[%d] MICA_ROM = {\n", p->s->n_ops);
    for (int i = 0; i < p->s->n_ops; i++) {
        const struct mica_row_op *o = &p->s->op[i];
        text_add(out, "    {%d, %d, %d, %d, %d, %d}, /* %s */\n", o->rows, o->strip, o->made,
                 o->edge, o->edges, o->next, name_step(p->e, p->s->step[i]));
    }
    text_add(out, "};\nstatic const struct mica_row_edge row_edges[%d] MICA_ROM = {\n",
             p->s->n_edges);
    for (int i = 0; i < p->s->n_edges; i++) {
        const struct mica_row_edge *e = &p->s->edge[i];
        text_add(out, "    {%d, %d, %d, %d},\n", e->made, e->stride, e->reach, e->rows_in);
    }
    text_add(out, "};\n\n");
}

/* One line of the table for the shared cases: x, y: inputs; out; all as positions in row_at. */
static void emit_row_step(struct pushed *p, int op)
{
    struct text *out = p->e->out;
    const struct step *s = step_of(p, op);
    const struct call *c = s->call[0];
    int at[3] = {-1, -1, -1}, n = 0; /* out, x, y */
    struct window w = {0};
    for (int k = 0; k < c->kernel->n_args; k++) {
        const enum arg_kind kind = c->kernel->args[k].kind;
        if (kind == ARG_COUNT || is_buffer(s, c, k))
            continue;
        int first = p->row_at[rows_of(p, c->operand[k].tensor) - p->s->tensor];
        if (kind == ARG_ROWS)
            w = c->operand[k].window;
        at[kind == ARG_OUTPUT ? 0 : kind == ARG_ROWS ? 1 : ++n] = first;
    }
    for (int i = 1; i < 3; i++) /* not used */
        at[i] = at[i] < 0 ? 0 : at[i];
    text_add(out, "    {&%s, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d},\n",
             name_params(p->e, p->s->step[op], 0), at[1], at[2], at[0], (int)w.rows_in,
             (int)c->count, (int)w.pad, p->kind_of[op], (int)w.kernel, (int)w.stride,
             (int)w.dilation);
}

static void emit_step_table(struct pushed *p)
{
    struct text *out = p->e->out;
    if (!p->n_kinds)
        return;
    text_add(out,
             "/* Operators that are one kernel call a row; x, y, out: positions in row_at. */\n"
             "static const struct row_step {\n    const void *params;\n"
             "    uint16_t x, y, out, rows_in, count;\n    int16_t pad;\n"
             "    uint8_t kind, kernel, stride, dilation;\n} row_steps[%d] MICA_ROM = {\n",
             p->s->n_ops);
    for (int i = 0; i < p->s->n_ops; i++) {
        if (is_shared(p, i))
            emit_row_step(p, i);
        else
            text_add(out, "    {0, 0, 0, 0, 0, 0, 0, %d, 0, 0, 0}, /* %s */\n", p->kind_of[i],
                     name_step(p->e, p->s->step[i]));
    }
    text_add(out, "};\n\n");
}

/* ---- one turn
 * ----------------------------------------------------------------------------------------- */

static bool is_avr(const struct pushed *p)
{
    return core_has_program_memory(p->e->ctx->options.target);
}

static void emit_shared_case(struct pushed *p, int kind)
{
    struct text *out = p->e->out;
    const struct kernel *k = p->kind[kind];
    text_add(out, "        case %d:\n            %s(", kind, k->name);
    if (is_avr(p))
        text_add(out, "MICA_ROM_COPY(%s, *(const struct %s *)o->params)", k->params_name,
                 k->params_name);
    else
        text_add(out, "o->params");
    struct tensor probe = {.type = p->type};
    const char *next = "x"; /* the first pointwise input, then y */
    int op = 0;
    while (p->kind_of[op] != kind)
        op++;
    for (int a = 0; a < k->n_args; a++) {
        const enum arg_kind arg = k->args[a].kind;
        if (arg == ARG_ROWS) {
            text_add(out, ", %s", p->type == DTYPE_FLOAT32 ? "rows_f32" : "rows");
        } else if (arg == ARG_COUNT) {
            text_add(out, ", o->count");
        } else if (is_buffer(step_of(p, op), step_of(p, op)->call[0], a)) {
            text_add(out, ", %s", emit_address(p->e, step_of(p, op)->call[0], a, false));
        } else {
            text_add(out, ", %s + MICA_ROM_U16(&row_at[(int)o->%s + r])", name_member(&probe),
                     arg == ARG_OUTPUT ? "out" : next);
            next = arg == ARG_INPUT ? "y" : next;
        }
    }
    text_add(out, ");\n            break;\n");
}

/* The address of an operand in a case of its own; r is the row. */
static const char *row_address(struct pushed *p, const struct step *s, const struct call *c, int k)
{
    const struct operand *o = &c->operand[k];
    const struct row_tensor *r = rows_of(p, o->tensor);
    if (!by_row_table(p, s, c, k))
        return emit_address(p->e, c, k, c->phase == PHASE_ROWS && !s->rows.whole);
    struct text *t = text_new(p->e->ctx);
    text_add(t, "%s + MICA_ROM_U16(&row_at[%d + r])", name_member(r->tensor),
             p->row_at[r - p->s->tensor]);
    emit_terms(t, c, k, 1, true);
    return t->at;
}

static const char *row_window(struct pushed *p, const struct step *s, const struct call *c, int k)
{
    const struct window *w = &c->operand[k].window;
    const struct row_tensor *r = rows_of(p, c->operand[k].tensor);
    if (!by_row_table(p, s, c, k))
        return emit_window(p->e, c, k, !s->rows.whole);
    const bool is_float = c->kernel->args[k].type == DTYPE_FLOAT32;
    return format(p->e->ctx, "mica_map_%s(%s, %s, &row_at[%d], r * %d - %d, %d, %d, %d)",
                  is_float ? "f32" : "s8", is_float ? "rows_f32" : "rows", name_member(r->tensor),
                  p->row_at[r - p->s->tensor], (int)w->stride, (int)w->pad, (int)w->kernel,
                  (int)w->dilation, (int)w->rows_in);
}

static void emit_own_call(struct pushed *p, int op, int call)
{
    struct emit *e = p->e;
    const struct step *s = step_of(p, op);
    const struct call *c = s->call[call];
    const bool by_row = c->phase == PHASE_ROWS && !s->rows.whole;
    int indent = 12;
    if (c->phase == PHASE_START && !s->rows.whole)
        text_add(e->out, "            if (r == 0)\n"), indent += 4;
    if (c->phase == PHASE_FINISH && !s->rows.whole)
        text_add(e->out, "            if (r == %d)\n", (int)p->s->op[op].rows - 1), indent += 4;
    indent += 4 * emit_loops(e, c, by_row ? 1 : 0, indent);
    text_add(e->out, "%*s%s(", indent, "", c->kernel->name);
    if (c->params)
        emit_params_argument(e, p->s->step[op], call);
    for (int k = 0; k < c->kernel->n_args; k++) {
        const char *comma = k == 0 && !c->params ? "" : ", ";
        if (c->kernel->args[k].kind == ARG_COUNT)
            text_add(e->out, "%s%d", comma, (int)c->count);
        else if (c->kernel->args[k].kind == ARG_ROWS)
            text_add(e->out, "%s%s", comma, row_window(p, s, c, k));
        else
            text_add(e->out, "%s%s", comma, row_address(p, s, c, k));
    }
    text_add(e->out, ");\n");
}

/* Which step a turn belongs to is known on the device only. */
static void emit_turn_mark(struct pushed *p)
{
    if (!p->e->ctx->options.mark_steps)
        return;
    text_add(p->e->out, "    static const uint16_t mark_steps[] = {");
    for (int i = 0; i < p->s->n_ops; i++)
        text_add(p->e->out, "%s%d", i ? ", " : "", p->s->step[i]);
    text_add(p->e->out, "};\n    %s_MARK_TURN(mark_steps[op]);\n", p->e->upper);
}

static void emit_turn(struct pushed *p)
{
    struct emit *e = p->e;
    const char *name = e->name;
    struct tensor probe = {.type = p->type};
    text_add(e->out,
             "/* Makes rows [r, end) of an operator. */\n"
             "static void %s_turn(struct %s_state *state, int op, int r, int end)\n{\n",
             name, name);
    emit_locals(e, "state->mem.");
    if (p->n_kinds)
        text_add(e->out,
                 "    const struct row_step *o = MICA_ROM_COPY(row_step, row_steps[op]);\n");
    emit_turn_mark(p);
    text_add(e->out, "    for (; r < end; r++) {\n");
    if (p->has_window)
        text_add(
            e->out,
            "        if (o->kernel)\n            mica_map_%s(%s, %s, &row_at[o->x], r * o->stride "
            "- o->pad, o->kernel,\n                        o->dilation, (int)o->rows_in);\n",
            p->type == DTYPE_FLOAT32 ? "f32" : "s8", p->type == DTYPE_FLOAT32 ? "rows_f32" : "rows",
            name_member(&probe));
    text_add(e->out, "        switch (%s) {\n", p->n_kinds ? "o->kind" : "op");
    for (int i = 0; i < p->n_kinds; i++)
        emit_shared_case(p, i);
    for (int i = 0; i < p->s->n_ops; i++) {
        if (is_shared(p, i))
            continue;
        const struct step *s = step_of(p, i);
        text_add(e->out, "        case %d: /* ", p->n_kinds ? p->kind_of[i] : i);
        emit_step_comment(e, p->s->step[i]);
        text_add(e->out, " */\n");
        for (int k = 0; k < s->n_calls; k++)
            emit_own_call(p, i, k);
        if (s->rows.whole)
            text_add(e->out, "            r = end;\n");
        text_add(e->out, "            break;\n");
    }
    text_add(e->out, "        }\n    }\n}\n\n");
}

/* ---- feeding it
 * ---------------------------------------------------------------------------------------- */

static void emit_advance(struct pushed *p)
{
    struct emit *e = p->e;
    text_add(e->out,
             "/* Takes turns, from operator i upwards, until the next row of the input is wanted. "
             "*/\n"
             "static void %s_advance(struct %s_state *state, int i)\n{\n"
             "    int end;\n"
             "    while ((i = mica_row_turn(row_ops, row_edges, state->made, i, &end)) >= 0) {\n"
             "        const struct mica_row_op *o = MICA_ROM_COPY(mica_row_op, row_ops[i]);\n"
             "        %s_turn(state, i, state->made[o->made], end);\n"
             "        state->made[o->made] = (%s)end;\n"
             "        i = o->next;\n    }\n}\n\n",
             e->name, e->name, e->name, emit_counter_type(e));
}

static void emit_clear(struct emit *e)
{
    text_add(e->out, "    for (int i = 0; i < %d; i++)\n        state->made[i] = 0;\n",
             e->program->schedule->n_counters);
}

static void emit_run(struct pushed *p)
{
    struct emit *e = p->e;
    text_add(e->out, "void %s_run(struct %s_state *state)\n{\n", e->name, e->name);
    emit_clear(e);
    for (int i = 0; i < e->graph->n_inputs; i++)
        text_add(e->out, "    state->made[%d] = %d;\n", i, (int)p->s->tensor[i].rows);
    text_add(e->out, "    %s_advance(state, %d);\n}\n", e->name, p->s->n_ops - 1);
}

static void emit_sequence(struct pushed *p)
{
    text_add(p->e->out,
             "void %s_run(struct %s_state *state)\n{\n    for (int op = 0; op < %d; op++)\n"
             "        %s_turn(state, op, 0, 1);\n}\n",
             p->e->name, p->e->name, p->s->n_ops, p->e->name);
}

static void emit_push(struct pushed *p)
{
    struct emit *e = p->e;
    const struct row_tensor *in = &p->s->tensor[0];
    text_add(e->out, "void %s_reset(struct %s_state *state)\n{\n", e->name, e->name);
    emit_clear(e);
    text_add(e->out, "}\n\n");
    text_add(e->out,
             "%s *%s_row(struct %s_state *state)\n{\n"
             "    if (state->made[0] == %d) /* the last window is complete */\n"
             "        %s_reset(state);\n",
             dtype_c(in->tensor->type), e->name, e->name, (int)in->rows, e->name);
    text_add(e->out,
             "    return state->mem.%s + MICA_ROM_U16(&row_at[%d + state->made[0]]);\n}\n\n",
             name_member(in->tensor), p->row_at[0]);
    text_add(e->out,
             "int %s_push(struct %s_state *state)\n{\n"
             "    state->made[0]++;\n    %s_advance(state, %d);\n"
             "    return state->made[0] == %d;\n}\n",
             e->name, e->name, e->name, p->s->start, (int)in->rows);
}

static struct pushed prepare(struct emit *e)
{
    const struct schedule *s = e->program->schedule;
    struct pushed p = {.e = e, .s = s, .type = DTYPE_INT8};
    int floats = 0;
    for (int i = 0; i < s->n_ops; i++)
        floats += e->program->step[i].node->out[0]->type == DTYPE_FLOAT32;
    if (floats > s->n_ops / 2)
        p.type = DTYPE_FLOAT32;
    p.row_at = NEWS(e->ctx, int, s->n_tensors);
    p.kind_of = NEWS(e->ctx, int, s->n_ops);
    for (int i = 0; i < s->n_tensors; i++)
        p.row_at[i] = -1;
    if (s->by_row)
        map_tensor(&p, s->tensor[0].tensor);
    sort_operators(&p);
    return p;
}

bool emit_pushed_window(struct emit *e, enum dtype type, bool by_table)
{
    struct pushed p = prepare(e);
    for (int i = 0; i < p.s->n_ops; i++) {
        const struct step *s = step_of(&p, i);
        for (int c = 0; c < s->n_calls; c++)
            for (int k = 0; k < s->call[c]->kernel->n_args; k++) {
                const struct kernel_arg *arg = &s->call[c]->kernel->args[k];
                if (arg->kind == ARG_ROWS && arg->type == type &&
                    (is_shared(&p, i) || by_row_table(&p, s, s->call[c], k)) == by_table)
                    return true;
            }
    }
    return false;
}

void emit_pushed(struct emit *e)
{
    struct pushed p = prepare(e);
    emit_row_at(&p);
    if (p.s->n_counters)
        emit_walk_tables(&p);
    emit_step_table(&p);
    emit_turn(&p);
    if (!p.s->n_counters) {
        emit_sequence(&p);
        return;
    }
    emit_advance(&p);
    p.s->by_row ? emit_push(&p) : emit_run(&p);
}
