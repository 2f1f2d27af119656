/* SPDX-License-Identifier: Apache-2.0 */
/* rows_pool.h - the kernels of pools. */
#ifndef MICA_TEST_ROWS_POOL_H
#define MICA_TEST_ROWS_POOL_H

#include "rows.h"

#include "average_pool_fours_s8.h"
#include "average_pool_s8.h"
#include "max_pool_fours_s8.h"
#include "max_pool_s8.h"

static inline bool has_four_channels(const struct shape *s)
{
    return s->in_c >= 4;
}

#define RUN_POOL(kind)                                                          \
    static inline void run_##kind(const struct job *j)                          \
    {                                                                           \
        const struct mica_##kind##_s8 p = {WINDOW, .channels = I16(j->s->in_c), \
                                           .out_min = I16(j->l->out_min),       \
                                           .out_max = I16(j->l->out_max)};      \
        for (int32_t y = 0; y < j->n; y++)                                      \
            mica_##kind##_s8(&p, j->rows + y * j->s->stride_h,                  \
                             j->out + y * j->s->out_w * j->s->in_c);            \
    }

RUN_POOL(max_pool)
RUN_POOL(max_pool_fours)
RUN_POOL(average_pool)
RUN_POOL(average_pool_fours)

static struct row max_pool_rows[] = {
    {"max_pool", NULL, NULL, NULL, run_max_pool, 0, 0, 0},
    {"max_pool_fours", has_four_channels, NULL, NULL, run_max_pool_fours, 0, 0, 0},
};
static struct row average_pool_rows[] = {
    {"average_pool", NULL, NULL, NULL, run_average_pool, 0, 0, 0},
    {"average_pool_fours", has_four_channels, NULL, NULL, run_average_pool_fours, 0, 0, 0},
};
static const struct table max_pool_table = TABLE(MAX_POOL, max_pool_rows);
static const struct table average_pool_table = TABLE(AVERAGE_POOL, average_pool_rows);

#endif
