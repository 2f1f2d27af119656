/* SPDX-License-Identifier: Apache-2.0 */
/* core.c - the little that code generation must know of a core. What it takes to compile for one
 * and to emulate it stands in target/ and belongs to the command. */
#include <string.h>

#include "ir.h"

static bool is_one_of(const char *target, const char *const *cores)
{
    for (; *cores; cores++)
        if (!strcmp(*cores, target))
            return true;
    return false;
}

bool core_has_dsp(const char *target)
{
    static const char *const cores[] = {"cortex-m4",  "cortex-m4f", "cortex-m7",
                                        "cortex-m33", "cortex-m55", NULL};
    return is_one_of(target, cores);
}

bool core_has_float(const char *target)
{
    static const char *const cores[] = {"cortex-m4f", "cortex-m7", "cortex-m33",
                                        "cortex-m55", "host",      NULL};
    return is_one_of(target, cores);
}

bool core_has_float_blocks(const char *target)
{
    return core_has_float(target) && core_has_dsp(target);
}

bool core_has_multiplier(const char *target)
{
    static const char *const cores[] = {"cortex-m0", "cortex-m0plus", "cortex-m3", "rv32imc", NULL};
    return is_one_of(target, cores);
}

bool core_has_byte_multiplier(const char *target)
{
    return !strcmp(target, "avr");
}

bool core_has_program_memory(const char *target)
{
    return !strcmp(target, "avr");
}
