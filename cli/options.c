/* cli/options.c: parsing by getopt_long and printing --help, both from a subcommand's option table. getopt stays
 * silent: every mistake becomes one line that names the option, what was given and what was expected. */
#include "options.h"

#include "terminal.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CODE = 1000, HELP_CODE = 999, NAMES_MAX = OPTIONS_MAX + 8 };

bool number_whole(const char *text, int64_t *value) {
    char *end;
    if (!isdigit((unsigned char)*text) && !(*text == '-' && isdigit((unsigned char)text[1]))) return false;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno || *end) return false;
    *value = parsed;
    return true;
}

bool number_real(const char *text, double *value) {
    char *end;
    for (const char *c = text; *c; c++)
        if (!isdigit((unsigned char)*c) && !strchr("+-.eE", *c)) return false;
    *value = strtod(text, &end);
    return end != text && !*end && isfinite(*value);
}

bool parse_sample(const char *text, soma_shape *shape) {
    *shape = soma_shape0();
    for (const char *at = text;; at++) {
        int64_t extent = 0;
        if (!isdigit((unsigned char)*at) || shape->rank == SOMA_MAX_RANK - 1) return false;
        for (; isdigit((unsigned char)*at); at++)
            if (extent > INT32_MAX || (extent = extent * 10 + (*at - '0')) > INT32_MAX) return false;
        if (!extent) return false;
        shape->dims[shape->rank++] = extent;
        if (!*at) return shape_elements(shape, 1) > 0;
        if (*at != 'x') return false;
    }
}

static int row_of(const command *c, const char *name) {
    for (int i = 0; c->options[i].name; i++)
        if (!strcmp(c->options[i].name, name)) return i;
    return -1;
}

static size_t table_rows(const command *c) {
    size_t n = 0;
    while (c->options[n].name) n++;
    return n;
}

static bool check_choice(const command *c, const option_row *row, const char *value) {
    char list[512] = "", text[64];
    bool settings = row->kind == OPTION_SETTINGS;
    snprintf(text, sizeof text, "%.*s", (int)(settings ? strcspn(value, ":") : strlen(value)), value);
    for (const char *const *choice = row->choices; *choice; choice++) {
        if (!strcmp(*choice, text)) return true;
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", *choice);
    }
    const char *near = suggest(text, row->choices);
    complain("soma %s: --%s does not know '%s'; %s%s%sit takes %s%s", c->name, row->name, text,
             near ? "did you mean " : "", near ? near : "", near ? "? " : "", row->choices[1] ? "one of " : "", list);
    return false;
}

static bool read_size(const char *text, int64_t *bytes) {
    static const char units[] = "KMG";
    char number[32];
    size_t length = strlen(text);
    const char *unit = length ? strchr(units, text[length - 1]) : NULL;
    double value;
    if (unit) length--;
    if (length == 0 || length >= sizeof number) return false;
    memcpy(number, text, length);
    number[length] = 0;
    if (!number_real(number, &value)) return false;
    for (int i = 0; unit && i <= unit - units; i++) value *= 1024;
    if (!(value >= 1 && value <= 1e18)) return false;
    *bytes = (int64_t)value;
    return true;
}

/* Checks a value and stores it. */
bool options_take(const command *c, const option_row *row, const char *text, option_value *value) {
    bool ok = true;
    value->given = true;
    value->text = text;
    switch (row->kind) {
    case OPTION_FLAG:
        break;
    case OPTION_TEXT:
        ok = *text != 0;
        break;
    case OPTION_REPEAT: {
        const char **grown = realloc(value->texts, (value->count + 1) * sizeof *grown);
        if (!grown) {
            complain("soma %s: memory is out", c->name);
            return false;
        }
        value->texts = grown;
        value->texts[value->count++] = text;
        break;
    }
    case OPTION_WHOLE:
        ok = number_whole(text, &value->whole) && (double)value->whole >= row->low && (double)value->whole <= row->high;
        break;
    case OPTION_SHARE:
        value->is_file = !number_real(text, &value->number);
        ok = *text && (value->is_file || (value->number >= row->low && value->number < 1 &&
                                          (value->number > row->low || !row->above_low)));
        break;
    case OPTION_NUMBER:
        value->is_word = row->word && !strcmp(text, row->word);
        if (value->is_word) break;
        ok = number_real(text, &value->number) && value->number >= row->low && value->number <= row->high &&
             (value->number > row->low || !row->above_low);
        break;
    case OPTION_SIZE:
        ok = read_size(text, &value->whole);
        break;
    case OPTION_CHOICE:
    case OPTION_SETTINGS:
        return check_choice(c, row, text);
    }
    if (!ok)
        complain("soma %s: --%s takes %s, not '%s'", c->name, row->name, row->expected ? row->expected : "a text",
                 text);
    return ok;
}

static void complain_unknown(const command *c, const char *word) {
    const char *names[NAMES_MAX + 1];
    char name[64];
    size_t n = 0;
    for (const option_row *row = c->options; row->name; row++) names[n++] = row->name;
    for (const option_alias *a = c->aliases; a && a->name; a++) names[n++] = a->name;
    names[n] = NULL;
    while (*word == '-') word++;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *near = suggest(name, names);
    complain("soma %s: there is no option --%s%s%s; soma %s --help lists the options", c->name, name,
             near ? ", did you mean --" : "", near ? near : "", c->name);
}

