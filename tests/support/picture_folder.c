/* picture_folder.c: a test's folder of pictures. */
#include "picture_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/soma-pictures-XXXXXX";
static char paths[8][512];
static size_t used;

void folder_begin(void) {
    memcpy(top + sizeof top - 7, "XXXXXX", 6);
    if (!mkdtemp(top)) abort();
}

static int drop(const char *path, const struct stat *info, int type, struct FTW *place) {
    (void)info, (void)type, (void)place;
    return remove(path);
}

void folder_end(void) { nftw(top, drop, 16, FTW_DEPTH | FTW_PHYS); }

const char *folder_path(const char *name) {
    char *path = paths[used++ % 8];
    snprintf(path, sizeof paths[0], *name ? "%s/%s" : "%s", top, name);
    return path;
}

const char *folder_write(const char *name, const void *bytes, size_t size) {
    const char *path = folder_path(name);
    char part[512];
    for (const char *slash = strchr(path + sizeof top, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdir(part, 0700);
    }
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) abort();
    return path;
}

bool folder_picture(const char *name, made_file file) {
    if (!file.bytes) return false;
    folder_write(name, file.bytes, file.size);
    free(file.bytes);
    return true;
}

bool folder_grey(const char *name, int width, int height, uint8_t value) {
    uint8_t *values = malloc((size_t)(width * height));
    if (!values) abort();
    memset(values, value, (size_t)(width * height));
    bool made = folder_picture(name, make_png(width, height, (png_kind){.samples = 1, .depth = 8}, values));
    free(values);
    return made;
}
