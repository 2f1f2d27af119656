/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_TREES_CLASS_H
#define MICA_TREES_CLASS_H

#include <stdint.h>

#include "trees.h"

/* The label of a single tree, whose leaves are labels. */
MICA_INLINE void mica_trees_class(const struct mica_trees *p, const void *x, int32_t *label)
{
    uint32_t at = 0;
    *label = (int32_t)mica_trees_code(p, mica_trees_next(p, x, &at, 0));
}

#endif
