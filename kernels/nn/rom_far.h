/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ROM_FAR_H
#define MICA_ROM_FAR_H

#include <stdint.h>

#include "rom.h"

/* Constants of more than 32 KB. avr-gcc takes no such array, so they come in pieces, each of which
 * ends with the first bytes of the next; and its pointers end at 64 KB, so that pieces lie behind the
 * code, where only addresses of 24 bits reach. A function of the generated file says where byte `at`
 * of the whole is; from there on four bytes can be read. */
#if defined(__AVR_HAVE_ELPM__)
typedef uint_farptr_t mica_far_address;
#define MICA_ROM_FAR     __attribute__((section(".text.mica_far"), aligned(2)))
#define MICA_FAR(array)  pgm_get_far_address(array)
#define MICA_FAR_U8(at)  ((uint8_t)pgm_read_byte_far(at))
#define MICA_FAR_U32(at) ((uint32_t)pgm_read_dword_far(at))
#else
typedef const uint8_t *mica_far_address;
#define MICA_ROM_FAR    MICA_ROM
#define MICA_FAR(array) (array)
#define MICA_FAR_U8(at) MICA_ROM_U8(at)
#define MICA_FAR_U32(at)                                                \
    ((uint32_t)MICA_ROM_U8(at) | (uint32_t)MICA_ROM_U8((at) + 1) << 8 | \
     (uint32_t)MICA_ROM_U8((at) + 2) << 16 | (uint32_t)MICA_ROM_U8((at) + 3) << 24)
#endif
typedef mica_far_address (*mica_far)(uint32_t at);

#endif
