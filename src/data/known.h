/* data/known.h: data sets that have a name: points that are computed, files that soma brings, files of other packages.
 *
 * Where DATA is expected a name may stand, "iris", or a name with settings, "spiral:points=1000,noise=0.1"; a file or
 * folder of that name comes first, unless it is the folder of a run. */
#ifndef DATA_KNOWN_H
#define DATA_KNOWN_H

#include "data/data.h"
#include "data/generate.h"

typedef enum known_kind { KNOWN_POINTS, KNOWN_TABLE, KNOWN_PICTURES } known_kind;

typedef struct known_set {
    const char *name;
    const char *what; /* a line for people */
    known_kind kind;
    points_shape shape;         /* KNOWN_POINTS */
    const char *file;           /* others: below the folder of data sets; what trains */
    const char *test_file;      /* what only tests; NULL: there is no part of its own */
    const char *package;        /* Debian's, which brings the files; NULL: soma does */
    const char *const *classes; /* names of the labels 0, 1, …, ends in NULL; NULL: the labels' digits */
} known_set;

/* All of them, in the order in which they are listed; ends with one without a name. */
extern const known_set known_sets[];

typedef enum known_part { KNOWN_EITHER, KNOWN_TRAIN, KNOWN_TEST } known_part;

typedef struct known_choice {
    const known_set *set; /* NULL: DATA is a path */
    const char *text;     /* as it was given; borrowed */
    points_options points;
    known_part part; /* what ":part=train" or ":part=test" asked for */
} known_choice;

/* What DATA names. SOMA_ERROR_ARGUMENT and a sentence for a setting that the set does not have, and for a word that is
 * neither a file nor a set but near the name of a set. */
int known_find(const char *data, known_choice *choice, soma_error *error);

/* Whether files of the set's own are there to test with that `choice` does not already name. */
bool known_has_test(const known_choice *choice);

/* Where the file of a set is that is not computed. The places looked in: the folder that the environment's SOMA_DATA
 * names, and if it names none /usr/share/datasets for packages, and for soma's own files share/soma/data beside the
 * folder of the running program and where soma was installed. SOMA_ERROR_INPUT and the package to install when it is
 * not there. */
enum { KNOWN_PATH = 4096 };
int known_path(const known_choice *choice, bool test, char path[KNOWN_PATH], soma_error *error);

/* Reads a set that was chosen: the part that it was asked for, otherwise what trains to learn from and what tests when
 * options.schema says that there is a model. */
soma_dataset *known_load(const soma_context *context, const known_choice *choice, data_options options,
                         soma_error *error);

#endif
