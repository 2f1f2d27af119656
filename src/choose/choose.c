/* SPDX-License-Identifier: Apache-2.0 */
/* choose.c - picks a way for every node, for the whole model at once.
 *
 * Every way is lowered on trial and priced: instructions from the table of the core, bytes from
 * what it registered. Kernels are in flash once however many layers call them, so what a way costs
 * depends on what the others took; the search therefore weighs whole models. It starts from the
 * fastest way of each node, from the smallest and from the plain loops, changes one node, or all
 * nodes that can take a way, as long as that helps, and keeps the best of the three. */
#include <assert.h>
#include <string.h>

#include "choose/choose.h"
#include "compile.h"

enum { STARTS = 3 };

struct chooser {
    struct ctx *ctx;
    struct program *program;
    struct prices prices;
    bool by_row;
    int n_files;
    const struct kernel_file *file[CHOICE_FILES_MAX]; /* of bit i of candidate.files */
    double file_bytes[CHOICE_FILES_MAX];
    double call_bytes;
};

/* ---- candidates ------------------------------------------------------------------------------ */

static void add_file(struct chooser *c, uint64_t *files, const char *name)
{
    const struct kernel_file *file = kernel_file_find(name);
    int i = 0;
    while (i < c->n_files && c->file[i] != file)
        i++;
    if (i == c->n_files) {
        assert(i < CHOICE_FILES_MAX);
        c->file[c->n_files++] = file;
        c->file_bytes[i] = price_file(&c->prices, name);
    }
    if (files[i / 64] >> i % 64 & 1)
        return;
    files[i / 64] |= UINT64_C(1) << i % 64;
    for (const char *const *need = file->needs; *need; need++)
        add_file(c, files, *need);
}

/* What the step costs that was lowered on trial. */
static void price(struct chooser *c, const struct step *s, int first_constant, struct candidate *to)
{
    const struct program *p = c->program;
    for (int i = 0; i < s->n_calls; i++) {
        const struct facts f = {s, s->call[i], c->by_row};
        const double instructions = price_call(&c->prices, &f);
        to->is_guess |= instructions < 0;
        to->instructions += instructions;
        to->flash += (int64_t)s->call[i]->kernel->params_bytes + (int64_t)c->call_bytes;
        add_file(c, to->files, s->call[i]->kernel->file);
    }
    for (int i = first_constant; i < p->n_constants; i++)
        to->flash += p->constant[i].n * dtype_bits(p->constant[i].type) / 8;
    for (int i = 0; i < s->n_temps; i++)
        to->scratch += (int32_t)tensor_bytes(s->temp[i]);
}

/* Lowers a node in a step that nobody sees; false: the way does not fit. `plain` is the last way,
 * whose memory rows always allow. */
static bool try_way(struct chooser *c, struct node *n, const struct way *way,
                    const struct candidate *plain, struct candidate *to)
{
    struct program *p = c->program;
    struct step s = {.node = n,
                     .rows = n->op->rows ? n->op->rows(n) : (struct rows){.whole = true}};
    struct lower l = {c->ctx, p, &s, NULL};
    const int n_constants = p->n_constants, n_tensors = p->graph->n_tensors;
    bool fits = true;
    if (way)
        fits = lower_way(&l, n, way);
    else
        n->op->lower(&l, n);
    to->way = way;
    to->why = l.misfit;
    if (fits)
        price(c, &s, n_constants, to);
    if (fits && c->by_row && to->scratch > c->ctx->buffer_max && to->scratch > plain->scratch) {
        to->why = format(c->ctx, "its buffer of %d bytes is more than the %d that rows allow",
                         (int)to->scratch, (int)c->ctx->buffer_max);
        fits = false;
    }
    p->n_constants = n_constants;
    p->graph->n_tensors = n_tensors;
    return fits;
}

/* A kernel that the table does not know is believed to be a little better than those listed after
 * it, so that lists in the order of merit serve cores without a table. */
static void guess(struct menu *m, const struct node *n)
{
    double best = n->op->macs ? 10 * (double)n->op->macs(n) : (double)tensor_elements(n->out[0]);
    for (int i = m->n - 1; i >= 0; i--) {
        struct candidate *k = &m->at[i];
        if (k->why)
            continue;
        if (k->is_guess)
            k->instructions = 0.95 * best;
        best = k->instructions < best || i == m->n - 1 ? k->instructions : best;
    }
}

static void fill_menu(struct chooser *c, struct node *n, struct menu *m)
{
    const struct way *ways = n->op->ways;
    int n_ways = 0;
    while (ways && ways[n_ways].name)
        n_ways++;
    if (n->op->check)
        n->op->check(c->ctx, n);
    m->n = n_ways ? n_ways : 1;
    m->at = NEWS(c->ctx, struct candidate, m->n);
    for (int i = m->n - 1; i >= 0; i--)
        try_way(c, n, ways ? &ways[i] : NULL, &m->at[m->n - 1], &m->at[i]);
    guess(m, n);
    m->chosen = m->n - 1;
}

/* ---- the whole model ------------------------------------------------------------------------- */

static struct totals total(const struct chooser *c)
{
    const struct program *p = c->program;
    struct totals t = {0, 0};
    uint64_t files[CHOICE_FILES_MAX / 64] = {0};
    for (int i = 0; i < p->graph->n_nodes; i++) {
        const struct candidate *k = &p->menu[i].at[p->menu[i].chosen];
        t.instructions += k->instructions;
        t.flash += (double)k->flash;
        for (int w = 0; w < CHOICE_FILES_MAX / 64; w++)
            files[w] |= k->files[w];
    }
    for (int i = 0; i < c->n_files; i++)
        if (files[i / 64] >> i % 64 & 1)
            t.flash += c->file_bytes[i];
    return t;
}

