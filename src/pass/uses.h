/* SPDX-License-Identifier: Apache-2.0 */
/* uses.h - how often each tensor is read; what the passes that merge nodes ask. */
#ifndef MICA_PASS_USES_H
#define MICA_PASS_USES_H

#include "ir.h"

/* By tensor->index: reads by nodes, by views, and as an output of the graph. A tensor with one use
 * that a node reads has no other reader. */
int *count_uses(struct ctx *, const struct graph *);

#endif
