/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c - `mica inspect`: the layers and the memory over time, as text for people. */
#include <inttypes.h>
#include <string.h>

#include "report/report.h"
#include "compile.h"

enum { BAR = 48 }; /* columns of the memory picture */

static const char *shape_of(struct ctx *ctx, const struct tensor *t)
{
    struct text *s = text_new(ctx);
    for (int i = 0; i < t->rank; i++)
        text_add(s, "%s%d", i ? "x" : "", (int)t->dim[i]);
    return t->rank ? s->at : "scalar";
}

static int64_t parameters_of(const struct node *n)
{
    int64_t parameters = 0;
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && n->in[k]->data)
            parameters += tensor_elements(n->in[k]);
    return parameters;
}

static int64_t macs_of(const struct node *n)
{
    return n->op->macs ? n->op->macs(n) : 0;
}

static int layer_shape(const struct tensor *t, int32_t *dim)
{
    memcpy(dim, t->dim, sizeof t->dim);
    return t->rank;
}

static int64_t live_at(const struct plan *plan, int step)
{
    int64_t live = 0;
    for (int i = 0; i < plan->n; i++)
        if (plan->interval[i].birth <= step && step <= plan->interval[i].last)
            live += plan->interval[i].bytes;
    return live;
}

void report_layer(const struct program *p, int step, struct mica_layer *to)
{
    const struct node *n = p->step[step].node;
    memset(to, 0, sizeof *to);
    to->name = n->name;
    to->op = n->op->name;
    to->type = dtype_name(n->out[0]->type);
    to->in_rank = layer_shape(n->in[0], to->in_dim);
    to->out_rank = layer_shape(n->out[0], to->out_dim);
    to->macs = macs_of(n);
    to->parameters = parameters_of(n);
    to->live_bytes = p->schedule ? 0 : live_at(p->plan, step);
}

static void report_io(struct text *out, struct ctx *ctx, const char *kind, struct tensor **list,
                      int n)
{
    for (int i = 0; i < n; i++) {
        const struct tensor *t = list[i];
        text_add(out, "%s \"%s\": %s", kind, t->name, tensor_text(ctx, t));
        if (t->quant.n == 1)
            text_add(out, ", real = %.9g * (q - %d)", (double)t->quant.scale[0],
                     (int)t->quant.zero[0]);
        text_add(out, "\n");
    }
}

static void report_layers(struct text *out, struct ctx *ctx)
{
    const struct program *p = ctx->program;
    int64_t macs = 0, parameters = 0;
    text_add(out, "\n%4s  %-18s %-8s %-16s %-16s %11s %11s  %s\n", "step", "operator", "type",
             "input", "output", "MACs", "parameters", "name");
    for (int i = 0; i < p->n_steps; i++) {
        const struct node *n = p->step[i].node;
        text_add(out, "%4d  %-18s %-8s %-16s %-16s %11" PRId64 " %11" PRId64 "  %s\n", i,
                 n->op->name, dtype_name(n->out[0]->type), shape_of(ctx, n->in[0]),
                 shape_of(ctx, n->out[0]), macs_of(n), parameters_of(n), n->name);
        macs += macs_of(n);
        parameters += parameters_of(n);
    }
    text_add(out, "%4s  %-18s %-8s %-16s %-16s %11" PRId64 " %11" PRId64 "\n", "", "total", "", "",
             "", macs, parameters);
    if (report_channels(out, ctx))
        text_add(out, "\n");
}

static void report_memory(struct text *out, const struct program *p)
{
    const struct plan *plan = p->plan;
    const int64_t most = plan->lower_bound > 0 ? plan->lower_bound : 1;
    text_add(out,
             "\nscratch memory: %" PRId32 " bytes; lower bound (most bytes live at once): %" PRId32
             " (%.1f %% above)\n",
             plan->bytes, plan->lower_bound,
             100.0 * (double)(plan->bytes - plan->lower_bound) / (double)most);
    text_add(out, "constants: %" PRId64 " bytes\n\n%4s  %9s\n", constant_bytes(p), "step", "live");
    for (int i = 0; i < p->n_steps; i++) {
        int64_t live = live_at(plan, i);
        int bar = (int)((live * BAR + most - 1) / most);
        text_add(out, "%4d  %9" PRId64 "  ", i, live);
        for (int k = 0; k < bar; k++)
            text_add(out, "#");
        text_add(out, "%s\n", i == plan->peak_step && plan->n ? "  <- peak" : "");
    }
}

void report_text(struct text *out, const struct ctx *compiled)
{
    struct ctx *ctx = out->ctx;
    const struct graph *g = compiled->graph;
    report_io(out, ctx, "input ", g->input, g->n_inputs);
    report_io(out, ctx, "output", g->output, g->n_outputs);
    if (compiled->n_subgraphs > 1)
        text_add(out, "%d subgraphs; the first is compiled\n", compiled->n_subgraphs);
    report_layers(out, ctx);
    if (compiled->program->schedule) {
        text_add(out, "\nconstants: %" PRId64 " bytes\n", constant_bytes(compiled->program));
        report_rows(out, compiled, "");
    } else if (compiled->program->stream) {
        text_add(out, "\nconstants: %" PRId64 " bytes\n", constant_bytes(compiled->program));
        report_stream(out, compiled, "");
    } else {
        report_memory(out, compiled->program);
    }
}

