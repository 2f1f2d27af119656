/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - NAME.c: the memory plan, the kernels, the constants, and one statement per call. */
#include <inttypes.h>
#include <string.h>

#include "emit/emit.h"
#include "compile.h"

/* ---- the memory plan ------------------------------------------------------------------------- */

/* Tensors whose rows lie apart have no line of their own: row_at has their addresses. */
static void emit_plan_lines(struct emit *e)
{
    const struct plan *plan = e->program->plan;
    const char *unit = e->program->schedule ? "turns" : "steps";
    text_add(
        e->out,
        "/* Memory plan: %" PRId32 " bytes, %" PRId32 " live at most. The first and last of %d "
        "%s each is used in.\n *\n *    offset   bytes   %s  tensor\n",
        plan->bytes, plan->lower_bound,
        e->program->schedule ? e->program->schedule->n_turns : e->program->n_steps, unit, unit);
    for (int i = 0; i < e->graph->n_tensors; i++) {
        const struct tensor *t = e->graph->tensor[i];
        if (plan->of[i] < 0)
            continue;
        const struct interval *v = &plan->interval[plan->of[i]];
        text_add(e->out, " *  %8" PRId32 " %7" PRId64 " %3d..%-3d  %s \"%s\"\n", v->offset,
                 e->program->stream ? v->bytes : tensor_bytes(t), (int)v->birth, (int)v->last,
                 name_offset(e, t), name_comment(e->ctx, t->name));
    }
    text_add(e->out, " */\n");
}

void emit_offsets(struct emit *e, int indent)
{
    const struct plan *plan = e->program->plan;
    bool any = false;
    for (int i = 0; i < e->graph->n_tensors; i++) {
        const struct tensor *t = e->graph->tensor[i];
        if (plan->of[i] < 0)
            continue;
        if (!any)
            text_add(e->out, "%*senum { /* in elements of the tensor's type */\n", indent, "");
        const int offset = (int)plan->interval[plan->of[i]].offset;
        text_add(e->out, "%*s    %s = ", indent, "", name_offset(e, t));
        if (t->type == DTYPE_FLOAT64) /* has 4 bytes on AVR, and the plan counts 8 */
            text_add(e->out, "%d / (int)sizeof(double),\n", offset);
        else
            text_add(e->out, "%d,\n", offset / (dtype_bits(t->type) / 8));
        any = true;
    }
    if (any)
        text_add(e->out, "%*s};\n", indent, "");
}

static void emit_plan(struct emit *e)
{
    if (!e->program->plan->n)
        return;
    emit_plan_lines(e);
    emit_offsets(e, 0);
    text_add(e->out, "\n");
}

/* ---- constants and parameters, step by step -------------------------------------------------- */

static void emit_data(struct emit *e)
{
    if (e->ctx->options.split_weights) {
        emit_externs(e);
        text_add(e->out, "\n");
    }
    for (int i = 0; i < e->program->n_steps; i++) {
        const struct step *s = &e->program->step[i];
        bool any = false;
        for (int k = 0; k < e->program->n_constants; k++) {
            const struct constant *c = &e->program->constant[k];
            const bool here = !e->ctx->options.split_weights;
            if (c->node != s->node || !(here || c->is_far))
                continue;
            if (here)
                emit_constant(e, c);
            if (c->is_far)
                emit_far(e, c);
            any = true;
        }
        for (int k = 0; k < s->n_calls; k++) {
            if (!s->call[k]->params || !call_runs_kernel(s->call[k]))
                continue;
            emit_params(e, i, k);
            any = true;
        }
        if (any)
            text_add(e->out, "\n");
    }
}

/* ---- statements ------------------------------------------------------------------------------ */

static const char *base_of(struct emit *e, struct tensor *t)
{
    const struct plan *plan = e->program->plan;
    t = tensor_base(t);
    if (t->data)
        return name_constant(e, find_constant(e->program, t->data, true));
    if (plan->of[t->index] >= 0)
        return format(e->ctx, "%s + %s", name_member(t), name_offset(e, t));
    for (int i = 0; i < e->graph->n_outputs; i++)
        if (e->graph->output[i] == t)
            return name_io(e, i, false);
    for (int i = 0; i < e->graph->n_inputs; i++)
        if (e->graph->input[i] == t)
            return name_io(e, i, true);
    return NULL;
}

