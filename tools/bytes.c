/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c - build tool: a file as a C array, so that the command carries it.
 *
 * usage: bytes NAME FILE OUT.c
 */
#include <stdio.h>

int main(int argc, char **argv)
{
    FILE *in = argc == 4 ? fopen(argv[2], "rb") : NULL;
    FILE *out = in ? fopen(argv[3], "w") : NULL;
    unsigned long n = 0;
    int c;

    if (!out) {
        fprintf(stderr, "usage: bytes NAME FILE OUT.c\n");
        return 1;
    }
    fprintf(out, "#include <stddef.h>\n\nextern const unsigned char %s[];\n", argv[1]);
    fprintf(out, "extern const size_t %s_bytes;\nconst unsigned char %s[] = {", argv[1], argv[1]);
    for (; (c = getc(in)) != EOF; n++)
        fprintf(out, n % 20 ? "%d," : "\n    %d,", c);
    fprintf(out, "\n};\nconst size_t %s_bytes = %lu;\n", argv[1], n);
    fclose(in);
    return fclose(out) != 0;
}
