/* data/cifar.h: CIFAR-10's binary version. */
#ifndef DATA_CIFAR_H
#define DATA_CIFAR_H

#include "data/data.h"

/* The files have no mark of their own: they are told by names that end in .bin or .bin.gz. */
bool cifar_is(const char *path);
/* Whether a folder holds data_batch_1.bin (to 9, or .bin.gz) or test_batch.bin. */
bool cifar_is_folder(const soma_context *context, const char *path);
/* Pictures of 3 x 32 x 32 in ten classes, named by batches.meta.txt beside them, else 0 to 9. Of a folder the
 * data_batch files are learnt from, and test_batch is read later (options.schema) where it is there. */
soma_dataset *cifar_load(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                         const data_options *options, soma_error *error);
soma_dataset *cifar_load_folder(const soma_context *context, const char *path, const data_options *options,
                                soma_error *error);

#endif
