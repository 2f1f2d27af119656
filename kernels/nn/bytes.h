/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_BYTES_H
#define MICA_BYTES_H

#include <stdint.h>

#include "dsp.h"
#include "requantize_bytes.h"
#include "rom.h"

/* Sums of products for cores that multiply 8 by 8 bits (AVR). Sums have 24 bits, in the low bytes
 * of a word whose highest byte means nothing: whoever made the weights has proved that the whole
 * sum, its bias included, is below 2^23, so what comes in between may wrap.
 *
 * Inputs and weights are taken as x + 128 and w + 128, bytes without sign, whose products need no
 * sign to be carried up. What that adds to a sum of products,
 *     sum of (x + 128)(w + 128) = sum of x w + 128 * (sum of (x + 128)) + 128 * (sum of w)
 * depends on the weights alone, and is in the bias, and on the inputs alone, and is subtracted once
 * for all channels of a pixel.
 *
 * MICA_AVR is 1 where these are assembly; gcc makes calls of 32-bit products from C. */
#if defined(__AVR_HAVE_MUL__) && defined(__AVR_HAVE_LPMX__)
#define MICA_AVR 1
#else
#define MICA_AVR 0
#endif

/* Sums of a channel and where their outputs go, each `step` bytes behind the one before. */
struct mica_bytes {
    int8_t *out;
    uint16_t step;
    uint8_t n; /* 1 to 4 */
    uint32_t sums[4];
};

#if MICA_AVR

/* clang-format off */

/* One product of bytes, added to a sum from byte `a` on. */
#define MICA_BYTES_ADD(x, w, a, b, c, zero) \
    "mul " x ", " w " \n"                   \
    "add " a ", r0 \n"                      \
    "adc " b ", r1 \n"                      \
    "adc " c ", " zero " \n"
#define MICA_BYTES_LOAD(a, b, c) \
    "ld " a ", X+ \n"            \
    "ld " b ", X+ \n"            \
    "ld " c ", X+ \n"            \
    "adiw r26, 1 \n"
#define MICA_BYTES_STORE(a, b, c) \
    "st X+, " a " \n"             \
    "st X+, " b " \n"             \
    "st X+, " c " \n"             \
    "adiw r26, 1 \n"

/* sums[k] = start[k] + weights[n] times inputs k of [n][4]. */
MICA_CALLED void mica_bytes_four(const int8_t *weights, const uint8_t *in, uint16_t n,
                                 const uint32_t start[4], uint32_t sums[4])
{
    uint8_t x, w;
    __asm__ volatile(MICA_BYTES_LOAD("r2", "r3", "r4")
                     MICA_BYTES_LOAD("r5", "r6", "r7")
                     MICA_BYTES_LOAD("r8", "r9", "r10")
                     MICA_BYTES_LOAD("r11", "r12", "r13")
                     "movw r26, %[in] \n"
                     "1: lpm %[w], Z+ \n"
                     "ld %[x], X+ \n"
                     MICA_BYTES_ADD("%[x]", "%[w]", "r2", "r3", "r4", "%[zero]")
                     "ld %[x], X+ \n"
                     MICA_BYTES_ADD("%[x]", "%[w]", "r5", "r6", "r7", "%[zero]")
                     "ld %[x], X+ \n"
                     MICA_BYTES_ADD("%[x]", "%[w]", "r8", "r9", "r10", "%[zero]")
                     "ld %[x], X+ \n"
                     MICA_BYTES_ADD("%[x]", "%[w]", "r11", "r12", "r13", "%[zero]")
                     "sbiw %[n], 1 \n"
                     "brne 1b \n"
                     "movw r26, %[sums] \n"
                     MICA_BYTES_STORE("r2", "r3", "r4")
                     MICA_BYTES_STORE("r5", "r6", "r7")
                     MICA_BYTES_STORE("r8", "r9", "r10")
                     MICA_BYTES_STORE("r11", "r12", "r13")
                     "clr r1 \n"
                     : [x] "=&r"(x), [w] "=&r"(w), "+z"(weights), "+x"(start), [n] "+w"(n)
                     : [zero] "r"((uint8_t)0), [in] "r"(in), [sums] "r"(sums)
                     : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12",
                       "r13", "memory");
}

/* sums[k] = *start + in[n], with their signs, times weights k of [n][2]. */
MICA_CALLED void mica_bytes_two(const int8_t *weights, const int8_t *in, uint16_t n,
                                const uint32_t *start, uint32_t sums[2])
{
    uint8_t x, w;
    __asm__ volatile(MICA_BYTES_LOAD("r2", "r3", "r4")
                     "movw r6, r2 \n"
                     "mov r5, r4 \n"
                     "movw r26, %[in] \n"
                     "1: ld %[x], X+ \n"
                     "subi %[x], 0x80 \n"
                     "lpm %[w], Z+ \n"
                     MICA_BYTES_ADD("%[x]", "%[w]", "r2", "r3", "r4", "%[zero]")
                     "lpm %[w], Z+ \n"
                     MICA_BYTES_ADD("%[x]", "%[w]", "r6", "r7", "r5", "%[zero]")
                     "sbiw %[n], 1 \n"
                     "brne 1b \n"
                     "movw r26, %[sums] \n"
                     MICA_BYTES_STORE("r2", "r3", "r4")
                     MICA_BYTES_STORE("r6", "r7", "r5")
                     "clr r1 \n"
                     : [x] "=&d"(x), [w] "=&r"(w), "+z"(weights), "+x"(start), [n] "+w"(n)
                     : [zero] "r"((uint8_t)0), [in] "r"(in), [sums] "r"(sums)
                     : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "memory");
}

