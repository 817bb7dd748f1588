/* backend/onednn/load.c: finding and loading the module. It lies in the folder soma beside libsoma once installed, and
 * beside the program or one folder above (tests, examples) in the build tree; SOMA_ONEDNN names another file, or none
 * when it is empty. */
#include "backend/onednn/steps.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

bool onednn_processor_has_bf16(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

#if defined(SOMA_MODULES)

#include <dlfcn.h>
#include <unistd.h>

#define FILE_NAME "libsoma-onednn.so"

static const onednn_module *take(void *handle, const char *path, char *why, size_t size) {
    const onednn_module *m = dlsym(handle, ONEDNN_SYMBOL);
    if (m && m->interface == ONEDNN_INTERFACE) return m;
    snprintf(why, size, "%s is not this version's module", path);
    return NULL;
}

static const onednn_module *load(const char *path, char *why, size_t size) {
    /* It stays: what it leaves in threads (OpenMP) must not lose its code. */
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle) return take(handle, path, why, size);
    const char *reason = dlerror();
    snprintf(why, size, "%s", reason ? reason : path);
    return NULL;
}

/* The module in one of its places below a folder; NULL and why[0] 0 when it is in none. */
static const onednn_module *look(const char *file, char *why, size_t size) {
    static const char *const places[] = {"/", "/../", "/soma/", "/../" SOMA_MODULES "/"};
    const char *slash = strrchr(file, '/');
    char path[PATH_MAX + 64];
    why[0] = 0;
    for (size_t i = 0; slash && slash - file < PATH_MAX && i < COUNT_OF(places); i++) {
        snprintf(path, sizeof path, "%.*s%s%s", (int)(slash - file), file, places[i], FILE_NAME);
        if (!access(path, R_OK)) return load(path, why, size);
    }
    return NULL;
}

const onednn_module *onednn_load(char *why, size_t size) {
    const char *wish = getenv("SOMA_ONEDNN");
    char program[PATH_MAX + 1];
    Dl_info here;
    if (wish && *wish) return load(wish, why, size);
    if (!wish && dladdr(onednn_kernels, &here) && here.dli_fname) {
        const onednn_module *m = look(here.dli_fname, why, size);
        if (m || *why) return m;
        ssize_t length = readlink("/proc/self/exe", program, PATH_MAX);
        program[length > 0 ? length : 0] = 0;
        m = look(program, why, size);
        if (m || *why) return m;
    }
    snprintf(why, size, "the module " FILE_NAME " was not found");
    return NULL;
}

#else

const onednn_module *onednn_load(char *why, size_t size) {
    snprintf(why, size, "this build of soma loads no modules");
    return NULL;
}

#endif
