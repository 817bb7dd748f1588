/* tests/faults/faults.c: lets the n-th thing that the soma command asks of the system fail. build/tests/soma_faults is
 * the command with this file, linked so that calls of ours to the C library (and only ours: not those that a shared
 * library makes) come through __wrap_…; no other program has it. What fails is told by the environment:
 *
 *   SOMA_FAULT="memory 17"    the 17th allocation gives NULL; "memory 17 on": that one and all later ones
 *   SOMA_FAULT="library 3"    the third allocation of jansson (zlib is given our allocator: it counts as memory)
 *   SOMA_FAULT="file 5"       the fifth call that changes a file: a write leaves half of its bytes and says that the
 *                             disk is full
 *   SOMA_FAULT="read 2"       the second call that reads a file
 *   SOMA_FAULT="kill 5"       the process is killed by SIGKILL before the fifth call that changes a file
 *   SOMA_FAULT_TRACE=1        the calls that led to the failure, on standard error (for addr2line)
 *   SOMA_FAULT_COUNT=FILE     at the end, a line "memory N library N file N read N fired 0|1" is written to FILE
 *
 * What tidies up (unlink, close, free) is counted for "kill", but doesn't fail: nothing could be done then. */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef SOMA_HAVE_JSON
#include <jansson.h>
#endif

enum { MEMORY, LIBRARY, FILES, READS, KILL, KINDS };

static const char *const kind_names[KINDS] = {"memory", "library", "file", "read", "kill"};
static atomic_long counts[KINDS];
static atomic_bool fired;
static int wanted_kind = KINDS;
static long wanted, wanted_last;

/* ---- What is asked for ------------------------------------------------------------------------------------------ */

/* Counts a call; true when it is to fail. */
static bool fails(int kind) {
    long n = atomic_fetch_add(&counts[kind], 1) + 1;
    if (kind != wanted_kind || n < wanted || n > wanted_last) return false;
    if (!atomic_exchange(&fired, true) && getenv("SOMA_FAULT_TRACE")) {
        void *calls[16];
        backtrace_symbols_fd(calls, backtrace(calls, 16), STDERR_FILENO);
    }
    return true;
}

/* A call that changes files: the place where a process may be killed, and, unless it only tidies up, one that fails. */
static bool change_fails(int code, bool tidies) {
    if (fails(KILL)) raise(SIGKILL);
    if (tidies || !fails(FILES)) return false;
    errno = code;
    return true;
}

static bool read_fails(void) {
    if (!fails(READS)) return false;
    errno = EIO;
    return true;
}

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_realpath(const char *path, char *resolved);

void *__wrap_malloc(size_t size) { return fails(MEMORY) ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return fails(MEMORY) ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *old, size_t size) { return fails(MEMORY) ? NULL : __real_realloc(old, size); }
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fails(MEMORY) ? NULL : __real_aligned_alloc(alignment, size);
}
char *__wrap_strdup(const char *text) { return fails(MEMORY) ? NULL : __real_strdup(text); }
char *__wrap_realpath(const char *path, char *resolved) {
    if (!fails(MEMORY)) return __real_realpath(path, resolved);
    errno = ENOMEM;
    return NULL;
}

static void *library_malloc(size_t size) { return fails(LIBRARY) ? NULL : __real_malloc(size); }

/* ---- Changing files --------------------------------------------------------------------------------------------- */

int __real_open(const char *path, int flags, mode_t mode);
FILE *__real_fopen(const char *path, const char *mode);
ssize_t __real_write(int descriptor, const void *bytes, size_t size);
int __real_fsync(int descriptor);
int __real_fchmod(int descriptor, mode_t mode);
int __real_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __real_symlink(const char *target, const char *path);
int __real_mkdir(const char *path, mode_t mode);
int __real_unlink(const char *path);

int __wrap_open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes ? change_fails(ENOSPC, false) : read_fails()) return -1;
    return __real_open(path, flags, mode);
}

