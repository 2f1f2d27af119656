/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_REQUANTIZE_BYTES_H
#define MICA_REQUANTIZE_BYTES_H

/* The two roundings of mica_bytes_out(), see mica_requantize_twice(): the product to nearest, and
 * one less for a negative sum. */
#define MICA_BYTES_ROUNDS 1

#endif
