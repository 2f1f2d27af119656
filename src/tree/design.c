/* SPDX-License-Identifier: Apache-2.0 */
/* design.c - which design an ensemble gets: estimates of bytes and instructions, and who wins.
 *
 *     speed   the table where it takes fewer instructions than nested ifs, else nested ifs; what is
 *             too long for a compiler stays data
 *     size    whatever takes the least flash: the table, nested ifs of a little ensemble that need
 *             no kernel beside them, or the stream of bits
 *
 * The estimates are for 32-bit cores, fitted to what gcc -Os makes of the models in the tests.
 */
#include <math.h>

#include "tree/nest.h"
#include "tree/table.h"

enum { STREAM_CODE_BYTES = 450, STREAM_REDO_BYTES = 700, STREAM_TEST_BITS = 24 };
enum { TABLE_TEST_INSTRUCTIONS = 5, NEST_TEST_INSTRUCTIONS = 4, NEST_TREE_INSTRUCTIONS = 3 };

/* On AVR a comparison of 32 bits takes four times the instructions, and there is little flash. */
enum { AVR_NEST_BYTES = 4096 };

static bool wants_speed(const struct lower *l)
{
    return l->ctx->options.optimize == MICA_OPTIMIZE_SPEED;
}

static int64_t stream_bytes(const struct forest *f)
{
    const int64_t leaf_bits = f->trees->path || f->is_vote ? 0 : f->kind == LEAF_FLOAT32 ? 32 : 58;
    return STREAM_CODE_BYTES + (f->n_trees > 1 ? STREAM_REDO_BYTES : 0) +
           (STREAM_TEST_BITS + leaf_bits) * f->n_tests / 8;
}

struct nest *design_nest(struct lower *l, const struct forest *f)
{
    const char *target = l->ctx->options.target;
    struct nest *n = nest_plan(l->ctx, f, NEST_LABELS, core_has_float(target));
    if (!n || (core_has_program_memory(target) && nest_bytes(n) > AVR_NEST_BYTES))
        return NULL;
    return wants_speed(l) || (n->exact && nest_bytes(n) < stream_bytes(f)) ? n : NULL;
}

struct nest *design_rounded(struct lower *l, const struct rounded *r, enum gives gives)
{
    const char *target = l->ctx->options.target;
    const struct forest *f = r->forest;
    const bool value = gives == GIVES_SCORES;
    if (value && (f->n_scores > 1 || l->step->node->out[0]->type != DTYPE_FLOAT32))
        return NULL;
    struct nest *n = nest_plan(l->ctx, f, value ? NEST_VALUE : NEST_LABELS, core_has_float(target));
    if (!n || (core_has_program_memory(target) && nest_bytes(n) > AVR_NEST_BYTES))
        return NULL;
    n->certain = gives == GIVES_CERTAIN;
    n->unit = r->unit;
    n->error = r->error;
    const int64_t stream = STREAM_CODE_BYTES +
                           (STREAM_TEST_BITS + (int64_t)r->bits) * f->n_tests / 8;
    return wants_speed(l) || nest_bytes(n) < stream ? n : NULL;
}

static bool table_wins(const struct lower *l, const struct forest *f, const struct table *t,
                       const struct nest *n)
{
    const int64_t stream = stream_bytes(f), others = n ? nest_bytes(n) : stream;
    if (!wants_speed(l))
        return table_bytes(t) < stream && table_bytes(t) < others;
    if (!n)
        return table_bytes(t) < 2 * stream;
    return TABLE_TEST_INSTRUCTIONS * t->n <
               NEST_TEST_INSTRUCTIONS * nest_met(n) + NEST_TREE_INSTRUCTIONS * (double)f->n_trees &&
           table_bytes(t) < stream + others;
}

bool design_table(struct lower *l, const struct forest *f, const struct nest *n)
{
    const struct table *t = table_plan(l->ctx, f);
    if (!t || !table_wins(l, f, t, n))
        return false;
    table_lower(l, t, wants_speed(l));
    return true;
}
