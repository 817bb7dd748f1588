/* format/file.c: writing files so that a crash, a full disk or a killed process never leaves half a file under the real
 * name. Bytes go to a temporary file in the same folder; it is synced, renamed over the target (which POSIX makes
 * atomic) and the folder is synced, so that the new name survives a power cut too. See "Files are hard" (D. Luu, 2015)
 * for why each of these steps is needed. Reading maps the file: what is not touched is never loaded. */
#include "format/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 16, PARTIAL_TRIES = 100 };

struct file_writer {
    const soma_context *context;
    char *path, *partial; /* partial: NULL when the path is written directly */
    int descriptor;
    bool failed;
    size_t used;
    unsigned char buffer[BUFFER_BYTES];
};

static int fail(soma_error *error, const char *doing, const char *path) {
    return error_set(error, errno == ENOMEM ? SOMA_ERROR_MEMORY : SOMA_ERROR_IO, "cannot %s '%s': %s", doing, path,
                     strerror(errno));
}

/* The length of the folder's part of a path, its last slash included. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Opens a new file ".NAME.PID-n.partial" beside the target. */
static int open_partial(file_writer *w, soma_error *error) {
    size_t folder = folder_length(w->path), size = strlen(w->path) + 48;
    w->partial = mem_alloc(w->context, size);
    if (!w->partial) return error_memory(error);
    for (int n = 0; n < PARTIAL_TRIES; n++) {
        snprintf(w->partial, size, "%.*s.%s.%ld-%d.partial", (int)folder, w->path, w->path + folder, (long)getpid(), n);
        w->descriptor = open(w->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->descriptor >= 0 || errno != EEXIST) break;
    }
    if (w->descriptor >= 0) return SOMA_OK;
    fail(error, "write", w->path);
    mem_free(w->context, w->partial);
    w->partial = NULL;
    return SOMA_ERROR_IO;
}

file_writer *file_create(const char *path, const soma_context *context, soma_error *error) {
    struct stat old;
    file_writer *w = mem_alloc(context, sizeof *w);
    if (!w) return error_memory(error), NULL;
    w->context = context;
    w->partial = NULL;
    w->descriptor = -1;
    w->failed = false;
    w->used = 0;
    w->path = mem_string(context, path);
    if (!w->path) {
        error_memory(error);
        goto failed;
    }
    bool exists = stat(path, &old) == 0;
    if (exists && S_ISDIR(old.st_mode)) {
        errno = EISDIR;
        fail(error, "write", path);
        goto failed;
    }
    if (exists && !S_ISREG(old.st_mode)) {
        w->descriptor = open(path, O_WRONLY | O_CLOEXEC);
        if (w->descriptor < 0) {
            fail(error, "write", path);
            goto failed;
        }
        return w;
    }
    if (exists && access(path, W_OK) != 0) {
        fail(error, "write", path);
        goto failed;
    }
    if (open_partial(w, error)) goto failed;
    if (exists && fchmod(w->descriptor, old.st_mode & 0777) != 0) {
        fail(error, "write", path);
        goto failed;
    }
    return w;
failed:
    file_abort(w);
    return NULL;
}

static int flush_bytes(file_writer *w, const unsigned char *bytes, size_t size, soma_error *error) {
    while (size) {
        ssize_t n = write(w->descriptor, bytes, size < (1u << 30) ? size : 1u << 30);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            w->failed = true;
            return fail(error, "write", w->path);
        }
        bytes += n;
        size -= (size_t)n;
    }
    return SOMA_OK;
}

int file_write(file_writer *writer, const void *bytes, size_t size, soma_error *error) {
    if (writer->failed)
        return error_set(error, SOMA_ERROR_IO, "cannot write '%s': an earlier write failed", writer->path);
    if (!size) return SOMA_OK;
    if (size > BUFFER_BYTES - writer->used) {
        size_t used = writer->used;
        writer->used = 0;
        if (flush_bytes(writer, writer->buffer, used, error)) return SOMA_ERROR_IO;
    }
    if (size >= BUFFER_BYTES) return flush_bytes(writer, bytes, size, error);
    memcpy(writer->buffer + writer->used, bytes, size);
    writer->used += size;
    return SOMA_OK;
}

