/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_WORD_H
#define MICA_WORD_H

#include <stdint.h>

#include "dsp.h"
#include "rom.h"

#if MICA_DSP

/* Four bytes of any address as a word, the first lowest. */
struct mica_word {
    uint32_t bits;
} __attribute__((packed, may_alias));

MICA_SHARED uint32_t mica_word_load(const int8_t *at)
{
    return ((const struct mica_word *)at)->bits;
}

MICA_SHARED void mica_word_store(int8_t *at, uint32_t word)
{
    ((struct mica_word *)at)->bits = word;
}

/* The larger of each two signed bytes; the smaller. SSUB8 leaves which is which in flags that only
 * SEL reads, so the two instructions must stay together. */
MICA_SHARED uint32_t mica_word_max(uint32_t a, uint32_t b)
{
    uint32_t most;
    __asm__("ssub8 %0, %1, %2 \n"
            "sel %0, %1, %2 \n"
            : "=&r"(most)
            : "r"(a), "r"(b)
            : "cc");
    return most;
}

MICA_SHARED uint32_t mica_word_min(uint32_t a, uint32_t b)
{
    uint32_t least;
    __asm__("ssub8 %0, %1, %2 \n"
            "sel %0, %2, %1 \n"
            : "=&r"(least)
            : "r"(a), "r"(b)
            : "cc");
    return least;
}

/* Two sums of 16 bits plus bytes 0 and 2; plus bytes 1 and 3. */
MICA_SHARED uint32_t mica_word_add_even(uint32_t sums, uint32_t bytes)
{
    __asm__("sxtab16 %0, %0, %1 \n" : "+r"(sums) : "r"(bytes));
    return sums;
}

MICA_SHARED uint32_t mica_word_add_odd(uint32_t sums, uint32_t bytes)
{
    __asm__("sxtab16 %0, %0, %1, ror #8 \n" : "+r"(sums) : "r"(bytes));
    return sums;
}

/* `sum` plus the four bytes, each 128 larger than it is. */
MICA_SHARED uint32_t mica_word_sum(uint32_t sum, uint32_t bytes)
{
    __asm__("usada8 %0, %1, %2, %0 \n" : "+r"(sum) : "r"(bytes ^ UINT32_C(0x80808080)), "r"(0));
    return sum;
}

/* The signed halves of a word. */
MICA_SHARED int32_t mica_word_low(uint32_t sums)
{
    return (int16_t)sums;
}

MICA_SHARED int32_t mica_word_high(uint32_t sums)
{
    return (int32_t)sums >> 16;
}

#endif

#endif
