/* format/file.h: files that are written as a whole or not at all, and files read as a whole. */
#ifndef FORMAT_FILE_H
#define FORMAT_FILE_H

#include "base/base.h"

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

typedef struct file_writer file_writer;

/* Starts to write `path`: what is written goes to a temporary file beside it until file_commit puts it in place. A path
 * that exists and is no regular file (a pipe, /dev/null) is written directly. NULL and a sentence on failure. */
file_writer *file_create(const char *path, const soma_context *context, soma_error *error);
/* Writes behind what was written before. After a failure every later call fails; returns the code. */
int file_write(file_writer *writer, const void *bytes, size_t size, soma_error *error);
/* Syncs, renames over `path` and syncs the folder. Ends the writer in any case; on failure the old file is untouched.
 */
int file_commit(file_writer *writer, soma_error *error);
/* Ends the writer and removes what it wrote; takes NULL. */
void file_abort(file_writer *writer);
/* All of it in one call. */
int file_write_whole(const char *path, const void *bytes, size_t size, const soma_context *context, soma_error *error);

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* A regular file in memory, read-only. */
typedef struct file_view {
    const unsigned char *data; /* not NULL even when the file is empty */
    size_t size;
    void *mapping;
} file_view;

int file_map(const char *path, file_view *view, soma_error *error);
void file_unmap(file_view *view);

/* Gives back the memory of a part of a mapped file that won't be read soon; it is still there to be read. */
void file_release(const void *bytes, size_t size);

/* The whole of a file (or pipe) of at most `limit` bytes, with a zero byte behind it; ended by mem_free. NULL on
 * failure. */
char *file_read_whole(const char *path, size_t limit, size_t *size, const soma_context *context, soma_error *error);

#endif
