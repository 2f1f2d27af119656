/* SPDX-License-Identifier: Apache-2.0 */
/* ways.c - why each layer got its kernel: every way, what it costs and why it won, lost or does not
 * fit. */
#include <inttypes.h>
#include <string.h>

#include "choose/choose.h"
#include "report/report.h"

static const char *name_of(const struct node *n, const struct candidate *k)
{
    (void)n;
    return k->way ? k->way->name : "only";
}

/* Why a candidate that fits was not taken, by what the model would cost with it. */
static const char *lost(struct ctx *ctx, const struct candidate *k, const struct totals *chosen)
{
    const double bytes = k->model.flash - chosen->flash;
    return format(ctx, "model: %+.1f %% instructions, %+.0f bytes of flash",
                  100 * (k->model.instructions / chosen->instructions - 1), bytes);
}

static const char *verdict(struct ctx *ctx, const struct menu *m, int i)
{
    const struct candidate *k = &m->at[i];
    if (k->why)
        return format(ctx, "no: %s", k->why);
    if (i == m->chosen)
        return m->is_forced ? "taken, as --ways says" : "taken";
    return lost(ctx, k, &ctx->program->chosen);
}

static void report_node(struct text *out, const struct ctx *ctx, const struct node *n,
                        const struct menu *m, int step)
{
    text_add(out, "%d  %s  \"%.60s%s\"\n", step, n->op->name, n->name,
             strlen(n->name) > 60 ? "..." : "");
    for (int i = 0; i < m->n; i++) {
        const struct candidate *k = &m->at[i];
        if (k->why)
            text_add(out, "   %c %-14s %12s %9s %9s  ", ' ', name_of(n, k), "-", "-", "-");
        else
            text_add(out, "   %c %-14s %11.0f%s %9" PRId64 " %9d  ", i == m->chosen ? '*' : ' ',
                     name_of(n, k), k->instructions, k->is_guess ? "?" : " ", k->flash,
                     (int)k->scratch);
        text_add(out, "%s\n", verdict((struct ctx *)(uintptr_t)ctx, m, i));
    }
}

void report_ways(struct text *out, const struct ctx *ctx)
{
    const struct program *p = ctx->program;
    if (!p->menu)
        return;
    text_add(out,
             "     way            instructions     flash   scratch  verdict (estimates; flash: of "
             "the layer without kernels)\n");
    for (int i = 0; i < p->n_steps; i++)
        if (p->menu[i].n > 1)
            report_node(out, ctx, p->step[i].node, &p->menu[i], i);
    text_add(out, "The model: %.0f instructions, %.0f bytes of flash.\n", p->chosen.instructions,
             p->chosen.flash);
}

/* The quantities of a call that is lowered, for the command that fits the table of prices. */
static void report_calls(struct text *out, const struct ctx *ctx, const struct step *s)
{
    const bool by_row = ctx->program->schedule != NULL;
    text_add(out, ", \"calls\": [");
    for (int i = 0; i < s->n_calls; i++) {
        const struct facts f = {s, s->call[i], by_row};
        text_add(out, "%s{\"kernel\": \"%s\"", i ? ", " : "", s->call[i]->kernel->name);
        for (int k = 0; quantity_name(k); k++) {
            const char *name = quantity_name(k);
            text_add(out, ", \"%s\": %.0f", name, quantity(&f, name, strlen(name)));
        }
        text_add(out, "}");
    }
    text_add(out, "]");
}

void report_ways_json(struct text *out, const struct ctx *ctx)
{
    const struct program *p = ctx->program;
    text_add(out, "[");
    for (int i = 0; i < p->n_steps; i++) {
        const struct menu none = {0}, *m = p->menu ? &p->menu[i] : &none;
        text_add(out, "%s\n    {\"step\": %d", i ? "," : "", i);
        text_add(out, ", \"ways\": [");
        for (int k = 0; k < m->n; k++) {
            const struct candidate *c = &m->at[k];
            text_add(out, "%s{\"way\": \"%s\", \"taken\": %s, ", k ? ", " : "",
                     name_of(p->step[i].node, c), k == m->chosen ? "true" : "false");
            if (!c->why)
                text_add(out,
                         "\"instructions\": %.0f, \"guessed\": %s, \"flash\": %" PRId64
                         ", \"scratch\": %d, \"model_instructions\": %.0f, \"model_flash\": %.0f, ",
                         c->instructions, c->is_guess ? "true" : "false", c->flash, (int)c->scratch,
                         c->model.instructions, c->model.flash);
            text_add(out, "\"verdict\": ");
            report_json_string(out, verdict((struct ctx *)(uintptr_t)ctx, m, k));
            text_add(out, "}");
        }
        text_add(out, "]");
        report_calls(out, ctx, &p->step[i]);
        text_add(out, "}");
    }
    text_add(out, "]");
}