static void add_term(struct text *t, int64_t factor, const char *variable)
{
    int64_t size = factor < 0 ? -factor : factor;
    if (!factor)
        return;
    text_add(t, factor < 0 ? " - " : " + ");
    if (size != 1 || !*variable)
        text_add(t, "%" PRId64 "%s", size, *variable ? " * " : "");
    text_add(t, "%s", variable);
}

/* The variable of loop i; in the row schedule loop 0 is the row. */
static const char *loop_name(int i, bool by_row)
{
    static const char *const names[LOOPS_MAX] = {"i", "j", "k", "l", "m", "n"};
    return by_row && i == 0 ? "r" : names[i];
}

const char *emit_loop_name(int loop)
{
    return loop_name(loop, false);
}

void emit_terms(struct text *t, const struct call *c, int k, int from, bool by_row)
{
    add_term(t, c->operand[k].offset, "");
    for (int i = from; i < c->n_loops; i++)
        add_term(t, c->operand[k].step[i], loop_name(i, by_row));
}

const char *emit_address(struct emit *e, const struct call *c, int k, bool by_row)
{
    const struct kernel_arg *arg = &c->kernel->args[k];
    struct tensor *t = tensor_base(c->operand[k].tensor);
    struct text *text = text_new(e->ctx);
    const bool cast = arg->type != DTYPE_COUNT && strcmp(dtype_c(arg->type), dtype_c(t->type)) != 0;
    if (cast) /* kernels that only move bytes serve all types of a size */
        text_add(text, "(%s%s *)(%svoid *)(", arg->kind == ARG_OUTPUT ? "" : "const ",
                 dtype_c(arg->type), arg->kind == ARG_OUTPUT ? "" : "const ");
    text_add(text, "%s", base_of(e, t));
    emit_terms(text, c, k, 0, by_row);
    if (cast)
        text_add(text, ")");
    return text->at;
}

const char *emit_window(struct emit *e, const struct call *c, int k, bool by_row)
{
    const struct window *w = &c->operand[k].window;
    const bool is_float = c->kernel->args[k].type == DTYPE_FLOAT32;
    struct text *first = text_new(e->ctx);
    if (w->loop >= 0) {
        if (w->stride != 1)
            text_add(first, "%d * ", (int)w->stride);
        text_add(first, "%s", loop_name(w->loop, by_row));
    }
    if (w->pad)
        add_term(first, -w->pad, "");
    return format(e->ctx, "mica_window_%s(%s, %s, %s, %d, %d, %d, %d)", is_float ? "f32" : "s8",
                  is_float ? "rows_f32" : "rows", emit_address(e, c, k, by_row),
                  first->len ? first->at : "0", (int)window_pointers(c, k), (int)w->dilation,
                  (int)w->rows_in, (int)w->pitch);
}

int emit_loops(struct emit *e, const struct call *c, int from, int indent)
{
    for (int i = from; i < c->n_loops; i++) {
        const char *name = loop_name(i, false);
        const bool strips = c->strip > 1 && i == strip_loop(c);
        const char *step = strips ? format(e->ctx, "%s += %d", name, (int)c->strip)
                                  : format(e->ctx, "%s++", name);
        text_add(e->out, "%*sfor (int %s = 0; %s < %d; %s)\n", indent + 4 * (i - from), "", name,
                 name, (int)c->loop[i], step);
    }
    return c->n_loops - from;
}

static const char *params_argument(struct emit *e, int step, int call)
{
    const struct call *c = e->program->step[step].call[call];
    const char *name = name_params(e, step, call);
    if (params_are_copied(e->ctx, c))
        return format(e->ctx, "MICA_ROM_COPY(%s, %s)", c->kernel->params_name, name);
    return format(e->ctx, "&%s", name);
}

void emit_params_argument(struct emit *e, int step, int call)
{
    text_add(e->out, "%s", params_argument(e, step, call));
}

/* ---- code of its own for a call -------------------------------------------------------------- */

static const char *name_code(struct emit *e, int step, int call)
{
    return format(e->ctx, "%s_%s", name_params(e, step, call),
                  e->program->step[step].call[call]->code->name);
}