/* ---- JSON
 * ---------------------------------------------------------------------------------------- */

void report_json_string(struct text *out, const char *s)
{
    text_add(out, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            text_add(out, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            text_add(out, "\\u%04x", (unsigned char)*s);
        else
            text_bytes(out, s, 1);
    }
    text_add(out, "\"");
}

static void json_tensor(struct text *out, const struct tensor *t)
{
    text_add(out, "{\"name\": ");
    report_json_string(out, t->name);
    text_add(out, ", \"type\": \"%s\", \"shape\": [", dtype_name(t->type));
    for (int i = 0; i < t->rank; i++)
        text_add(out, "%s%d", i ? ", " : "", (int)t->dim[i]);
    text_add(out, "], \"bytes\": %" PRId64, tensor_bytes(t));
    if (t->quant.n == 1)
        text_add(out, ", \"scale\": %.9g, \"zero_point\": %d", (double)t->quant.scale[0],
                 (int)t->quant.zero[0]);
    text_add(out, "}");
}

static void json_tensors(struct text *out, const char *key, struct tensor **list, int n)
{
    text_add(out, "  \"%s\": [", key);
    for (int i = 0; i < n; i++) {
        text_add(out, "%s\n    ", i ? "," : "");
        json_tensor(out, list[i]);
    }
    text_add(out, "\n  ],\n");
}

static void json_layer(struct text *out, const struct program *p, int i)
{
    const struct node *n = p->step[i].node;
    text_add(out, "%s\n    {\"step\": %d, \"name\": ", i ? "," : "", i);
    report_json_string(out, n->name);
    text_add(out,
             ", \"operator\": \"%s\", \"macs\": %" PRId64 ", \"parameters\": %" PRId64
             ", \"live_bytes\": %" PRId64 ",\n     \"inputs\": [",
             n->op->name, macs_of(n), parameters_of(n), p->schedule ? 0 : live_at(p->plan, i));
    bool first = true;
    for (int k = 0; k < n->n_in; k++) {
        if (!n->in[k])
            continue;
        text_add(out, "%s", first ? "" : ", ");
        json_tensor(out, n->in[k]);
        first = false;
    }
    text_add(out, "],\n     \"output\": ");
    json_tensor(out, n->out[0]);
    text_add(out, "}");
}

static void json_memory(struct text *out, const struct program *p)
{
    const struct graph *g = p->graph;
    for (int i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = g->tensor[i];
        if (p->plan->of[i] < 0)
            continue;
        const struct interval *v = &p->plan->interval[p->plan->of[i]];
        text_add(out, "%s\n    {\"tensor\": ", out->at[out->len - 1] == '[' ? "" : ",");
        report_json_string(out, t->name);
        text_add(out, ", \"offset\": %d, \"bytes\": %" PRId64 ", \"first\": %d, \"last\": %d}",
                 (int)v->offset, p->stream ? v->bytes : tensor_bytes(t), (int)v->birth,
                 (int)v->last);
    }
}

void report_json(struct text *out, const struct ctx *compiled)
{
    const struct program *p = compiled->program;
    const struct graph *g = compiled->graph;
    int64_t macs = 0, parameters = 0;
    text_add(out, "{\n");
    json_tensors(out, "inputs", g->input, g->n_inputs);
    json_tensors(out, "outputs", g->output, g->n_outputs);
    text_add(out, "  \"layers\": [");
    for (int i = 0; i < p->n_steps; i++) {
        json_layer(out, p, i);
        macs += macs_of(p->step[i].node);
        parameters += parameters_of(p->step[i].node);
    }
    text_add(out, "\n  ],\n  \"memory\": [");
    if (p->schedule)
        report_rows_memory(out, p);
    else
        json_memory(out, p);
    const struct channel_figures *f = &compiled->channels;
    text_add(out, "\n  ],\n");
    if (p->schedule)
        report_rows_json(out, compiled);
    if (p->stream)
        report_stream_json(out, compiled);
    text_add(out,
             "  \"total\": {\"weights_read\": %" PRId64 ", \"zero_weights\": %" PRId64
             ", \"weights_removed\": %" PRId64 ",\n    \"macs_removed\": %" PRId64 ", ",
             f->weights, f->zero_weights, f->weights - f->weights_left, f->macs - f->macs_left);
    text_add(out,
             "\"macs\": %" PRId64 ", \"parameters\": %" PRId64 ", \"constant_bytes\": %" PRId64
             ", \"scratch_bytes\": %d,\n"
             "    \"scratch_lower_bound\": %d, \"peak_step\": %d}\n}\n",
             macs, parameters, constant_bytes(p), (int)p->plan->bytes, (int)p->plan->lower_bound,
             p->plan->peak_step);
}
