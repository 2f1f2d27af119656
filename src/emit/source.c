/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - NAME.c: the memory plan, the kernels, the constants, and one statement per call. */
#include <inttypes.h>
#include <string.h>

#include "emit/emit.h"

static const char loop_names[] = "ijklmn"; /* LOOPS_MAX */

/* ---- the memory plan --------------------------------------------------------------------------- */

static void emit_plan(struct emit *e)
{
    const struct plan *plan = e->program->plan;
    const struct graph *g = e->graph;
    if (!plan->n)
        return;
    text_add(e->out, "/* Memory plan: %" PRId32 " bytes, %" PRId32
                     " live at most (step %d). Steps: first and last use.\n"
                     " *\n *    offset   bytes   steps  tensor\n",
             plan->bytes, plan->lower_bound, plan->peak_step);
    for (int i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = g->tensor[i];
        if (plan->of[i] < 0)
            continue;
        const struct interval *v = &plan->interval[plan->of[i]];
        text_add(e->out, " *  %8" PRId32 " %7" PRId64 " %3d..%-3d  %s \"%s\"\n", v->offset,
                 tensor_bytes(t), (int)v->birth, (int)v->last, name_offset(e, t),
                 name_comment(e->ctx, t->name));
    }
    text_add(e->out, " */\nenum { /* in elements of the tensor's type */\n");
    for (int i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = g->tensor[i];
        if (plan->of[i] >= 0)
            text_add(e->out, "    %s = %d,\n", name_offset(e, t),
                     (int)(plan->interval[plan->of[i]].offset / (dtype_bits(t->type) / 8)));
    }
    text_add(e->out, "};\n\n");
}

/* ---- constants and parameters, step by step ----------------------------------------------------- */

static void emit_data(struct emit *e)
{
    if (e->ctx->options.split_weights) {
        emit_externs(e);
        text_add(e->out, "\n");
    }
    for (int i = 0; i < e->program->n_steps; i++) {
        const struct step *s = &e->program->step[i];
        bool any = false;
        for (int k = 0; k < e->program->n_constants && !e->ctx->options.split_weights; k++) {
            if (e->program->constant[k].node != s->node)
                continue;
            emit_constant(e, &e->program->constant[k]);
            any = true;
        }
        for (int k = 0; k < s->n_calls; k++) {
            if (!s->call[k]->params)
                continue;
            emit_params(e, i, k);
            any = true;
        }
        if (any)
            text_add(e->out, "\n");
    }
}

/* ---- statements --------------------------------------------------------------------------------- */

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

/* The address of an operand, as an expression over the loops' variables. */
static const char *address(struct emit *e, const struct call *c, int k)
{
    const struct operand *o = &c->operand[k];
    const struct kernel_arg *arg = &c->kernel->args[k];
    struct tensor *t = tensor_base(o->tensor);
    struct text *text = text_new(e->ctx);
    const bool cast = strcmp(dtype_c(arg->type), dtype_c(t->type)) != 0;
    if (cast) /* kernels that only move bytes serve all types of a size */
        text_add(text, "(%s%s *)(%svoid *)(", arg->kind == ARG_OUTPUT ? "" : "const ",
                 dtype_c(arg->type), arg->kind == ARG_OUTPUT ? "" : "const ");
    text_add(text, "%s", base_of(e, t));
    add_term(text, o->offset, "");
    for (int i = 0; i < c->n_loops; i++)
        add_term(text, o->step[i], (char[2]){loop_names[i], '\0'});
    if (cast)
        text_add(text, ")");
    return text->at;
}

static const char *window(struct emit *e, const struct call *c, int k)
{
    const struct window *w = &c->operand[k].window;
    const bool is_float = c->kernel->args[k].type == DTYPE_FLOAT32;
    struct text *first = text_new(e->ctx);
    if (c->n_loops) {
        if (w->stride != 1)
            text_add(first, "%d * ", (int)w->stride);
        text_add(first, "%c", loop_names[c->n_loops - 1]);
    }
    if (w->pad)
        add_term(first, -w->pad, "");
    return format(e->ctx, "mica_window_%s(%s, %s, %s, %d, %d, %d, %d)", is_float ? "f32" : "s8",
                  is_float ? "rows_f32" : "rows", address(e, c, k), first->len ? first->at : "0",
                  (int)w->kernel, (int)w->dilation, (int)w->rows_in, (int)w->pitch);
}