/* What is to be small; the second figure breaks ties. */
static double score(const struct chooser *c)
{
    const struct totals t = total(c);
    switch (c->ctx->options.optimize) {
    case MICA_OPTIMIZE_SPEED:
        return t.instructions + 1e-6 * t.flash;
    case MICA_OPTIMIZE_SIZE:
        return t.flash + 1e-10 * t.instructions;
    default:
        return t.instructions * t.flash;
    }
}

static bool takes(const struct menu *m, int candidate)
{
    return candidate < m->n && !m->at[candidate].why;
}

/* Every node of an operator that now goes way `from` (-1: any) goes way `to`, if it can. */
static void move_all(struct chooser *c, const struct op *op, int from, int to)
{
    const struct graph *g = c->program->graph;
    for (int i = 0; i < g->n_nodes; i++) {
        struct menu *m = &c->program->menu[i];
        if (g->node[i]->op == op && (from < 0 || m->chosen == from) && takes(m, to))
            m->chosen = to;
    }
}

static void save(const struct chooser *c, int *chosen)
{
    for (int i = 0; i < c->program->graph->n_nodes; i++)
        chosen[i] = c->program->menu[i].chosen;
}

static void restore(const struct chooser *c, const int *chosen)
{
    for (int i = 0; i < c->program->graph->n_nodes; i++)
        c->program->menu[i].chosen = chosen[i];
}

/* Tries to move groups of nodes; true where the model got better. */
static bool improve_groups(struct chooser *c, int *kept, double *best)
{
    bool improved = false;
    for (int o = 0; o < OP_COUNT; o++) {
        const struct op *op = op_table[o];
        for (int to = 0; op->ways && op->ways[to].name; to++)
            for (int from = -1; from < 0 || op->ways[from].name; from++) {
                save(c, kept);
                move_all(c, op, from, to);
                const double now = score(c);
                if (now < *best) {
                    *best = now;
                    improved = true;
                } else {
                    restore(c, kept);
                }
            }
    }
    return improved;
}

static bool improve_nodes(struct chooser *c, double *best)
{
    bool improved = false;
    for (int i = 0; i < c->program->graph->n_nodes; i++) {
        struct menu *m = &c->program->menu[i];
        for (int to = 0; to < m->n; to++) {
            const int was = m->chosen;
            if (to == was || !takes(m, to))
                continue;
            m->chosen = to;
            const double now = score(c);
            if (now < *best) {
                *best = now;
                improved = true;
            } else {
                m->chosen = was;
            }
        }
    }
    return improved;
}

/* 0: each node's fastest way, 1: its smallest, 2: the plain loops. */
static void start(struct chooser *c, int which)
{
    for (int i = 0; i < c->program->graph->n_nodes; i++) {
        struct menu *m = &c->program->menu[i];
        m->chosen = m->n - 1;
        for (int k = 0; k < m->n && which < STARTS - 1; k++) {
            const struct candidate *a = &m->at[k], *b = &m->at[m->chosen];
            if (!a->why && (which == 0 ? a->instructions < b->instructions : a->flash < b->flash))
                m->chosen = k;
        }
    }
}

static void search(struct chooser *c)
{
    const int n = c->program->graph->n_nodes;
    int *best = NEWS(c->ctx, int, n + 1), *kept = NEWS(c->ctx, int, n + 1);
    double least = -1;
    for (int which = 0; which < STARTS; which++) {
        start(c, which);
        double now = score(c);
        for (bool improved = true; improved;) {
            improved = improve_nodes(c, &now);
            improved |= improve_groups(c, kept, &now);
        }
        if (least >= 0 && now >= least)
            continue;
        least = now;
        save(c, best);
    }
    restore(c, best);
}

/* The ways that options.ways names, in its order, where they fit: for tests and measuring. */
static void force(struct chooser *c)
{
    for (const char *at = c->ctx->options.ways; at && *at;) {
        const size_t n = strcspn(at, ",");
        for (int i = 0; i < c->program->graph->n_nodes; i++) {
            struct menu *m = &c->program->menu[i];
            for (int k = 0; k < m->n && !m->is_forced; k++)
                if (m->at[k].way && strlen(m->at[k].way->name) == n &&
                    !memcmp(m->at[k].way->name, at, n) && takes(m, k)) {
                    m->chosen = k;
                    m->is_forced = true;
                }
        }
        at += n + (at[n] == ',');
    }
}

/* What the model would cost if a node went another way, for the explanation. */
static void compare(struct chooser *c)
{
    c->program->chosen = total(c);
    for (int i = 0; i < c->program->graph->n_nodes; i++) {
        struct menu *m = &c->program->menu[i];
        const int chosen = m->chosen;
        for (m->chosen = 0; m->chosen < m->n; m->chosen++)
            if (takes(m, m->chosen))
                m->at[m->chosen].model = total(c);
        m->chosen = chosen;
    }
}

void choose_ways(struct ctx *ctx, struct program *p)
{
    const struct mica_options *o = &ctx->options;
    struct chooser c = {.ctx = ctx,
                        .program = p,
                        .prices = prices_of(o),
                        .by_row = o->optimize == MICA_OPTIMIZE_RAM && !o->stream_axis};
    c.call_bytes = price_file(&c.prices, "call");
    p->menu = NEWS(ctx, struct menu, p->graph->n_nodes + 1);
    for (int i = 0; i < p->graph->n_nodes; i++)
        fill_menu(&c, p->graph->node[i], &p->menu[i]);
    search(&c);
    force(&c);
    compare(&c);
}
