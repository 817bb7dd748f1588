/* soma/data.h: reading data sets: tables and pictures. */
#ifndef SOMA_DATA_H
#define SOMA_DATA_H

#include <soma/base.h>

SOMA_BEGIN_C

typedef struct soma_dataset soma_dataset;

typedef struct soma_dataset_options {
    const char *target SOMA_ZERO; /* tables: name of the target column; not given: the last one */
    const char *labels
        SOMA_ZERO; /* .npy: the labels, another .npy; IDX: not given, they are found by the usual names */
    const soma_context *context SOMA_ZERO;
} soma_dataset_options;

/* Reads a .csv file, an IDX images file (plain or .gz), a .npy or .npz file, a CIFAR-10 binary (named .bin or .bin.gz)
 * or a folder of them, or a folder with one sub-folder of PNG or JPEG pictures for each class; or a known set by its
 * name where there is no file of that name: "iris", "mnist" (what trains), "mnist:part=test",
 * "spiral:points=1000,noise=0.1"; `soma data` lists them. NULL and a sentence naming file, line and column on failure.
 * Pictures in folders are decoded when they are first wanted, kept while all fit into a quarter of the machine's
 * memory, and may be wanted by several threads at once. */
SOMA_API soma_dataset *soma_dataset_load(const char *path, soma_dataset_options options, soma_error *error);
SOMA_API void soma_dataset_destroy(soma_dataset *dataset);

SOMA_API int64_t soma_dataset_rows(const soma_dataset *dataset);
/* The shape of one sample: [F] for a table, [C, H, W] for pictures. */
SOMA_API soma_shape soma_dataset_shape(const soma_dataset *dataset);
/* 0 for regression. */
SOMA_API int64_t soma_dataset_classes(const soma_dataset *dataset);
SOMA_API const char *soma_dataset_class_name(const soma_dataset *dataset, int64_t index);
/* Copies rows first .. first + count - 1: features (pictures as 0..255) and targets (class indices for classes). Either
 * array may be NULL. Fails for a picture in a folder that can't be read. */
SOMA_API int soma_dataset_get(const soma_dataset *dataset, int64_t first, int64_t count, float *x, float *y,
                              soma_error *error);

SOMA_END_C
#endif
