/* SPDX-License-Identifier: Apache-2.0 */
/* size.c - the smallest program that asks a converted model, for its flash and RAM. */
#include <stdint.h>

#include "io.h"

extern const row_type rows[1][N_FEATURES];

answer_type peer_predict(const row_type *x);

volatile answer_type answer;

int main(void)
{
    answer = peer_predict(rows[0]);
    return 0;
}
