/* SPDX-License-Identifier: Apache-2.0 */
/* Arduino.h - what code made for Arduino takes from there, for a bare C++ compiler. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#undef abs
#define abs(x) ((x) > 0 ? (x) : -(x))

#endif
