/* SPDX-License-Identifier: 0BSD */
#ifndef MICA_LOGISTIC_F64_H
#define MICA_LOGISTIC_F64_H

#include "exp_f64.h"

/* 1 / (1 + e^-x) */
static inline double mica_logistic_value_f64(double x)
{
    return 1.0 / (1.0 + mica_exp_f64(-x));
}

#endif
