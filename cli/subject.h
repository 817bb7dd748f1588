/* cli/subject.h: what `show` and `bench` are about: a network by name or SPEC, or a model file. */
#ifndef CLI_SUBJECT_H
#define CLI_SUBJECT_H

#include "commands.h"

typedef struct subject {
    char name[256];      /* "lenet", the SPEC, or the path */
    spec *spec;          /* of a name or SPEC; of a model that says it; else NULL */
    soma_model *model;   /* of a file */
    soma_shape sample;   /* of the input */
    soma_shape features; /* of the network behind the preprocessing */
    soma_graph *graph;
    soma_value x, output;
} subject;

typedef enum subject_use { SUBJECT_SHOW, SUBJECT_RUN, SUBJECT_TRAIN } subject_use;

/* Opens the positional argument or --net, with --input's shape where given, and builds the graph for its use. Returns a
 * status: 0, or what the program ends with after one line was said. */
int subject_open(const command_line *line, const option_value *net, const option_value *input, subject_use use,
                 subject *s);
void subject_close(subject *s);

#endif
