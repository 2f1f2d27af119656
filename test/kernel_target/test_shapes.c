/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions and pools, packed and plain, in every small shape and many larger ones. TEST_FAMILY
 * takes one family of them. */
#include "rows_conv2d.h"
#include "rows_depthwise.h"
#include "rows_pool.h"

static const struct table *const tables[FAMILIES] = {&conv2d_table, &depthwise_table,
                                                     &max_pool_table, &average_pool_table};

static void check_shape(enum family family, const struct shape *s, int32_t least)
{
    check_table(tables[family], s, least);
}

/* Two neighbouring weights of -128 are too much for a quad's 16 bits; one is not. */
static void check_edges(void)
{
    const int8_t edge[2][6] = {{0, -128, -128, 0, 1, 2}, {0, 0, -128, -128, 0, 0}};
    for (int i = 0; i < 2; i++) {
        struct pack_layer l = draw_layer(TYPICAL, 1, 6);
        l.weights = edge[i];
        CHECK(pack_quads(&l, packed_weights, packed_scales) == (i ? PACK_PAIR : PACK_OK));
    }
}

int main(void)
{
    check_edges();
    walk_shapes(FAMILIES, check_shape);
    for (int family = 0; family < FAMILIES; family++)
        if (TEST_FAMILY == FAMILIES || TEST_FAMILY == family)
            check_counts(tables[family]);
    return checks_end();
}