/* *sum = weights[n] times what n pointers point to, `offset` bytes on; both have their signs.
 * r2-r4: the sum, r18 r19: a pointer, r20: the input, r21: the weight. */
MICA_CALLED void mica_bytes_scattered(const int8_t *weights, const int8_t *const *in,
                                      uint16_t offset, uint8_t n, uint32_t *sum)
{
    __asm__ volatile("clr r2 \n"
                     "clr r3 \n"
                     "clr r4 \n"
                     "1: ld r18, X+ \n"
                     "ld r19, X+ \n"
                     "movw r0, r26 \n"
                     "movw r26, r18 \n"
                     "add r26, %A[offset] \n"
                     "adc r27, %B[offset] \n"
                     "ld r20, X \n"
                     "movw r26, r0 \n"
                     "lpm r21, Z+ \n"
                     "muls r20, r21 \n"
                     "add r2, r0 \n"
                     "adc r3, r1 \n"
                     "adc r4, %[zero] \n"
                     "sbrc r1, 7 \n"
                     "dec r4 \n"
                     "dec %[n] \n"
                     "brne 1b \n"
                     "movw r26, %[sum] \n"
                     MICA_BYTES_STORE("r2", "r3", "r4")
                     "clr r1 \n"
                     : "+z"(weights), "+x"(in), [n] "+r"(n)
                     : [zero] "r"((uint8_t)0), [offset] "r"(offset), [sum] "r"(sum)
                     : "r0", "r2", "r3", "r4", "r18", "r19", "r20", "r21", "memory");
}

#if MICA_BYTES_ROUNDS
#define MICA_BYTES_NEAREST \
    "subi r18, 0xC0 \n"    \
    "sbci r19, 0xFF \n"    \
    "sbci r20, 0xFF \n"    \
    "sbci r21, 0xFF \n"
#define MICA_BYTES_SIGN    \
    "lsl r13 \n"           \
    "sbc r19, r23 \n"  \
    "sbc r20, r23 \n"  \
    "sbc r21, r23 \n"
#else
#define MICA_BYTES_NEAREST
#define MICA_BYTES_SIGN
#endif

/* r2-r5: multiplier, r6-r8: half, r9-r11: bias, r22: step, T: its upper byte, r23: 0; r12, r17,
 * r13: a sum; r14 r15: bytes 1 and 2 of its product with the multiplier, r18-r21: 3 to 6, which
 * doubled are its upper part in r19-r21; r18: the output. X: sums, Z: out, r24 r25: its step, r16:
 * n. */
