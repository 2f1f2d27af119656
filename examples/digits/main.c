/* SPDX-License-Identifier: Apache-2.0 */

/* Recognises one handwritten digit with the code that mica generates from digits.tflite. */

#include <stdint.h>
#include <stdio.h>

#include "digits.h"

/* A test image as scanned: ink from 0 (none) to 16 (full). */
/* clang-format off */
static const uint8_t image[DIGITS_INPUT_LEN] = {
     0,  2, 16, 16, 16, 16,  3,  0,
     0,  1, 16, 13,  6,  4,  0,  0,
     0,  9, 16,  3,  0,  0,  0,  0,
     0,  9, 16, 13,  7,  0,  0,  0,
     0,  3, 11, 13, 16,  9,  0,  0,
     0,  0,  0,  0,  7, 16,  1,  0,
     0,  2, 11,  5, 12, 14,  0,  0,
     0,  3, 16, 16, 16,  5,  0,  0,
};
/* clang-format on */

/* The working memory of the network: static, so that the linker reserves it. */
static union digits_scratch scratch;

/* The network was trained on ink between 0 and 1; the header says which int8 stands for it. */
static int8_t quantise(uint8_t ink)
{
    float real = (float)ink / 16.0f;

    return (int8_t)((int)(real / DIGITS_INPUT_SCALE + 0.5f) + DIGITS_INPUT_ZERO);
}

int main(void)
{
    int8_t in[DIGITS_INPUT_LEN];
    int8_t out[DIGITS_OUTPUT_LEN];
    int best = 0;
    float probability;

    for (int i = 0; i < DIGITS_INPUT_LEN; i++)
        in[i] = quantise(image[i]);

    digits_run(&scratch, in, out);

    for (int i = 1; i < DIGITS_OUTPUT_LEN; i++) {
        if (out[i] > out[best])
            best = i;
    }
    probability = DIGITS_OUTPUT_SCALE * (float)(out[best] - DIGITS_OUTPUT_ZERO);
    printf("This is a %d (%.0f %% sure).\n", best, (double)(100.0f * probability));
    return 0;
}
