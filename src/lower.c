/* SPDX-License-Identifier: Apache-2.0 */
/* lower.c - nodes become kernel calls: the frame around each operator's lower(). */
#include <assert.h>
#include <string.h>

#include "kernels.gen.h"
#include "choose/choose.h"
#include "compile.h"

struct call *lower_call(struct lower *l, const struct kernel *kernel, const void *params)
{
    assert(!params == !kernel->params_name);
    struct step *s = l->step;
    struct call *c = NEW(l->ctx, struct call);
    c->kernel = kernel;
    c->phase = PHASE_ROWS;
    if (params)
        c->params = copy_bytes(l->ctx, params, kernel->params_bytes);
    struct call **grown = NEWS(l->ctx, struct call *, s->n_calls + 1);
    if (s->n_calls)
        memcpy(grown, s->call, (size_t)s->n_calls * sizeof *grown);
    grown[s->n_calls++] = c;
    s->call = grown;
    return c;
}

int call_loop(struct call *c, int32_t count)
{
    assert(c->n_loops < LOOPS_MAX && count > 0);
    c->loop[c->n_loops] = count;
    return c->n_loops++;
}

struct operand *call_bind(struct call *c, struct tensor *t, int32_t offset)
{
    for (int i = 0; i < c->kernel->n_args; i++) {
        if (c->operand[i].tensor || c->kernel->args[i].kind == ARG_COUNT)
            continue;
        assert(c->kernel->args[i].type == DTYPE_COUNT ||
               dtype_bits(t->type) == dtype_bits(c->kernel->args[i].type));
        c->operand[i].tensor = t;
        c->operand[i].offset = offset;
        return &c->operand[i];
    }
    assert(false && "the kernel has fewer tensor arguments");
    return NULL;
}

struct tensor *lower_temp(struct lower *l, enum dtype type, int32_t n)
{
    struct step *s = l->step;
    struct tensor *t = graph_add_tensor(l->ctx, l->program->graph, "temporary", type, 1, &n);
    struct tensor **grown = NEWS(l->ctx, struct tensor *, s->n_temps + 1);
    if (s->n_temps)
        memcpy(grown, s->temp, (size_t)s->n_temps * sizeof *grown);
    grown[s->n_temps++] = t;
    s->temp = grown;
    return t;
}

/* Equal tables are kept once: activations of equal scales share theirs. */
static const void *add_constant(struct lower *l, const struct constant *fresh)
{
    struct program *p = l->program;
    size_t bytes = (size_t)fresh->n * (size_t)dtype_bits(fresh->type) / 8;
    for (int i = 0; i < p->n_constants; i++) {
        const struct constant *c = &p->constant[i];
        if (c->type == fresh->type && c->n == fresh->n && c->is_operand == fresh->is_operand &&
            (c->data == fresh->data || !memcmp(c->data, fresh->data, bytes)))
            return c->data;
    }
    if ((p->n_constants & (p->n_constants - 1)) == 0) {
        int room = p->n_constants ? p->n_constants * 2 : 1;
        struct constant *grown = NEWS(l->ctx, struct constant, room);
        if (p->n_constants)
            memcpy(grown, p->constant, (size_t)p->n_constants * sizeof *grown);
        p->constant = grown;
    }
    p->constant[p->n_constants++] = *fresh;
    return fresh->data;
}

const void *lower_constant(struct lower *l, const char *label, enum dtype type, int64_t n,
                           const void *data)
{
    return add_constant(l, &(struct constant){label, l->step->node, type, n, data, false, false});
}

int16_t lower_i16(struct lower *l, const char *what, int64_t value)
{
    if (value < INT16_MIN || value > INT16_MAX)
        fail(l->ctx, l->step->node, "%s is %lld; generated code takes -32768 to 32767", what,
             (long long)value);
    return (int16_t)value;
}

static struct call *load_constant(struct lower *l, struct operand *o, const struct tensor *t)
{
    if (t->type != DTYPE_FLOAT32 && t->type != DTYPE_INT8)
        fail(l->ctx, l->step->node,
             "constant input '%s' is %s; on AVR a constant that is no weight "
             "must be int8 or float32: choose another core",
             t->name, tensor_text(l->ctx, t));
    int32_t n = (int32_t)tensor_elements(t);
    const void *rom = lower_constant(l, "values", t->type, n, t->data);
    struct tensor *ram = lower_temp(l, t->type, n);
    struct call *c;
    if (t->type == DTYPE_FLOAT32) {
        struct mica_load_f32 p = {.rom = rom};
        c = lower_call(l, &kernel_load_f32, &p);
    } else {
        struct mica_load_s8 p = {.rom = rom};
        c = lower_call(l, &kernel_load_s8, &p);
    }
    c->phase = PHASE_START;
    c->count = n;
    call_bind(c, ram, 0);
    o->tensor = ram;
    return c;
}

/* Kernels read their operands as memory. A constant operand is simply an array, except on AVR,
 * where an array in program memory cannot be read so: there it is loaded into scratch first. */
