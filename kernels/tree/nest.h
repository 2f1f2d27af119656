/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_NEST_H
#define MICA_NEST_H

/* Which way more of the training rows went, where the compiler can be told; and a function of its
 * own for some trees, for compilers need more than twice the time for twice the length. */
#if defined(__GNUC__)
#define MICA_LIKELY(test)   __builtin_expect(!!(test), 1)
#define MICA_UNLIKELY(test) __builtin_expect(!!(test), 0)
#define MICA_NEST_PART      static __attribute__((noinline, unused))
#else
#define MICA_LIKELY(test)   (test)
#define MICA_UNLIKELY(test) (test)
#define MICA_NEST_PART      static
#endif

#endif
