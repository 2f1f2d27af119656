/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - offsets for intervals of memory: no two that live together may overlap.
 *
 * First fit in one order is often within a few percent of the most bytes live at once, and which
 * order is best differs by model; so several orders are tried, then orders that are changed a
 * little at random from the best so far, until the lower bound is met or the attempts are used up.
 * The random numbers start from a constant: the same model always gives the same plan.
 */
#include <stdlib.h>
#include <string.h>

#include "ir.h"

enum { STALE = 40 };

struct packer {
    struct interval *v;
    int n;
    int *order, *best_order; /* indices into v, in the order of placing */
    int *placed;             /* indices, by offset */
    int32_t *best_offset;
    int32_t best;
};

static bool together(const struct interval *a, const struct interval *b)
{
    return a->birth <= b->last && b->birth <= a->last;
}

static int32_t align_up(int32_t x, int32_t align)
{
    return (x + align - 1) / align * align;
}

int32_t plan_lower_bound(const struct interval *v, int n)
{
    int64_t most = 0;
    for (int i = 0; i < n; i++) { /* live bytes change only at a birth */
        int64_t live = 0;
        for (int k = 0; k < n; k++)
            if (v[k].birth <= v[i].birth && v[i].birth <= v[k].last)
                live += v[k].bytes;
        most = live > most ? live : most;
    }
    return (int32_t)most;
}

/* Puts v[i] into the lowest gap among the placed ones that live with it; keeps `placed` sorted. */
static void place(struct packer *p, int n_placed, int i)
{
    struct interval *x = &p->v[i];
    if (!x->fixed) {
        x->offset = 0;
        for (int k = 0; k < n_placed; k++) {
            const struct interval *other = &p->v[p->placed[k]];
            if (!together(x, other))
                continue;
            if (x->offset + x->bytes <= other->offset)
                break;
            if (other->offset + other->bytes > x->offset)
                x->offset = align_up(other->offset + other->bytes, x->align);
        }
    }
    int k = n_placed;
    for (; k > 0 && p->v[p->placed[k - 1]].offset > x->offset; k--)
        p->placed[k] = p->placed[k - 1];
    p->placed[k] = i;
}

static int32_t attempt(struct packer *p)
{
    int n_placed = 0;
    int32_t top = 0;
    for (int pass = 0; pass < 2; pass++) /* those that are fixed stand first */
        for (int i = 0; i < p->n; i++)
            if (p->v[p->order[i]].fixed == !pass)
                place(p, n_placed++, p->order[i]);
    for (int i = 0; i < p->n; i++)
        if (p->v[i].offset + p->v[i].bytes > top)
            top = p->v[i].offset + p->v[i].bytes;
    if (top < p->best) {
        p->best = top;
        memcpy(p->best_order, p->order, (size_t)p->n * sizeof *p->order);
        for (int i = 0; i < p->n; i++)
            p->best_offset[i] = p->v[i].offset;
    }
    return top;
}

/* Does x come before y? Kinds: large first, early first, area first, long first; ties by birth,
 * then large first. */
static bool comes_before(const struct interval *x, const struct interval *y, int kind)
{
    int64_t life_x = x->last - x->birth + 1, life_y = y->last - y->birth + 1;
    int64_t a = kind == 0   ? x->bytes
                : kind == 1 ? -x->birth
                : kind == 2 ? life_x * x->bytes
                            : life_x;
    int64_t b = kind == 0   ? y->bytes
                : kind == 1 ? -y->birth
                : kind == 2 ? life_y * y->bytes
                            : life_y;
    if (a != b)
        return a > b;
    return x->birth != y->birth ? x->birth < y->birth : x->bytes > y->bytes;
}

/* Insertion sort: stable, and n is small. */
static void sort(struct packer *p, int kind)
{
    for (int i = 0; i < p->n; i++) {
        int k = i;
        for (; k > 0 && comes_before(&p->v[i], &p->v[p->order[k - 1]], kind); k--)
            p->order[k] = p->order[k - 1];
        p->order[k] = i;
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Moves one of the intervals that reach the top to an earlier place in the order: what could not be
 * placed well late is placed early next time. */
static void squeak(struct packer *p, int32_t top, uint32_t *random)
{
    int reaching = 0, chosen = 0;
    for (int i = 0; i < p->n; i++) {
        const struct interval *x = &p->v[p->order[i]];
        if (x->fixed || x->offset + x->bytes < top)
            continue;
        reaching++;
        if (next_random(random) % (uint32_t)reaching == 0)
            chosen = i;
    }
    int to = chosen ? (int)(next_random(random) % (uint32_t)chosen) : 0;
    int moved = p->order[chosen];
    memmove(p->order + to + 1, p->order + to, (size_t)(chosen - to) * sizeof *p->order);
    p->order[to] = moved;
}

int32_t plan_pack(struct ctx *ctx, struct interval *v, int n, int attempts)
{
    if (n == 0)
        return 0;
    struct packer p = {
        v,        n, NEWS(ctx, int, n), NEWS(ctx, int, n), NEWS(ctx, int, n), NEWS(ctx, int32_t, n),
        INT32_MAX};
    const int32_t bound = plan_lower_bound(v, n);
    for (int kind = 0; kind < 4 && p.best > bound; kind++) {
        sort(&p, kind);
        attempt(&p);
    }
    uint32_t random = 1;
    int since = STALE; /* attempts since the best one */
    int32_t top = p.best;
    attempts = n > 2000 ? 0 : attempts;
    for (int i = 0; i < attempts && p.best > bound && n > 1; i++) {
        if (since++ >= STALE) { /* start anew from the best */
            memcpy(p.order, p.best_order, (size_t)n * sizeof *p.order);
            top = attempt(&p);
            since = 0;
        }
        int32_t before = p.best;
        squeak(&p, top, &random);
        top = attempt(&p);
        since = p.best < before ? 0 : since;
    }
    for (int i = 0; i < n; i++)
        v[i].offset = p.best_offset[i];
    return p.best;
}
