/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - offsets for intervals of memory: no two that live together may overlap.
 *
 * First fit in one order is often within a few percent of the most bytes live at once, and which
 * order is best differs by model; so several orders are tried, then orders that are changed a
 * little at random from the best so far, until the lower bound is met or the attempts are used up.
 * The random numbers start from a constant: the same model always gives the same plan.
 */
#include <string.h>

#include "ir.h"

/* Beyond MANY intervals only the order of births is tried, which needs no look at the dead. */
enum { STALE = 40, MANY = 2000, SWEEP = 64, BY_BIRTH = 1, KINDS = 4 };

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

int32_t plan_lower_bound(struct ctx *ctx, const struct interval *v, int n)
{
    int32_t end = 0;
    for (int i = 0; i < n; i++)
        end = v[i].last > end ? v[i].last : end;
    int64_t *change = NEWS(ctx, int64_t, end + 2), live = 0, most = 0;
    for (int i = 0; i < n; i++) {
        change[v[i].birth] += v[i].bytes;
        change[v[i].last + 1] -= v[i].bytes;
    }
    for (int32_t step = 0; step <= end; step++) {
        live += change[step];
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
    int low = 0, high = n_placed; /* behind those of its offset */
    while (low < high) {
        int middle = (low + high) / 2;
        if (p->v[p->placed[middle]].offset > x->offset)
            high = middle;
        else
            low = middle + 1;
    }
    memmove(p->placed + low + 1, p->placed + low, (size_t)(n_placed - low) * sizeof *p->placed);
    p->placed[low] = i;
}

/* What died before `birth` is in nobody's way any more, where births only grow. */
static int drop_dead(struct packer *p, int n_placed, int32_t birth)
{
    int kept = 0;
    for (int k = 0; k < n_placed; k++)
        if (p->v[p->placed[k]].last >= birth)
            p->placed[kept++] = p->placed[k];
    return kept;
}

static int32_t attempt(struct packer *p, bool by_birth)
{
    int n_placed = 0;
    int32_t top = 0;
    for (int pass = 0; pass < 2; pass++) /* those that are fixed stand first */
        for (int i = 0; i < p->n; i++) {
            const struct interval *x = &p->v[p->order[i]];
            if (x->fixed == (pass == 1))
                continue;
            if (by_birth && pass == 1 && i % SWEEP == 0)
                n_placed = drop_dead(p, n_placed, x->birth);
            place(p, n_placed++, p->order[i]);
        }
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

/* Merge sort: stable. `placed` is room. */
static void sort(struct packer *p, int kind)
{
    for (int i = 0; i < p->n; i++)
        p->order[i] = i;
    for (int width = 1; width < p->n; width *= 2) {
        for (int from = 0; from < p->n; from += 2 * width) {
            int a = from, a_end = from + width < p->n ? from + width : p->n;
            int b = a_end, b_end = from + 2 * width < p->n ? from + 2 * width : p->n;
            for (int to = from; to < b_end; to++) {
                bool second = a == a_end || (b < b_end && comes_before(&p->v[p->order[b]],
                                                                       &p->v[p->order[a]], kind));
                p->placed[to] = p->order[second ? b++ : a++];
            }
        }
        memcpy(p->order, p->placed, (size_t)p->n * sizeof *p->order);
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
    const int32_t bound = plan_lower_bound(ctx, v, n);
    for (int kind = 0; kind < KINDS && p.best > bound; kind++) {
        if (n > MANY && kind != BY_BIRTH)
            continue;
        sort(&p, kind);
        attempt(&p, kind == BY_BIRTH);
    }
    uint32_t random = 1;
    int since = STALE; /* attempts since the best one */
    int32_t top = p.best;
    attempts = n > MANY ? 0 : attempts;
    for (int i = 0; i < attempts && p.best > bound && n > 1; i++) {
        if (since++ >= STALE) { /* start anew from the best */
            memcpy(p.order, p.best_order, (size_t)n * sizeof *p.order);
            top = attempt(&p, false);
            since = 0;
        }
        int32_t before = p.best;
        squeak(&p, top, &random);
        top = attempt(&p, false);
        since = p.best < before ? 0 : since;
    }
    for (int i = 0; i < n; i++)
        v[i].offset = p.best_offset[i];
    return p.best;
}