MICA_CALLED void mica_bytes_out(const int32_t *scale, const struct mica_bytes *p)
{
    __asm__ volatile("lpm r9, Z+ \n"
                     "lpm r10, Z+ \n"
                     "lpm r11, Z+ \n"
                     "adiw r30, 1 \n"
                     "lpm r2, Z+ \n"
                     "lpm r3, Z+ \n"
                     "lpm r4, Z+ \n"
                     "lpm r5, Z+ \n"
                     "lpm r6, Z+ \n"
                     "lpm r7, Z+ \n"
                     "lpm r8, Z+ \n"
                     "adiw r30, 1 \n"
                     "lpm r22, Z+ \n"
                     "lpm r23, Z+ \n"
                     "bst r23, 0 \n"
                     "clr r23 \n"
                     "ld r30, X+ \n"
                     "ld r31, X+ \n"
                     "ld r24, X+ \n"
                     "ld r25, X+ \n"
                     "ld r16, X+ \n"
                     "1: \n"
                     MICA_BYTES_LOAD("r12", "r17", "r13")
                     "add r12, r9 \n"
                     "adc r17, r10 \n"
                     "adc r13, r11 \n"
                     "clr r15 \n"
                     "clr r18 \n"
                     "clr r19 \n"
                     "clr r20 \n"
                     "clr r21 \n"
                     "mul r12, r2 \n"
                     "mov r14, r1 \n"
                     "mul r12, r3 \n"
                     "add r14, r0 \n"
                     "adc r15, r1 \n"
                     MICA_BYTES_ADD("r17", "r2", "r14", "r15", "r18", "r23")
                     MICA_BYTES_ADD("r12", "r4", "r15", "r18", "r19", "r23")
                     MICA_BYTES_ADD("r17", "r3", "r15", "r18", "r19", "r23")
                     MICA_BYTES_ADD("r13", "r2", "r15", "r18", "r19", "r23")
                     MICA_BYTES_ADD("r12", "r5", "r18", "r19", "r20", "r23")
                     MICA_BYTES_ADD("r17", "r4", "r18", "r19", "r20", "r23")
                     MICA_BYTES_ADD("r13", "r3", "r18", "r19", "r20", "r23")
                     MICA_BYTES_ADD("r17", "r5", "r19", "r20", "r21", "r23")
                     MICA_BYTES_ADD("r13", "r4", "r19", "r20", "r21", "r23")
                     "mul r13, r5 \n"
                     "add r20, r0 \n"
                     "adc r21, r1 \n"
                     "sbrs r13, 7 \n"
                     "rjmp 2f \n"
                     "sub r18, r2 \n"
                     "sbc r19, r3 \n"
                     "sbc r20, r4 \n"
                     "sbc r21, r5 \n"
                     "2: \n"
                     MICA_BYTES_NEAREST
                     "lsl r18 \n"
                     "rol r19 \n"
                     "rol r20 \n"
                     "rol r21 \n"
                     "add r19, r6 \n"
                     "adc r20, r7 \n"
                     "adc r21, r8 \n"
                     MICA_BYTES_SIGN
                     "brtc 3f \n"
                     "mov r19, r20 \n"
                     "mov r20, r21 \n"
                     "lsl r21 \n"
                     "sbc r21, r21 \n"
                     "3: mul r19, r22 \n"
                     "mov r18, r1 \n"
                     "mul r20, r22 \n"
                     "mov r20, r1 \n"
                     "add r18, r0 \n"
                     "adc r20, r23 \n"
                     "mulsu r21, r22 \n"
                     "mov r21, r1 \n"
                     "add r20, r0 \n"
                     "adc r21, r23 \n"
                     "mov r0, r18 \n"
                     "lsl r0 \n"
                     "sbc r0, r0 \n"
                     "cp r20, r0 \n"
                     "cpc r21, r0 \n"
                     "breq 4f \n"
                     "lsl r21 \n"
                     "ldi r18, 0x7F \n"
                     "brcc 4f \n"
                     "ldi r18, 0x80 \n"
                     "4: st Z, r18 \n"
                     "add r30, r24 \n"
                     "adc r31, r25 \n"
                     "dec r16 \n"
                     "breq 5f \n"
                     "rjmp 1b \n"
                     "5: clr r1 \n"
                     : "+z"(scale), "+x"(p)
                     :
                     : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12",
                       "r13", "r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23",
                       "r24", "r25", "memory");
}

/* clang-format on */

#else

MICA_SHARED void mica_bytes_four(const int8_t *weights, const uint8_t *in, uint16_t n,
                                 const uint32_t start[4], uint32_t sums[4])
{
    for (int k = 0; k < 4; k++)
        sums[k] = start[k];
    for (; n > 0; n--, weights++, in += 4)
        for (int k = 0; k < 4; k++)
            sums[k] += (uint32_t)(uint8_t)MICA_ROM_S8(weights) * in[k];
}

MICA_SHARED void mica_bytes_two(const int8_t *weights, const int8_t *in, uint16_t n,
                                const uint32_t *start, uint32_t sums[2])
{
    sums[0] = sums[1] = *start;
    for (; n > 0; n--, weights += 2, in++)
        for (int k = 0; k < 2; k++)
            sums[k] += (uint32_t)(uint8_t)MICA_ROM_S8(&weights[k]) * (uint32_t)(*in + 128);
}

MICA_SHARED void mica_bytes_scattered(const int8_t *weights, const int8_t *const *in,
                                      uint16_t offset, uint8_t n, uint32_t *sum)
{
    int32_t whole = 0;
    for (; n > 0; n--, weights++, in++)
        whole += MICA_ROM_S8(weights) * (int32_t)(*in)[offset];
    *sum = (uint32_t)whole;
}

/* The outputs of a channel from its sums and its scale in flash, {bias, multiplier, half, step}: as
 * in mica_requantize_twice(), but the last shift is a product by step & 255 = 2^(8 - shift) whose
 * lowest byte is dropped, and before it another byte where step is above 255. */
MICA_SHARED void mica_bytes_out(const int32_t *scale, const struct mica_bytes *p)
{
    int8_t *out = p->out;
    for (int k = 0; k < p->n; k++, out += p->step) {
        const uint32_t sum = p->sums[k] + (uint32_t)MICA_ROM_S32(&scale[0]);
        const int32_t s = (int32_t)(sum << 8) >> 8, step = MICA_ROM_S32(&scale[3]);
        const int64_t product = (int64_t)s * MICA_ROM_S32(&scale[1]);
        int32_t x = (int32_t)((product + (MICA_BYTES_ROUNDS ? INT64_C(1) << 30 : 0)) >> 31);
        x += MICA_ROM_S32(&scale[2]) - (MICA_BYTES_ROUNDS && s < 0);
        x = (step > 255 ? x >> 8 : x) * (step & 255) >> 8;
        *out = (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
    }
}

#endif

#endif
