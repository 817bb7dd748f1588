/* train/parts.c: see parts.h. */
#include "train/parts.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARTS = 3 };
static const char *const names[PARTS] = {"train.csv", "val.csv", "test.csv"};

static char *path_of(const soma_context *context, const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = mem_alloc(context, size);
    if (path) snprintf(path, size, "%s/%s", folder, name);
    return path;
}

int parts_check(const soma_dataset *set, const char *folder, bool replace, soma_error *error) {
    if (!set->text)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "--save-split writes the rows of a table as CSV, but %s holds none", set->path);
    for (int i = 0; i < PARTS; i++) {
        char *path = path_of(set->context, folder, names[i]);
        if (!path) return error_memory(error);
        int code = !replace && !access(path, F_OK)
                       ? error_set(error, SOMA_ERROR_ARGUMENT,
                                   "--save-split: %s is there already; --overwrite replaces it", path)
                       : SOMA_OK;
        mem_free(set->context, path);
        if (code) return code;
    }
    return SOMA_OK;
}

int parts_write(const soma_dataset *set, const char *folder, row_part train, row_part val, row_part test,
                soma_error *error) {
    const row_part parts[PARTS] = {train, val, test};
    if (mkdir(folder, 0777) && errno != EEXIST)
        return error_set(error, SOMA_ERROR_IO, "%s: the folder can't be made: %s", folder, strerror(errno));
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].set != set || !parts[i].count) continue;
        char *path = path_of(set->context, folder, names[i]);
        if (!path) return error_memory(error);
        int code = table_write_rows(set, parts[i].rows, parts[i].count, path, error);
        mem_free(set->context, path);
        if (code) return code;
    }
    return SOMA_OK;
}