FILE *__wrap_fopen(const char *path, const char *mode) {
    if (*mode == 'r' ? read_fails() : change_fails(ENOSPC, false)) return NULL;
    return __real_fopen(path, mode);
}

/* Half of the bytes, then the disk is full. */
ssize_t __wrap_write(int descriptor, const void *bytes, size_t size) {
    if (!change_fails(ENOSPC, false)) return __real_write(descriptor, bytes, size);
    if (__real_write(descriptor, bytes, size / 2) < 0) return -1;
    errno = ENOSPC;
    return -1;
}

int __wrap_fsync(int descriptor) { return change_fails(EIO, false) ? -1 : __real_fsync(descriptor); }
int __wrap_fchmod(int d, mode_t mode) { return change_fails(EPERM, false) ? -1 : __real_fchmod(d, mode); }
int __wrap_rename(const char *from, const char *to) {
    return change_fails(ENOSPC, false) ? -1 : __real_rename(from, to);
}
int __wrap_link(const char *from, const char *to) { return change_fails(ENOSPC, false) ? -1 : __real_link(from, to); }
int __wrap_symlink(const char *target, const char *path) {
    return change_fails(ENOSPC, false) ? -1 : __real_symlink(target, path);
}
int __wrap_mkdir(const char *path, mode_t mode) { return change_fails(ENOSPC, false) ? -1 : __real_mkdir(path, mode); }
int __wrap_unlink(const char *path) {
    change_fails(0, true);
    return __real_unlink(path);
}

/* ---- Reading files ---------------------------------------------------------------------------------------------- */

ssize_t __real_read(int descriptor, void *bytes, size_t size);
size_t __real_fread(void *bytes, size_t size, size_t count, FILE *file);
int __real_fstat(int descriptor, struct stat *info);
void *__real_mmap(void *where, size_t size, int protection, int flags, int descriptor, off_t offset);
int __real_ferror(FILE *file);

static atomic_bool fread_failed;

ssize_t __wrap_read(int descriptor, void *bytes, size_t size) {
    return read_fails() ? -1 : __real_read(descriptor, bytes, size);
}
size_t __wrap_fread(void *bytes, size_t size, size_t count, FILE *file) {
    if (!read_fails()) return __real_fread(bytes, size, count, file);
    atomic_store(&fread_failed, true);
    return 0;
}
int __wrap_ferror(FILE *file) {
    if (file != stdout && atomic_exchange(&fread_failed, false)) {
        errno = EIO;
        return 1;
    }
    return __real_ferror(file);
}
int __wrap_fstat(int descriptor, struct stat *info) { return read_fails() ? -1 : __real_fstat(descriptor, info); }
void *__wrap_mmap(void *where, size_t size, int protection, int flags, int descriptor, off_t offset) {
    return read_fails() ? MAP_FAILED : __real_mmap(where, size, protection, flags, descriptor, offset);
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

__attribute__((constructor)) static void begin(void) {
    const char *wish = getenv("SOMA_FAULT");
    char name[16], on[8] = "";
    if (wish && sscanf(wish, "%15s %ld %7s", name, &wanted, on) >= 2)
        for (wanted_kind = 0; wanted_kind < KINDS && strcmp(kind_names[wanted_kind], name) != 0;) wanted_kind++;
    wanted_last = strcmp(on, "on") == 0 ? 1L << 60 : wanted;
#ifdef SOMA_HAVE_JSON
    json_set_alloc_funcs(library_malloc, free);
#endif
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("SOMA_FAULT_COUNT");
    FILE *file = path ? __real_fopen(path, "w") : NULL;
    if (!file) return;
    for (int kind = 0; kind < KINDS; kind++) fprintf(file, "%s %ld ", kind_names[kind], atomic_load(&counts[kind]));
    fprintf(file, "fired %d\n", atomic_load(&fired));
    fclose(file);
}