/* Makes a rename last. Some file systems can't sync a folder and say EINVAL; there is nothing more to do there. */
static int sync_folder(const char *path, soma_error *error) {
    size_t length = folder_length(path);
    char folder[4096];
    if (length >= sizeof folder) return SOMA_OK;
    snprintf(folder, sizeof folder, "%.*s", (int)(length ? length : 1), length ? path : ".");
    int descriptor = open(folder, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return SOMA_OK; /* a folder that may be written but not read: the rename has happened */
    int code = SOMA_OK;
    if (fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP) code = fail(error, "sync the folder of", path);
    close(descriptor);
    return code;
}

int file_commit(file_writer *writer, soma_error *error) {
    int code = SOMA_ERROR_IO;
    if (writer->failed) {
        error_set(error, code, "cannot write '%s': an earlier write failed", writer->path);
        goto done;
    }
    if (flush_bytes(writer, writer->buffer, writer->used, error)) goto done;
    if (writer->partial && fsync(writer->descriptor) != 0) {
        fail(error, "write", writer->path);
        goto done;
    }
    int descriptor = writer->descriptor;
    writer->descriptor = -1;
    if (close(descriptor) != 0) {
        fail(error, "write", writer->path);
        goto done;
    }
    if (writer->partial) {
        if (rename(writer->partial, writer->path) != 0) {
            fail(error, "write", writer->path);
            goto done;
        }
        mem_free(writer->context, writer->partial);
        writer->partial = NULL;
        if (sync_folder(writer->path, error)) goto done;
    }
    code = SOMA_OK;
done:
    file_abort(writer);
    return code;
}

void file_abort(file_writer *writer) {
    if (!writer) return;
    if (writer->descriptor >= 0) close(writer->descriptor);
    if (writer->partial) unlink(writer->partial);
    mem_free(writer->context, writer->partial);
    mem_free(writer->context, writer->path);
    mem_free(writer->context, writer);
}

int file_write_whole(const char *path, const void *bytes, size_t size, const soma_context *context, soma_error *error) {
    file_writer *w = file_create(path, context, error);
    if (!w) return SOMA_ERROR_IO;
    if (file_write(w, bytes, size, error)) {
        file_abort(w);
        return SOMA_ERROR_IO;
    }
    return file_commit(w, error);
}

int file_map(const char *path, file_view *view, soma_error *error) {
    static const unsigned char nothing[1];
    struct stat s;
    int code = SOMA_ERROR_IO, descriptor = open(path, O_RDONLY | O_CLOEXEC);
    *view = (file_view){nothing, 0, NULL};
    if (descriptor < 0) return error_set(error, SOMA_ERROR_INPUT, "cannot read '%s': %s", path, strerror(errno));
    if (fstat(descriptor, &s) != 0) {
        fail(error, "read", path);
    } else if (!S_ISREG(s.st_mode)) {
        code = error_set(error, SOMA_ERROR_INPUT, "cannot read '%s': it is not a regular file", path);
    } else if (s.st_size == 0) {
        code = SOMA_OK;
    } else {
        void *mapping = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (mapping == MAP_FAILED) {
            fail(error, "read", path);
        } else {
            *view = (file_view){mapping, (size_t)s.st_size, mapping};
            code = SOMA_OK;
        }
    }
    close(descriptor);
    return code;
}

void file_unmap(file_view *view) {
    if (view->mapping) munmap(view->mapping, view->size);
    view->mapping = NULL;
    view->data = NULL;
    view->size = 0;
}

void file_release(const void *bytes, size_t size) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = ((uintptr_t)bytes + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)bytes + size) / page * page;
    if (first < end) (void)madvise((void *)first, end - first, MADV_DONTNEED);
}

char *file_read_whole(const char *path, size_t limit, size_t *size, const soma_context *context, soma_error *error) {
    char *bytes = NULL;
    size_t used = 0, capacity = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return error_set(error, SOMA_ERROR_INPUT, "cannot read '%s': %s", path, strerror(errno)), NULL;
    for (;;) {
        if (capacity - used < 2) {
            size_t wanted = capacity ? capacity * 2 : 4096;
            char *grown = wanted > capacity ? mem_resize(context, bytes, used, wanted, 1) : NULL;
            if (!grown) {
                error_memory(error);
                goto failed;
            }
            bytes = grown;
            capacity = wanted;
        }
        ssize_t n = read(descriptor, bytes + used, capacity - used - 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            fail(error, "read", path);
            goto failed;
        }
        if (n == 0) break;
        used += (size_t)n;
        if (used > limit) {
            error_set(error, SOMA_ERROR_INPUT, "cannot read '%s': it has more than %zu bytes", path, limit);
            goto failed;
        }
    }
    close(descriptor);
    bytes[used] = 0;
    *size = used;
    return bytes;
failed:
    close(descriptor);
    mem_free(context, bytes);
    return NULL;
}