static void emit_codes(struct emit *e)
{
    for (int i = 0; i < e->program->n_steps; i++) {
        for (int k = 0; k < e->program->step[i].n_calls; k++) {
            const struct call *c = e->program->step[i].call[k];
            if (!c->code)
                continue;
            c->code->print(e->ctx, e->out, c, name_code(e, i, k),
                           c->params ? params_argument(e, i, k) : NULL);
            text_add(e->out, "\n");
        }
    }
}

/* The kernel's n argument; the last strip of rows may be shorter than the others. */
static const char *emit_count(struct emit *e, const struct call *c)
{
    const int loop = c->strip > 1 ? strip_loop(c) : -1;
    if (loop < 0)
        return format(e->ctx, "%d", (int)c->count);
    const int rows = (int)c->loop[loop], strip = (int)c->strip;
    const char *row = loop_name(loop, false);
    if (rows % strip == 0)
        return format(e->ctx, "%d", strip);
    return format(e->ctx, "%s < %d ? %d : %d", row, rows - rows % strip, strip, rows % strip);
}

static void emit_call(struct emit *e, int step, int call)
{
    const struct call *c = e->program->step[step].call[call];
    const int indent = 4 + 4 * emit_loops(e, c, 0, 4);
    const bool with_params = c->params && !c->code;
    text_add(e->out, "%*s%s(", indent, "", c->code ? name_code(e, step, call) : c->kernel->name);
    if (with_params)
        emit_params_argument(e, step, call);
    for (int k = 0; k < c->kernel->n_args; k++) {
        const bool first = k == 0 && !with_params;
        const enum arg_kind kind = c->kernel->args[k].kind;
        if (kind == ARG_COUNT)
            text_add(e->out, "%s%s", first ? "" : ", ", emit_count(e, c));
        else if (kind == ARG_ROWS)
            text_add(e->out, "%s\n%*s%s", first ? "" : ",", indent + 4, "",
                     emit_window(e, c, k, false));
        else
            text_add(e->out, "%s%s", first ? "" : ", ", emit_address(e, c, k, false));
    }
    text_add(e->out, ");\n");
}

static const char *shape(struct emit *e, const struct tensor *t)
{
    struct text *s = text_new(e->ctx);
    int from = 0;
    while (from < t->rank - 1 && t->dim[from] == 1)
        from++;
    for (int i = from; i < t->rank; i++)
        text_add(s, "%s%d", i > from ? "x" : "", (int)t->dim[i]);
    return t->rank ? s->at : "1";
}

void emit_mark(struct emit *e, int step, int indent)
{
    if (e->ctx->options.mark_steps)
        text_add(e->out, "%*s%s_MARK(%d)\n", indent, "", e->upper, step);
}

void emit_step_comment(struct emit *e, int i)
{
    const struct node *n = e->program->step[i].node;
    text_add(e->out, "%d  %s  %s -> %s  \"%s\"", step_number(e, n), n->op->name, shape(e, n->in[0]),
             shape(e, n->out[0]), name_comment(e->ctx, n->name));
}

static void emit_step(struct emit *e, int i)
{
    text_add(e->out, "\n    /* ");
    emit_step_comment(e, i);
    text_add(e->out, " */\n");
    emit_mark(e, i, 4);
    for (int k = 0; k < e->program->step[i].n_calls; k++)
        emit_call(e, i, k);
}

void emit_locals(struct emit *e, const char *memory)
{
    bool any = false;
    for (int i = 0; i < N_MEMBERS; i++) {
        const char *member = emit_member(e, i);
        if (member)
            text_add(e->out, "    %s *const %s = %s%s;\n", dtype_c(emit_member_type(i)), member,
                     memory, member);
        any |= member != NULL;
    }
    if (!any)
        text_add(e->out, "    (void)%.*s;\n", (int)strcspn(memory, "-."), memory);
    int32_t most;
    if (emit_uses_rows(e, DTYPE_INT8, &most))
        text_add(e->out, "    const int8_t *rows[%d];\n", (int)most);
    if (emit_uses_rows(e, DTYPE_FLOAT32, &most))
        text_add(e->out, "    const float *rows_f32[%d];\n", (int)most);
}

