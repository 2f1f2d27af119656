/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c - see probe.h. Weights are (i * 37 + 11) mod 251 - 125. */
#include "probe.h"

#ifdef __AVR__
#include <avr/pgmspace.h>
#define ROM          PROGMEM
#define ROM_READ(at) ((int8_t)pgm_read_byte(at))
#else
#define ROM
#define ROM_READ(at) (*(at))
#endif

static const int8_t weights[160] ROM = {WEIGHTS};

#ifdef PROBE_CONSTANTS
static const int8_t more[PROBE_CONSTANTS] ROM = {1};
#endif

void probe_run(union probe_scratch *scratch, const int8_t input[64], const float gain[1],
               int8_t output[10], int32_t total[1])
{
    int32_t sum = 0;
#ifdef PROBE_STACK
    volatile int8_t deep[PROBE_STACK];

    for (int i = 0; i < PROBE_STACK; i++)
        deep[i] = (int8_t)i;
#endif
#ifdef PROBE_LOOP
    while (*(volatile const float *)gain >= 0)
        sum++;
#endif
#ifdef PROBE_CRASH
#ifdef __AVR__
    ((void (*)(void))0x1fffe)(); /* beyond the flash that is filled */
#else
    __builtin_trap();
#endif
#endif
#ifdef PROBE_CONSTANTS
    sum += ROM_READ(&more[64 + (input[0] & 63)]); /* a zero that the compiler does not see */
#endif
    for (int i = 0; i < 640; i++)
        scratch->bytes[i] = (int8_t)(input[i % 64] * ROM_READ(&weights[i % 160]) / 128);
    for (int row = 0; row < 10; row++) {
        int32_t acc = 0;

        for (int i = 0; i < 64; i++)
            acc += scratch->bytes[row * 64 + i];
        sum += acc;
        output[row] = (int8_t)(uint8_t)(uint32_t)(int32_t)((float)acc * gain[0]);
    }
    total[0] = sum;
}
