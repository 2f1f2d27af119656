/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_ROM_FAR_H
#define MICA_ROM_FAR_H

#include <stdint.h>

#include "rom.h"

/* Constants of 16-bit words that take more than 32 KB. avr-gcc takes no such array, so they come in
 * pieces, each of which ends with the first words of the next; and its pointers end at 64 KB, so
 * that pieces lie behind the code, where only addresses of 24 bits reach. A function of the
 * generated file says where word `at` of the whole is; the two behind it follow there. */
#if defined(__AVR_HAVE_ELPM__)
typedef uint_farptr_t mica_far_address;
#define MICA_ROM_FAR       __attribute__((section(".text.mica_far"), aligned(2)))
#define MICA_FAR(array, i) (pgm_get_far_address(array) + 2 * (i))
#else
typedef const uint16_t *mica_far_address;
#define MICA_ROM_FAR       MICA_ROM
#define MICA_FAR(array, i) ((array) + (i))
#endif
typedef mica_far_address (*mica_far)(uint32_t at);

#endif
