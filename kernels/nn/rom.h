/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ROM_H
#define MICA_ROM_H

#include <stdint.h>

/* Constants in flash. AVR keeps them in program memory, which only special loads can read. */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define MICA_ROM         PROGMEM
#define MICA_ROM_S8(at)  ((int8_t)pgm_read_byte(at))
#define MICA_ROM_U8(at)  ((uint8_t)pgm_read_byte(at))
#define MICA_ROM_S16(at) ((int16_t)pgm_read_word(at))
#define MICA_ROM_U16(at) ((uint16_t)pgm_read_word(at))
#define MICA_ROM_U32(at) ((uint32_t)pgm_read_dword(at))
#define MICA_ROM_S32(at) ((int32_t)pgm_read_dword(at))
#define MICA_ROM_F32(at) ((float)pgm_read_float(at))
#define MICA_ROM_F64(at) ((double)pgm_read_float(at)) /* double is a float there */
#define MICA_ROM_COPY(type, at) \
    ((const struct type *)memcpy_P(&(struct type){0}, &(at), sizeof(struct type)))
#else
#define MICA_ROM
#define MICA_ROM_S8(at)         (*(at))
#define MICA_ROM_U8(at)         (*(at))
#define MICA_ROM_S16(at)        (*(at))
#define MICA_ROM_U16(at)        (*(at))
#define MICA_ROM_U32(at)        (*(at))
#define MICA_ROM_S32(at)        (*(at))
#define MICA_ROM_F32(at)        (*(at))
#define MICA_ROM_F64(at)        (*(at))
#define MICA_ROM_COPY(type, at) (&(at))
#endif

/* Small helpers, and kernels whose parameters a compiler is to fold into the code. It judges their
 * size before it knows what folds away. Then helpers that are shared by places in the code; not
 * every model has one for each. */
#if defined(__GNUC__)
#define MICA_INLINE static inline __attribute__((always_inline, unused))
#define MICA_SHARED static inline __attribute__((unused))
#else
#define MICA_INLINE static inline
#define MICA_SHARED static inline
#endif

/* An inner loop, which is a function of its own where bytes count: within the loops around it gcc
 * runs out of registers at -Os, and each turn takes half as long again. */
#if defined(__GNUC__) && defined(__OPTIMIZE_SIZE__)
#define MICA_APART static __attribute__((noinline, unused))
#else
#define MICA_APART static inline
#endif

#endif
