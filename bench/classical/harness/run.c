/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - asks a converted model about every row, on the core. answers.bin gets the depth of the
 * stack, then the answers. The plugin counts what runs between the entry of peer_predict() and the
 * return to ask(); io.h says the types and the numbers.
 */
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "io.h"

enum { PAINTED_BYTES = 200000 };

extern const row_type rows[N_ROWS][N_FEATURES];

answer_type peer_predict(const row_type *x);

static answer_type answers[N_ROWS];

__attribute__((noinline)) static uint32_t ask(void)
{
    volatile uint8_t *top, *at;

    __asm__ volatile("mov %0, sp" : "=r"(top));
    for (at = top - PAINTED_BYTES; at < top; at++)
        *at = 0xa5;
    for (int i = 0; i < N_ROWS; i++)
        answers[i] = peer_predict(rows[i]);
    for (at = top - PAINTED_BYTES; at < top && *at == 0xa5; at++) {
    }
    return (uint32_t)(top - at);
}

int main(void)
{
    const uint32_t stack_bytes = ask();
    const int file = open("answers.bin", O_WRONLY | O_CREAT | O_TRUNC, 0666);

    write(file, &stack_bytes, sizeof stack_bytes);
    write(file, answers, sizeof answers);
    close(file);
    return 0;
}
