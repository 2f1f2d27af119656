/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tflite.c - .tflite files and graphs in the text form, for libFuzzer.
 *
 *     cmake -B build/fuzz -DCMAKE_C_COMPILER=clang -DMICA_FUZZ=ON && cmake --build build/fuzz
 *     python -m conformance.seeds build/fuzz/seeds            (in test/, with the project's venv)
 *     build/fuzz/fuzz_tflite build/fuzz/corpus build/fuzz/seeds -max_len=16384 -timeout=10
 *
 * libFuzzer keeps what it learns in the first folder; `make fuzz` does the same for a minute. */
#include "road.h"

/* Most changes of arbitrary bytes break an offset, and the reader refuses the file. Half of the
 * time we change numbers that are small already (sizes, axes, types, codes, options, numbers of
 * tensors) to other small numbers, and take a change back when the file does not read any more:
 * then the passes and operators have to cope with what it says. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room, unsigned seed)
{
    static const uint32_t below[] = {2, 4, 8, 20, 160, 300};
    if (n < 8 || seed & 1 || !reads(bytes, n))
        return LLVMFuzzerMutate(bytes, n, room);
    uint64_t state = seed;
    int left = 1 + (int)draw(&state, 3);
    for (int tries = 0; left > 0 && tries < 16; tries++) {
        uint8_t *at = bytes + draw(&state, (uint32_t)(n / 4)) * 4;
        uint32_t old, word = draw(&state, below[draw(&state, 6)]);
        memcpy(&old, at, 4);
        if (old >= 300 && old < UINT32_MAX - 16)
            continue;
        if (draw(&state, 16) == 0)
            word = ~word;
        memcpy(at, &word, 4);
        if (reads(bytes, n))
            left--;
        else
            memcpy(at, &old, 4);
    }
    return n;
}