static void bind_constants(struct lower *l)
{
    bool is_avr = core_has_program_memory(l->ctx->options.target);
    const int n_calls = l->step->n_calls;
    int n_loads = 0;
    for (int i = 0; i < n_calls; i++) {
        struct call *c = l->step->call[n_loads + i];
        for (int k = 0; k < c->kernel->n_args; k++) {
            struct operand *o = &c->operand[k];
            struct tensor *t = o->tensor ? tensor_base(o->tensor) : NULL;
            if (!t || !t->data)
                continue;
            if (!is_avr) {
                t->data = add_constant(l, &(struct constant){"values", l->step->node, t->type,
                                                             tensor_elements(t), t->data, true,
                                                             false});
                continue;
            }
            struct call *load = load_constant(l, o, t);
            memmove(l->step->call + 1, l->step->call,
                    (size_t)(l->step->n_calls - 1) * sizeof *l->step->call);
            l->step->call[0] = load;
            n_loads++;
        }
    }
}

bool lower_misfit(struct lower *l, const char *why)
{
    l->misfit = why;
    return false;
}

bool lower_way(struct lower *l, struct node *n, const struct way *way)
{
    struct step *s = l->step;
    struct graph *g = l->program->graph;
    const int n_constants = l->program->n_constants, n_tensors = g->n_tensors;
    s->n_calls = s->n_temps = 0;
    l->misfit = NULL;
    if (way->lower(l, n))
        return true;
    if (!l->misfit)
        l->misfit = "it does not fit this layer";
    l->program->n_constants = n_constants;
    g->n_tensors = n_tensors;
    s->n_calls = s->n_temps = 0;
    return false;
}

/* The way that was chosen for the graph's nodes; a node by itself, for folding, takes the last. */
static void lower_ways(struct lower *l, struct node *n)
{
    const struct menu *menu = l->program->menu;
    const struct way *way = n->op->ways;
    if (menu)
        way = menu[l->step - l->program->step].at[menu[l->step - l->program->step].chosen].way;
    while (!menu && way[1].name)
        way++;
    if (!lower_way(l, n, way))
        assert(false && "it fitted when it was chosen");
}

void lower_node(struct ctx *ctx, struct program *p, struct node *n)
{
    struct step *s = &p->step[p->n_steps++];
    s->node = n;
    s->rows = n->op->rows ? n->op->rows(n) : (struct rows){.whole = true};
    struct lower l = {ctx, p, s, NULL};
    if (n->op->lower) {
        n->op->lower(&l, n);
    } else {
        if (n->op->check)
            n->op->check(ctx, n);
        lower_ways(&l, n);
    }
    bind_constants(&l);
    for (int k = 0; k < s->n_calls; k++) {
        const struct kernel *kernel = s->call[k]->kernel;
        for (int a = 0; a < kernel->n_args; a++)
            assert(s->call[k]->operand[a].tensor || kernel->args[a].kind == ARG_COUNT);
    }
}

static bool points_to(const struct call *c, const void *data)
{
    for (const struct field *f = c->params ? c->kernel->fields : NULL; f && f->name; f++)
        if (f->type >= FIELD_PTR_INT8 &&
            *(const void *const *)(const void *)((const char *)c->params + f->offset) == data)
            return true;
    return false;
}

/* Where code of its own stands for a kernel, nobody reads the kernel's constants on the device.
 * They stay in memory, where eval runs the kernel on them. */
static void drop_constants(struct program *p)
{
    int kept = 0;
    for (int i = 0; i < p->n_constants; i++) {
        bool dropped = false, read = p->constant[i].is_operand;
        for (int k = 0; k < p->n_steps; k++) {
            for (int a = 0; a < p->step[k].n_calls; a++) {
                const struct call *c = p->step[k].call[a];
                if (!points_to(c, p->constant[i].data))
                    continue;
                dropped |= !call_runs_kernel(c);
                read |= call_runs_kernel(c);
            }
        }
        if (read || !dropped)
            p->constant[kept++] = p->constant[i];
    }
    p->n_constants = kept;
}

bool call_runs_kernel(const struct call *c)
{
    return !c->code || c->code->needs_kernel;
}

struct program *lower_graph(struct ctx *ctx, struct graph *g)
{
    struct program *p = NEW(ctx, struct program);
    p->graph = g;
    p->step = NEWS(ctx, struct step, g->n_nodes);
    for (int i = 0; i < g->n_nodes && !p->menu; i++)
        if (g->node[i]->op->ways)
            choose_ways(ctx, p);
    for (int i = 0; i < g->n_nodes; i++)
        lower_node(ctx, p, g->node[i]);
    drop_constants(p);
    return p;
}

/* Takes loop i out of a call; it turned once or its turns went into `count`. */
static void drop_loop(struct call *c, int i)
{
    c->n_loops--;
    for (int k = i; k < c->n_loops; k++) {
        c->loop[k] = c->loop[k + 1];
        for (int a = 0; a < OPERANDS_MAX; a++)
            c->operand[a].step[k] = c->operand[a].step[k + 1];
    }
    for (int a = 0; a < OPERANDS_MAX; a++) {
        int *row = &c->operand[a].window.loop;
        *row = *row == i ? -1 : *row - (*row > i);
        c->operand[a].step[c->n_loops] = 0;
    }
}

void schedule_whole(struct program *p)
{
    for (int i = 0; i < p->n_steps; i++) {
        for (int k = 0; k < p->step[i].n_calls; k++) {
            struct call *c = p->step[i].call[k];
            if (c->joins && c->n_loops) {
                c->count *= c->loop[0];
                c->joins = false;
                drop_loop(c, 0);
            }
            for (int loop = c->n_loops - 1; loop >= 0; loop--)
                if (c->loop[loop] == 1)
                    drop_loop(c, loop);
        }
    }
}