static bool is_used(const struct emit *e, const struct tensor *t)
{
    for (int i = 0; i < e->program->n_steps; i++) {
        const struct step *s = &e->program->step[i];
        for (int k = 0; k < s->n_calls; k++)
            for (int a = 0; a < s->call[k]->kernel->n_args; a++) {
                struct tensor *operand = s->call[k]->operand[a].tensor;
                if (operand && tensor_base(operand) == t)
                    return true;
            }
    }
    return false;
}

/* Inputs that no kernel reads, such as a shape that is fixed by now: compilers warn of a parameter,
 * or of a pointer into the scratch memory, that is never used. */
void emit_unused(struct emit *e)
{
    const struct plan *plan = e->program->plan;
    for (int i = 0; i < e->graph->n_inputs; i++) {
        const struct tensor *t = e->graph->input[i];
        if (!is_used(e, t))
            text_add(e->out, "    (void)%s;\n",
                     plan->of[t->index] < 0 ? name_io(e, i, true) : name_member(t));
    }
}

void emit_steps(struct emit *e)
{
    emit_unused(e);
    for (int i = 0; i < e->program->n_steps; i++)
        emit_step(e, i);
}

void emit_source(struct emit *e)
{
    emit_banner(e, ".c");
    text_add(e->out, " */\n");
    text_add(e->out, "#include \"%s.h\"\n\n", e->name);
    emit_includes(e);
    if (e->program->schedule && e->program->schedule->n_counters)
        text_add(e->out, "\n#define MICA_ROW_COUNT %s\n", emit_counter_type(e));
    text_add(e->out, "\n/* ---- kernels ----------------------------------------------------------"
                     "--------------- */\n\n");
    emit_kernels(e);
    text_add(e->out, "/* ---- model ------------------------------------------------------------"
                     "--------------- */\n\n");
    if (!e->graph->role)
        emit_plan(e);
    emit_data(e);
    emit_codes(e);
    if (e->graph->role) {
        emit_heads(e);
        return;
    }
    if (e->program->stream) {
        emit_streamed(e);
        return;
    }
    if (e->program->schedule) {
        emit_pushed(e);
        return;
    }
    emit_signature(e);
    text_add(e->out, "\n{\n");
    emit_locals(e, "scratch->");
    emit_steps(e);
    text_add(e->out, "}\n");
}

/* What the 16-bit pointers of AVR cannot reach. */
static void check_avr(const struct emit *e)
{
    const struct program *p = e->program;
    const struct graph *g = e->graph;
    if (near_bytes(p) > 65535)
        fail(e->ctx, NULL,
             "the constants take %" PRId64 " bytes; on AVR, pointers to program "
             "memory reach 65535: choose a smaller model or another core",
             near_bytes(p));
    int64_t most = p->plan->bytes;
    for (int i = 0; i < g->n_inputs + g->n_outputs; i++) {
        const struct tensor *t = i < g->n_inputs ? g->input[i] : g->output[i - g->n_inputs];
        most = tensor_bytes(t) > most ? tensor_bytes(t) : most;
    }
    for (int i = 0; i < p->n_constants; i++) {
        int64_t bytes = p->constant[i].n * dtype_bits(p->constant[i].type) / 8;
        most = bytes > most && !p->constant[i].is_far ? bytes : most;
    }
    if (most > INT16_MAX)
        fail(e->ctx, NULL,
             "an array takes %" PRId64 " bytes; on AVR, no array exceeds 32767: "
             "choose a smaller model or another core",
             most);
}

void emit_program(struct ctx *ctx, struct text *header, struct text *source, struct text **weights)
{
    const char *slash = strrchr(ctx->file, '/');
    struct emit e = {.ctx = ctx,
                     .whole = ctx->program,
                     .program = ctx->program,
                     .graph = ctx->graph,
                     .name = ctx->options.name,
                     .upper = name_upper(ctx, ctx->options.name),
                     .file = slash ? slash + 1 : ctx->file};
    if (core_has_program_memory(ctx->options.target))
        check_avr(&e);
    e.out = header;
    emit_header(&e);
    e.out = source;
    emit_source(&e);
    if (ctx->options.split_weights)
        emit_weights(&e, *weights = text_new(ctx));
}
