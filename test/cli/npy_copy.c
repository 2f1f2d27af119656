/* SPDX-License-Identifier: Apache-2.0 */
/* npy_copy.c - reads one .npy file and writes it again, for the tests. */
#include <stdio.h>

#include "cli/npy.h"

int main(int argc, char **argv)
{
    char error[NPY_ERROR_BYTES];
    struct npy npy;

    if (argc != 3)
        return 2;
    if (npy_read(argv[1], &npy, error)) {
        puts(error);
        return 1;
    }
    printf("%s %d %lu\n", npy.type, npy.rank, (unsigned long)npy.bytes);
    if (npy_write(argv[2], &npy, error)) {
        puts(error);
        npy_free(&npy);
        return 1;
    }
    npy_free(&npy);
    return 0;
}
