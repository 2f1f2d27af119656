/* SPDX-License-Identifier: Apache-2.0 */
/* budget.c - `mica compile --max-flash, --max-ram, --max-cycles`: what a model must not exceed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cost.h"

enum { LAYERS_SHOWN = 5 };

int budget_read(uint64_t *to, const char *flag, const char *text)
{
    char *end;

    if (!text)
        return 0;
    *to = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || !*to)
        return cli_usage("compile", "%s %s: a whole number above 0", flag, text);
    return 0;
}

/* What a layer adds to the figure that is too large. */
static uint64_t flash_of(const struct cost_layer *layer)
{
    return layer->weight_bytes + layer->table_bytes;
}

static uint64_t ram_of(const struct cost_layer *layer)
{
    return (uint64_t)layer->facts.live_bytes;
}

static uint64_t cycles_of(const struct cost_layer *layer)
{
    return layer->cycles;
}

/* The layers with the most, in falling order. */
static void show_layers(const struct cost *cost, uint64_t (*of)(const struct cost_layer *),
                        const char *what)
{
    bool *shown = calloc((size_t)cost->n_layers + 1, sizeof *shown);

    for (int k = 0; shown && k < LAYERS_SHOWN; k++) {
        int most = -1;

        for (int i = 0; i < cost->n_layers; i++)
            if (!shown[i] && of(&cost->layer[i]) &&
                (most < 0 || of(&cost->layer[i]) > of(&cost->layer[most])))
                most = i;
        if (most < 0)
            break;
        shown[most] = true;
        fprintf(stderr, "  %10" PRIu64 "  %s of step %d, %s \"%.60s\"\n", of(&cost->layer[most]),
                what, most, cost->layer[most].facts.op, cost->layer[most].facts.name);
    }
    free(shown);
}

static int exceed(const struct cost_entry *e, const char *flag, const char *unit, uint64_t is,
                  uint64_t most)
{
    return cli_refuse("%s on %s takes %" PRIu64 " %s, %s allows %" PRIu64 ": %" PRIu64 " too many",
                      e->model, e->target.core, is, unit, flag, most, is - most);
}

static void show_part(const char *what, uint64_t bytes)
{
    if (bytes)
        fprintf(stderr, "  %10" PRIu64 "  %s\n", bytes, what);
}

static int compare(const struct cost_entry *e, const struct budget *budget)
{
    const struct cost *cost = &e->cost;
    int status = CLI_OK;

    if (budget->flash && cost_flash(cost) > budget->flash) {
        status = exceed(e, "--max-flash", "bytes of flash", cost_flash(cost), budget->flash);
        show_part("code", cost->code_bytes);
        show_layers(cost, flash_of, "weights and tables");
    }
    if (budget->ram && cost_ram(cost) > budget->ram) {
        status = exceed(e, "--max-ram", "bytes of RAM", cost_ram(cost), budget->ram);
        show_part("scratch", cost->scratch_bytes);
        show_part("state", cost->state_bytes);
        show_part("inputs and outputs", cost->io_bytes);
        show_part("static", cost->static_bytes);
        show_part("stack", cost->stack_bound ? cost->stack_bound : cost->stack_bytes);
        show_layers(cost, ram_of, "live scratch");
    }
    if (budget->cycles && cost->total.cycles > budget->cycles) {
        status = exceed(e, "--max-cycles", "cycles", cost->total.cycles, budget->cycles);
        show_layers(cost, cycles_of, "cycles");
    }
    return status;
}

int budget_check(const char *model, const struct mica_options *options, const struct budget *budget)
{
    struct cost_entry e = {.model = model, .options = *options};
    struct measure_error error;
    int status;

    if (!e.options.target)
        e.options.target = "host";
    if (target_find(e.options.target, &e.target, &error))
        return cli_usage("compile", "%s", error.text);
    if (!e.target.flash.bytes)
        return cli_usage("compile", "a budget needs a core: --target CORE, see mica targets");
    status = cost_entry_measure(&e, NULL, 0);
    if (status == CLI_OK)
        status = compare(&e, budget);
    cost_entry_free(&e);
    return status;
}
