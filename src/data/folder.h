/* data/folder.h: folders of pictures, and pictures named one by one. */
#ifndef DATA_FOLDER_H
#define DATA_FOLDER_H

#include "data/data.h"

bool folder_is(const char *path);

/* The entries of a folder whose names do not begin with a dot, sorted by bytes. */
typedef struct folder_list {
    char **names;
    size_t count, capacity;
} folder_list;

int folder_list_read(const soma_context *context, const char *path, folder_list *list, soma_error *error);
void folder_list_clear(const soma_context *context, folder_list *list);
/* "folder/name", freed with mem_free; NULL when memory is out. */
char *folder_join(const soma_context *context, const char *folder, const char *name);

/* One sub-folder a class; to be predicted: all pictures in it and in its sub-folders. */
soma_dataset *folder_load(const soma_context *context, const char *path, const data_options *options,
                          soma_error *error);

#endif
