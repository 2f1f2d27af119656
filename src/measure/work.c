/* SPDX-License-Identifier: Apache-2.0 */
/* work.c - the temporary directory of one measurement. */
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

int work_open(struct work *work, struct measure_error *error)
{
    const char *base = getenv("TMPDIR");
    int n;

    if (!base || !*base)
        base = "/tmp";
    n = snprintf(work->dir, sizeof work->dir, "%s/mica-XXXXXX", base);
    if (n < 0 || (size_t)n >= sizeof work->dir) {
        work->dir[0] = '\0';
        return measure_fail(error, "TMPDIR: the path is too long");
    }
    if (!mkdtemp(work->dir)) {
        work->dir[0] = '\0';
        return measure_fail(error, "%s: cannot make a temporary directory: %s", base,
                            strerror(errno));
    }
    return 0;
}

const char *work_path(const struct work *work, char *path, const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", work->dir, name);
    return path;
}

void work_close(struct work *work)
{
    DIR *dir = *work->dir ? opendir(work->dir) : NULL;
    struct dirent *entry;
    char path[PATH_BYTES];

    if (!dir)
        return;
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            unlink(work_path(work, path, entry->d_name));
    closedir(dir);
    rmdir(work->dir);
    work->dir[0] = '\0';
}

int work_write(const struct work *work, const char *name, const void *bytes, size_t n,
               struct measure_error *error)
{
    char path[PATH_BYTES];
    FILE *file = fopen(work_path(work, path, name), "wb");
    bool ok = file && fwrite(bytes, 1, n, file) == n;

    if (file && fclose(file))
        ok = false;
    return ok ? 0 : measure_fail(error, "%s: cannot write: %s", path, strerror(errno));
}

char *work_read(const struct work *work, const char *name, size_t *n, struct measure_error *error)
{
    char path[PATH_BYTES];
    FILE *file = fopen(work_path(work, path, name), "rb");
    char *bytes = NULL;
    long end = -1;

    if (file && !fseek(file, 0, SEEK_END) && (end = ftell(file)) >= 0 &&
        !fseek(file, 0, SEEK_SET) && (bytes = malloc((size_t)end + 1)) &&
        fread(bytes, 1, (size_t)end, file) != (size_t)end) {
        free(bytes);
        bytes = NULL;
    }
    if (file)
        fclose(file);
    if (!bytes) {
        measure_fail(error, "%s: cannot read: %s", path, strerror(errno));
        return NULL;
    }
    bytes[end] = '\0';
    *n = (size_t)end;
    return bytes;
}
