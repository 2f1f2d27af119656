/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - what things are called in the generated code. */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "emit/emit.h"
#include "compile.h"

const char *name_upper(struct ctx *ctx, const char *name)
{
    char *upper = format(ctx, "%s", name);
    for (char *c = upper; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return upper;
}

const char *name_comment(struct ctx *ctx, const char *name)
{
    char *safe = format(ctx, "%s", name);
    for (char *c = safe; *c; c++) {
        if (*c == '*')
            *c = '+';
        else if (*c == '\\' || *c == '?')
            *c = '_';
        else if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
    }
    return safe;
}

/* The last part of a path-like name, without the decorations of exporters. */
static const char *short_name(struct ctx *ctx, const char *name)
{
    const char *slash = strrchr(name, '/');
    name = slash && slash[1] ? slash + 1 : name;
    static const char prefix[] = "serving_default_";
    if (!strncmp(name, prefix, sizeof prefix - 1))
        name += sizeof prefix - 1;
    char *part = format(ctx, "%s", name);
    part[strcspn(part, ":;")] = '\0';
    for (char *c = part; *c; c++)
        *c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
    return part;
}

/* Short names where they tell all inputs (or outputs) apart, numbers otherwise. */
static const char *io_part(struct ctx *ctx, struct tensor *const *list, int n, int i)
{
    const char *mine = short_name(ctx, list[i]->name);
    for (int k = 0; k < n; k++)
        if (!*mine || (k != i && !strcmp(mine, short_name(ctx, list[k]->name))))
            return format(ctx, "%d", i);
    return mine;
}

const char *emit_io_name(struct ctx *ctx, struct tensor *const *list, int n, int i, bool is_input)
{
    const char *kind = is_input ? "in" : "out";
    return n == 1 ? kind : format(ctx, "%s_%s", kind, io_part(ctx, list, n, i));
}

static struct tensor *const *io_list(const struct emit *e, bool is_input, int *n)
{
    *n = is_input ? e->graph->n_inputs : e->graph->n_outputs;
    return is_input ? e->graph->input : e->graph->output;
}

const char *name_io(struct emit *e, int i, bool is_input)
{
    int n;
    struct tensor *const *list = io_list(e, is_input, &n);
    return emit_io_name(e->ctx, list, n, i, is_input);
}

const char *name_io_macro(struct emit *e, int i, bool is_input)
{
    int n;
    struct tensor *const *list = io_list(e, is_input, &n);
    const char *kind = is_input ? "INPUT" : "OUTPUT";
    if (n == 1)
        return kind;
    return format(e->ctx, "%s_%s", kind, name_upper(e->ctx, io_part(e->ctx, list, n, i)));
}

int step_number(const struct emit *e, const struct node *n)
{
    for (int i = 0; i < e->whole->n_steps; i++)
        if (e->whole->step[i].node == n)
            return i;
    assert(false && "a node without a step");
    return -1;
}

static const char *name_node(struct emit *e, const struct node *n)
{
    return format(e->ctx, "%s_%d", n->op->name, step_number(e, n));
}

const char *name_step(struct emit *e, int step)
{
    return name_node(e, e->program->step[step].node);
}

const char *name_constant(struct emit *e, const struct constant *c)
{
    const char *prefix = e->ctx->options.split_weights ? format(e->ctx, "%s_", e->name) : "";
    int same = 0; /* constants of this node and label before this one */
    for (const struct constant *o = e->program->constant; o < c; o++)
        same += o->node == c->node && !strcmp(o->label, c->label);
    const char *suffix = same ? format(e->ctx, "_%d", same + 1) : "";
    return format(e->ctx, "%s%s_%s%s", prefix, name_node(e, c->node), c->label, suffix);
}

const char *name_offset(struct emit *e, const struct tensor *t)
{
    for (int i = 0; i < e->graph->n_inputs; i++)
        if (e->graph->input[i] == t)
            return name_io_macro(e, i, true);
    if (t->maker)
        return name_upper(e->ctx, name_node(e, t->maker));
    for (int i = 0; i < e->program->n_steps; i++) {
        const struct step *s = &e->program->step[i];
        for (int k = 0; k < s->n_temps; k++)
            if (s->temp[k] == t)
                return format(e->ctx, k ? "%s_TEMP%d" : "%s_TEMP",
                              name_upper(e->ctx, name_step(e, i)), k + 1);
    }
    assert(false && "a tensor without a name");
    return "";
}

const char *name_member(const struct tensor *t)
{
    switch (t->type) {
    case DTYPE_FLOAT32:
        return "f32";
    case DTYPE_FLOAT64:
        return "f64";
    case DTYPE_INT8:
        return "s8";
    case DTYPE_UINT8:
    case DTYPE_BOOL:
        return "u8";
    case DTYPE_INT16:
        return "s16";
    case DTYPE_INT32:
        return "s32";
    case DTYPE_INT64:
        return "s64";
    case DTYPE_UINT16:
    case DTYPE_FLOAT16:
        return "u16";
    case DTYPE_UINT32:
        return "u32";
    default:
        return NULL;
    }
}

/* The largest alignment first; beyond that the order says nothing. */
static const enum dtype members[N_MEMBERS] = {DTYPE_FLOAT64, DTYPE_INT64,  DTYPE_FLOAT32,
                                              DTYPE_INT32,   DTYPE_UINT32, DTYPE_INT16,
                                              DTYPE_UINT16,  DTYPE_INT8,   DTYPE_UINT8};

enum dtype emit_member_type(int i)
{
    return members[i];
}

const char *emit_member(const struct emit *e, int i)
{
    const struct plan *plan = e->program->plan;
    struct tensor probe = {.type = members[i]};
    for (int k = 0; k < e->graph->n_tensors; k++)
        if (plan->of[k] >= 0 && !strcmp(name_member(e->graph->tensor[k]), name_member(&probe)))
            return name_member(&probe);
    return NULL;
}

const char *emit_counter_type(const struct emit *e)
{
    return schedule_counter_bytes(e->program->schedule) == 1 ? "uint8_t" : "uint16_t";
}

const struct constant *find_constant(const struct program *p, const void *data, bool is_operand)
{
    for (int i = 0; i < p->n_constants; i++)
        if (p->constant[i].data == data && p->constant[i].is_operand == is_operand)
            return &p->constant[i];
    assert(false && "a pointer to something that is no constant");
    return NULL;
}

int64_t constant_bytes(const struct program *p)
{
    int64_t bytes = 0;
    for (int i = 0; i < p->n_constants; i++)
        bytes += p->constant[i].n * dtype_bits(p->constant[i].type) / 8;
    return bytes;
}
