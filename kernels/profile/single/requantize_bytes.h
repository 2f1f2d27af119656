/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_REQUANTIZE_BYTES_H
#define MICA_REQUANTIZE_BYTES_H

/* mica_bytes_out() rounds once, at its end. */
#define MICA_BYTES_ROUNDS 0

#endif
