/* SPDX-License-Identifier: Apache-2.0 */
/* columns_order.c - what the steps of a column make of a number, and where they reach a
 * threshold. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels.gen.h"
#include "op/attr.h"
#include "pass/columns.h"

static double take_step(const struct feature_step *s, double x)
{
    const struct node *n = s->node;
    const bool is_double = n->out[0]->type == DTYPE_FLOAT64;
    float y = (float)x, fill;
    if (node_is(n, OP_cast))
        return is_double ? x : (double)y;
    if (node_is(n, OP_impute_features)) {
        const double value = column_number(n, 1, s->column);
        const struct mica_impute_features_f64 p = {.is_nan = 1, .fill = &value};
        fill = (float)value;
        const struct mica_impute_features_f32 p_float = {.is_nan = 1, .fill = &fill};
        if (is_double)
            mica_impute_features_f64(&p, &x, &x, 1);
        else
            mica_impute_features_f32(&p_float, &y, &y, 1);
        return is_double ? x : (double)y;
    }
    const struct attr_scale_features *a = n->attr;
    const double first = has_input(n, 1) ? column_number(n, 1, s->column) : 0;
    const double second = has_input(n, 2) ? column_number(n, 2, s->column) : 0;
    const double *firsts = has_input(n, 1) ? &first : NULL;
    const double *seconds = has_input(n, 2) ? &second : NULL;
    const int8_t first_op = (int8_t)a->first_op, second_op = (int8_t)a->second_op;
    if (is_double) {
        const struct mica_scale_features_f64 p = {first_op, second_op, firsts, seconds};
        mica_scale_features_f64(&p, &x, &x, 1);
        return x;
    }
    /* Of float32 numbers, what is computed in float64 and rounded is what float32 gives. */
    const struct mica_scale_features_rounded p = {first_op, second_op, firsts, seconds};
    mica_scale_features_rounded(&p, &y, &y, 1);
    return (double)y;
}

double column_follow(const struct path *p, double x)
{
    for (int i = p->n_steps - 1; i >= 0; i--)
        x = take_step(&p->step[i], x);
    return x;
}

static bool turns_around(enum scale_op op, double by)
{
    return (op == SCALE_MUL || op == SCALE_DIV) && by < 0;
}

bool column_decreases(const struct path *p)
{
    bool decreasing = false;
    for (int i = 0; i < p->n_steps; i++) {
        const struct node *n = p->step[i].node;
        const struct attr_scale_features *a = n->attr;
        if (!node_is(n, OP_scale_features))
            continue;
        if (has_input(n, 1))
            decreasing ^= turns_around((enum scale_op)a->first_op,
                                       column_number(n, 1, p->step[i].column));
        if (has_input(n, 2))
            decreasing ^= turns_around((enum scale_op)a->second_op,
                                       column_number(n, 2, p->step[i].column));
    }
    return decreasing;
}

/* Every number comes out as it went in: sources are no wider than float32, casts lose nothing. */
bool column_keeps_numbers(const struct path *p)
{
    for (int i = 0; i < p->n_steps; i++)
        if (!node_is(p->step[i].node, OP_cast))
            return false;
    return true;
}

/* ---- thresholds ------------------------------------------------------------------------------ */

/* Floats by number, in their order; -0 comes before 0. */
enum { KEY_MAX = 0x7f800000, KEY_MIN = -KEY_MAX - 1 };

static float float_of(int32_t key)
{
    uint32_t bits = key < 0 ? ~(uint32_t)key | UINT32_C(0x80000000) : (uint32_t)key;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The last key up to which f(x) <= t holds, or with `decreasing` does not; KEY_MIN - 1: none. */
static int32_t last_key(const struct path *p, double t, bool decreasing)
{
    int64_t below = (int64_t)KEY_MIN - 1, above = (int64_t)KEY_MAX + 1;
    while (above - below > 1) {
        const int64_t middle = below + (above - below) / 2;
        if ((column_follow(p, (double)float_of((int32_t)middle)) <= t) != decreasing)
            below = middle;
        else
            above = middle;
    }
    return (int32_t)below;
}

float column_threshold(const struct path *p, double t, bool decreasing)
{
    const int32_t key = last_key(p, t, decreasing);
    return key < KEY_MIN ? -INFINITY : float_of(key);
}
