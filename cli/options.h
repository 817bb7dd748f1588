/* cli/options.h: the option tables of the subcommands. A table says everything about an option once: parsing, its
 * checks and --help come from it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/base.h"

typedef enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_WHOLE,    /* a whole number from low to high */
    OPTION_NUMBER,   /* a number in the range */
    OPTION_SIZE,     /* bytes; K, M or G behind a number are 1024, its square and cube */
    OPTION_SHARE,    /* a fraction, from low and below 1, or a file's name */
    OPTION_CHOICE,   /* one of `choices` */
    OPTION_SETTINGS, /* one of `choices`, with settings behind a colon or not */
    OPTION_REPEAT    /* text, may be given again and again */
} option_kind;

typedef struct option_row {
    const char *name; /* without the dashes */
    option_kind kind;
    const char *value; /* what --help calls the argument; NULL for flags */
    const char *help;
    const char *const *choices; /* ends in NULL */
    double low, high;
    bool above_low;       /* low itself is out of range */
    const char *expected; /* "a whole number from 1": for messages */
    const char *word;     /* OPTION_NUMBER: a word that may stand in its place */
    const char *group;    /* a heading in --help that begins with this row; else NULL */
} option_row;

typedef struct option_alias {
    const char *name, *stands_for;
} option_alias;

typedef struct command_line command_line;

typedef struct command {
    const char *name;
    const char *arguments;       /* "DATA [options]" */
    const char *summary;         /* one line, for `soma --help` */
    const char *description;     /* paragraph of --help */
    const option_row *options;   /* ends with a row without a name */
    const option_alias *aliases; /* ends likewise; may be NULL */
    const char *examples;
    int (*run)(const command_line *line);
} command;

enum { OPTIONS_MAX = 48 };

typedef struct option_value {
    bool given;
    const char *text; /* as it was given */
    int64_t whole;
    double number;
    bool is_word;       /* OPTION_NUMBER: the row's word was given */
    bool is_file;       /* OPTION_SHARE: text is a file's name */
    const char **texts; /* OPTION_REPEAT */
    size_t count;
} option_value;

struct command_line {
    const command *command;
    option_value values[OPTIONS_MAX]; /* by row of the table */
    const char **positional;
    int positional_count;
};

/* Parses the words behind the command's name. 0: go on; otherwise the program ends with *status (--help was printed, or
 * one line about the mistake). */
int options_parse(const command *c, int argc, char **argv, command_line *line, int *status);
/* Checks one value and stores it; false after a complaint. */
bool options_take(const command *c, const option_row *row, const char *text, option_value *value);
void options_clear(command_line *line);
void options_help(const command *c);

/* One number, strictly: the whole text must be it. */
bool number_whole(const char *text, int64_t *value);
bool number_real(const char *text, double *value);
/* "30" or "1x28x28" as the shape of one sample. */
bool parse_sample(const char *text, soma_shape *shape);

#endif
