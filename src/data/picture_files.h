/* data/picture_files.h: pictures that stay in their files until they are wanted. */
#ifndef DATA_PICTURE_FILES_H
#define DATA_PICTURE_FILES_H

#include "data/data.h"
#include "data/image.h"

/* Every call but _create, _add, _open and _destroy may come from several threads at once. */
picture_files *picture_files_create(const soma_context *context);
void picture_files_destroy(picture_files *files);
/* Adds a file, whose path is copied; nothing is read. */
int picture_files_add(picture_files *files, const char *path, soma_error *error);
size_t picture_files_count(const picture_files *files);
/* After the last file: what pictures become, and whether one that can't be read is kept as a failure (and its sample is
 * black) instead of being an error. Takes memory to keep decoded pictures in, where all of them fit into a quarter of
 * the machine's. */
int picture_files_open(picture_files *files, picture_rule rule, bool keep_failures, soma_error *error);
/* One sample as floats, decoded now or before. */
int picture_files_get(picture_files *files, int64_t row, float *to, soma_error *error);
const char *picture_files_path(const picture_files *files, int64_t row);
/* Why a row that was asked for could not be read; NULL when it could. */
const char *picture_files_failure(const picture_files *files, int64_t row);

/* What a file's header says, and `hash` continued over the file's first bytes and its size. */
int picture_file_head(const soma_context *context, const char *path, image *head, uint64_t *hash, soma_error *error);

#endif
