/* SPDX-License-Identifier: Apache-2.0 */
/* core.c - the little that code generation must know of a core. What it takes to compile for one and
 * to emulate it stands in target/ and belongs to the command. */
#include <string.h>

#include "ir.h"

bool core_has_dsp(const char *target)
{
    static const char *const cores[] = {"cortex-m4", "cortex-m4f", "cortex-m7", "cortex-m33",
                                        "cortex-m55"};
    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++)
        if (!strcmp(cores[i], target))
            return true;
    return false;
}

bool core_has_fpu(const char *target)
{
    static const char *const cores[] = {"cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55",
                                        "host"};
    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++)
        if (!strcmp(cores[i], target))
            return true;
    return false;
}

bool core_has_program_memory(const char *target)
{
    return !strcmp(target, "avr");
}