/* The names that getopt_long knows: the table's, the aliases', help. */
static bool fill_names(const command *c, struct option names[NAMES_MAX + 2]) {
    size_t n = 0, rows = table_rows(c);
    if (rows > OPTIONS_MAX) return false;
    for (size_t i = 0; i < rows; i++)
        names[n++] =
            (struct option){c->options[i].name, c->options[i].kind == OPTION_FLAG ? no_argument : required_argument,
                            NULL, FIRST_CODE + (int)i};
    for (const option_alias *a = c->aliases; a && a->name && n < NAMES_MAX; a++)
        names[n++] = (struct option){a->name, required_argument, NULL, FIRST_CODE + row_of(c, a->stands_for)};
    names[n++] = (struct option){"help", no_argument, NULL, HELP_CODE};
    names[n] = (struct option){0};
    return true;
}

int options_parse(const command *c, int argc, char **argv, command_line *line, int *status) {
    struct option names[NAMES_MAX + 2];
    *line = (command_line){.command = c};
    *status = 2;
    if (!fill_names(c, names)) return 1;
    opterr = 0;
    optind = 1;
    for (int code; (code = getopt_long(argc, argv, ":h", names, NULL)) != -1;) {
        if (code == 'h' || code == HELP_CODE) {
            options_help(c);
            *status = finish_output(0);
            return 1;
        }
        if (code == ':') {
            const char *word = argv[optind - 1];
            int row = optopt >= FIRST_CODE ? optopt - FIRST_CODE : -1;
            complain("soma %s: %s needs a value: %s", c->name, word,
                     row >= 0 && c->options[row].expected ? c->options[row].expected : "see --help");
            return 1;
        }
        if (code == '?') {
            if (optopt >= FIRST_CODE)
                complain("soma %s: --%s takes no value", c->name, c->options[optopt - FIRST_CODE].name);
            else if (optopt && optopt != HELP_CODE)
                complain("soma %s: there is no option -%c; soma %s --help lists the options", c->name, optopt, c->name);
            else
                complain_unknown(c, argv[optind - 1]);
            return 1;
        }
        int row = code - FIRST_CODE;
        if (options_take(c, &c->options[row], optarg ? optarg : "", &line->values[row])) continue;
        if (c->options[row].kind == OPTION_REPEAT) *status = 1; /* any text will do: memory is out */
        return 1;
    }
    line->positional = (const char **)(argv + optind);
    line->positional_count = argc - optind;
    return 0;
}

void options_clear(command_line *line) {
    for (size_t i = 0; i < OPTIONS_MAX; i++) free(line->values[i].texts);
}

/* Columns that UTF-8 text takes: its bytes but those that continue a character. */
static int columns_of(const char *text, int bytes) {
    int columns = 0;
    for (int i = 0; i < bytes; i++) columns += (text[i] & 0xC0) != 0x80;
    return columns;
}

/* Prints a text wrapped at 100 columns, further lines indented. */
static void print_wrapped(const char *text, int column, int indent) {
    for (bool first = true; *text; first = false) {
        int length = (int)strcspn(text, " \n"), wide = columns_of(text, length);
        if (column + 1 + wide > 100 && column > indent) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (!first && column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", length, text);
        column += wide;
        text += length;
        if (*text == '\n') {
            printf("\n%*s", indent, "");
            column = indent;
        }
        text += *text != 0;
    }
    putchar('\n');
}

static void print_row(const option_row *row) {
    enum { HELP_COLUMN = 28 };
    if (row->group) printf("\n%s\n", row->group);
    const char *value = row->value ? row->value : "";
    int column = 4 + (int)strlen(row->name) + (*value ? 1 + columns_of(value, (int)strlen(value)) : 0);
    printf("  --%s%s%s", row->name, *value ? " " : "", value);
    if (column + 2 > HELP_COLUMN) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", HELP_COLUMN - column, "");
    char text[1024];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", row->help);
    if (row->choices && at < sizeof text) {
        at += (size_t)snprintf(text + at, sizeof text - at, ": ");
        for (const char *const *choice = row->choices; *choice && at < sizeof text; choice++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", choice == row->choices ? "" : ", ", *choice);
    }
    print_wrapped(text, HELP_COLUMN, HELP_COLUMN);
}

void options_help(const command *c) {
    printf("soma %s %s\n\n", c->name, c->arguments);
    print_wrapped(c->description, 0, 0);
    if (c->options[0].name && !c->options[0].group) printf("\nOptions\n");
    for (const option_row *row = c->options; row->name; row++) print_row(row);
    for (const option_alias *a = c->aliases; a && a->name; a++)
        printf("%s  --%s is --%s\n", a == c->aliases ? "\nOther names\n" : "", a->name, a->stands_for);
    if (c->examples) printf("\nExamples\n%s", c->examples);
}
