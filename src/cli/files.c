/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - whole files in, whole files out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

/* Larger than any model for a microcontroller by far. */
static const size_t file_bytes_max = (size_t)1 << 30;

void *cli_read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        cli_refuse("%s: %s", path, strerror(errno));
        return NULL;
    }
    size_t room = 1 << 16, len = 0;
    char *bytes = malloc(room);
    while (bytes) {
        len += fread(bytes + len, 1, room - len, f);
        if (len < room)
            break;
        char *grown = room < file_bytes_max ? realloc(bytes, room * 2) : NULL;
        if (!grown)
            free(bytes);
        bytes = grown;
        room *= 2;
    }
    bool failed = ferror(f) != 0;
    int error = errno;
    fclose(f);
    if (bytes && !failed) {
        *n = len;
        return bytes;
    }
    cli_refuse("%s: %s", path, failed ? strerror(error) : "too large to read into memory");
    free(bytes);
    return NULL;
}

/* Devices and pipes are written to in place. */
static bool is_replaceable(const char *path)
{
    struct stat at;
    return stat(path, &at) || S_ISREG(at.st_mode);
}

int cli_write_file(const char *path, const void *bytes, size_t n)
{
    const bool replace = is_replaceable(path);
    char *temporary = malloc(strlen(path) + 32);
    if (!temporary)
        return cli_refuse("out of memory"), -1;
    sprintf(temporary, "%s.%ld.tmp", path, (long)getpid());
    FILE *f = fopen(replace ? temporary : path, "wb");
    bool ok = f && fwrite(bytes, 1, n, f) == n;
    if (f)
        ok = !fclose(f) && ok;
    ok = ok && (!replace || !rename(temporary, path));
    if (!ok) {
        cli_refuse("%s: %s; nothing was written", path, strerror(errno));
        if (replace)
            remove(temporary);
    }
    free(temporary);
    return ok ? 0 : -1;
}

int cli_make_folder(const char *path)
{
    if (!mkdir(path, 0777) || errno == EEXIST)
        return 0;
    cli_refuse("%s: %s", path, strerror(errno));
    return -1;
}

struct mica *cli_load(const char *path)
{
    size_t n;
    void *bytes = cli_read_file(path, &n);
    if (!bytes)
        return NULL;
    struct mica *m = mica_new();
    if (!m)
        cli_refuse("out of memory");
    else if (mica_load(m, path, bytes, n)) {
        cli_refuse("%s", mica_error(m));
        mica_free(m);
        m = NULL;
    }
    free(bytes);
    return m;
}

bool cli_is_estimator(struct mica *m)
{
    struct mica_tensor output;
    return !mica_output(m, 0, &output) && output.role;
}
