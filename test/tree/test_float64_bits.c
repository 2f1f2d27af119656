/* SPDX-License-Identifier: Apache-2.0 */
/* The same as test_float64.c, dividing as cores do that have no division. */
#define MICA_DIVIDES 0
#include "test_float64.c"
