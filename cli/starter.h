/* cli/starter.h: the files of examples/starter, which the build puts into the program. */
#ifndef CLI_STARTER_H
#define CLI_STARTER_H

typedef struct starter_file {
    const char *name, *text; /* the project is called `starter` in it */
} starter_file;

extern const starter_file starter_files[]; /* ends with one without a name */

#endif
