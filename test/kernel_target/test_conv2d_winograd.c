/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 convolutions by Winograd's minimal filtering: every small shape, and layers whose weights are
 * all at an end of int8, -128 as well, which other packed kernels have no room for: transformed
 * weights are then as large as they can be. */
#define TEST_FINER 500
#include "rows_conv2d.h"

static struct row winograd_rows[] = {
    {"conv2d_winograd", is_winograd, pack_transformed, scratch_winograd, run_winograd, 0, 0, 0}};
static const struct table winograd_table = TABLE(CONV2D, winograd_rows);

static void check_ends(const struct shape *s)
{
    const struct pack_layer l = draw_layer_of(CONV2D, s, EXTREME);
    const int32_t sign = draw(-1, 1); /* 0: both */
    for (int32_t i = 0; i < l.channels * l.taps; i++)
        layer_weights[i] = (int8_t)(sign > 0 || (sign == 0 && draw(0, 1)) ? 127 : -128);
    check_layer(&winograd_table, *s, s->out_c, l, EXTREME);
}

static void check_shape(enum family family, const struct shape *s, int32_t least)
{
    (void)family;
    if (is_winograd(s)) {
        check_table(&winograd_table, s, least);
        check_ends(s);
    }
}

int main(void)
{
    walk_small_shapes(CONV2D, check_shape);
    walk_random_shapes(CONV2D, TEST_RANDOM, check_shape);
    check_counts(&winograd_table);
    return checks_end();
}