static void emit_call(struct emit *e, int step, int call)
{
    const struct call *c = e->program->step[step].call[call];
    const bool avr = !strcmp(e->ctx->options.target, "avr");
    for (int i = 0; i < c->n_loops; i++)
        text_add(e->out, "%*sfor (int %c = 0; %c < %d; %c++)\n", 4 + 4 * i, "", loop_names[i],
                 loop_names[i], (int)c->loop[i], loop_names[i]);
    const int indent = 4 + 4 * c->n_loops;
    text_add(e->out, "%*s%s(", indent, "", c->kernel->name);
    if (c->params && avr)
        text_add(e->out, "MICA_ROM_COPY(%s, %s)", c->kernel->params_name,
                 name_params(e, step, call));
    else if (c->params)
        text_add(e->out, "&%s", name_params(e, step, call));
    for (int k = 0; k < c->kernel->n_args; k++) {
        const bool first = k == 0 && !c->params;
        const enum arg_kind kind = c->kernel->args[k].kind;
        if (kind == ARG_COUNT)
            text_add(e->out, "%s%d", first ? "" : ", ", (int)c->count);
        else if (kind == ARG_ROWS)
            text_add(e->out, "%s\n%*s%s", first ? "" : ",", indent + 4, "", window(e, c, k));
        else
            text_add(e->out, "%s%s", first ? "" : ", ", address(e, c, k));
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

static void emit_step(struct emit *e, int i)
{
    const struct step *s = &e->program->step[i];
    const struct node *n = s->node;
    text_add(e->out, "\n    /* %d  %s  %s -> %s  \"%s\" */\n", i, n->op->name,
             shape(e, n->in[0]), shape(e, n->out[0]), name_comment(e->ctx, n->name));
    for (int k = 0; k < s->n_calls; k++)
        emit_call(e, i, k);
}

/* The scratch members that addresses are written with. */
static void emit_locals(struct emit *e)
{
    static const enum dtype types[] = {DTYPE_INT8,  DTYPE_UINT8,   DTYPE_INT16, DTYPE_UINT16,
                                       DTYPE_INT32, DTYPE_FLOAT32, DTYPE_INT64, DTYPE_UINT32};
    const struct plan *plan = e->program->plan;
    bool any = false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct tensor probe = {.type = types[i]};
        const char *member = name_member(&probe);
        bool used = false;
        for (int k = 0; k < e->graph->n_tensors; k++)
            used |= plan->of[k] >= 0 && !strcmp(name_member(e->graph->tensor[k]), member);
        if (used)
            text_add(e->out, "    %s *const %s = scratch->%s;\n", dtype_c(types[i]), member, member);
        any |= used;
    }
    if (!any)
        text_add(e->out, "    (void)scratch;\n");
    int32_t most;
    if (emit_uses_rows(e, DTYPE_INT8, &most))
        text_add(e->out, "    const int8_t *rows[%d];\n", (int)most);
    if (emit_uses_rows(e, DTYPE_FLOAT32, &most))
        text_add(e->out, "    const float *rows_f32[%d];\n", (int)most);
}

void emit_source(struct emit *e)
{
    emit_banner(e, ".c");
    text_add(e->out, " */\n");
    text_add(e->out, "#include \"%s.h\"\n\n", e->name);
    emit_includes(e);
    text_add(e->out, "\n/* ---- kernels ----------------------------------------------------------"
                     "--------------- */\n\n");
    emit_kernels(e);
    text_add(e->out, "/* ---- model ------------------------------------------------------------"
                     "--------------- */\n\n");
    emit_plan(e);
    emit_data(e);
    emit_signature(e);
    text_add(e->out, "\n{\n");
    emit_locals(e);
    for (int i = 0; i < e->program->n_steps; i++)
        emit_step(e, i);
    text_add(e->out, "}\n");
}

void emit_program(struct ctx *ctx, struct text *header, struct text *source,
                  struct text **weights)
{
    const char *slash = strrchr(ctx->file, '/');
    struct emit e = {.ctx = ctx,
                     .program = ctx->program,
                     .graph = ctx->graph,
                     .name = ctx->options.name,
                     .upper = name_upper(ctx, ctx->options.name),
                     .file = slash ? slash + 1 : ctx->file};
    if (!strcmp(ctx->options.target, "avr") && constant_bytes(ctx->program) > 65535)
        fail(ctx, NULL, "the constants take %" PRId64 " bytes; on AVR, pointers to program memory "
                        "reach 65535: choose a smaller model or another core",
             constant_bytes(ctx->program));
    e.out = header;
    emit_header(&e);
    e.out = source;
    emit_source(&e);
    if (ctx->options.split_weights)
        emit_weights(&e, *weights = text_new(ctx));
}
