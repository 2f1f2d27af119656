/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - a hand-written model with the interface of generated ones. PROBE_* make it misbehave.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

#ifndef PROBE_SCRATCH
#define PROBE_SCRATCH 640
#endif

union probe_scratch {
    int32_t align;
    int8_t bytes[PROBE_SCRATCH];
};

/* output[i] = the low 8 bits of (sum of input * weight over the rows of i) * gain; total: the sum
 * of all rows. */
void probe_run(union probe_scratch *scratch, const int8_t input[64], const float gain[1],
               int8_t output[10], int32_t total[1]);

#endif
