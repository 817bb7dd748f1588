/* cli/manual.c: `soma --man [COMMAND]`: the manual pages in the language of man(7), made from the option tables like
 * --help; make install installs them. Read one at once: soma --man train | man -l - */
#include "commands.h"
#include "terminal.h"

#include <stdio.h>

enum { LINE = 76 };

/* `length` bytes with what means something to roff written so that it stands for itself. */
static void put(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '\\':
            fputs("\\e", stdout);
            break;
        case '-':
            fputs("\\-", stdout);
            break;
        case '\'':
            fputs("\\(aq", stdout);
            break;
        case '`':
            fputs("\\(ga", stdout);
            break;
        case '^':
            fputs("\\(ha", stdout);
            break;
        case '~':
            fputs("\\(ti", stdout);
            break;
        default:
            putchar(text[i]);
        }
    }
}

static void put_all(const char *text) { put(text, strlen(text)); }

/* A line never begins with roff's own signs. */
static void put_guard(const char *text) {
    if (*text == '.') fputs("\\&", stdout);
}

/* Prose, a word after the other; an empty line begins a paragraph. */
static void put_prose(const char *text) {
    size_t column = 0;
    while (*text) {
        size_t length = strcspn(text, " \n");
        if (column && column + length > LINE) {
            putchar('\n');
            column = 0;
        }
        if (column && length) putchar(' ');
        if (!column) put_guard(text);
        put(text, length);
        column += length + 1;
        text += length;
        if (!strncmp(text, "\n\n", 2)) {
            fputs("\n.PP\n", stdout);
            column = 0;
        }
        text += strspn(text, " \n");
    }
    putchar('\n');
}

/* Lines as they are. */
static void put_lines(const char *text) {
    fputs(".nf\n", stdout);
    while (*text) {
        size_t length = strcspn(text, "\n"), indent = strspn(text, " ");
        put_guard(text + indent);
        put(text + indent, length - indent);
        putchar('\n');
        text += length + (text[length] != 0);
    }
    fputs(".fi\n", stdout);
}

static void put_title(const char *dash, const char *name, const char *summary) {
    printf(".\\\" Made by soma --man from the option tables.\n");
    printf(".TH \"SOMA%s%s\" 1 \"\" \"soma %s\" \"soma\"\n.SH NAME\nsoma%s%s \\- ", dash, name, soma_version(),
           *dash ? "\\-" : "", name);
    put_all(summary);
    putchar('\n');
}

static void put_choices(const option_row *row) {
    for (const char *const *choice = row->choices; choice && *choice; choice++) {
        fputs(choice == row->choices ? ": " : ", ", stdout);
        put_all(*choice);
    }
}

static void put_option(const option_row *row) {
    if (row->group) printf(".SS %s\n", row->group);
    fputs(".TP\n\\fB\\-\\-", stdout);
    put_all(row->name);
    fputs("\\fR", stdout);
    if (row->value) {
        fputs(" \\fI", stdout);
        put_all(row->value);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    put_guard(row->help);
    put_all(row->help);
    put_choices(row);
    putchar('\n');
}

static void put_status(void) {
    fputs(".SH EXIT STATUS\n"
          "0: done. 1: the work failed. 2: bad usage or bad input, said in one line on standard error.\n"
          "130 and 143: stopped by Ctrl\\-C or SIGTERM after saving.\n",
          stdout);
}

static void page_of(const command *c) {
    put_title("-", c->name, c->summary);
    printf(".SH SYNOPSIS\n\\fBsoma %s\\fR ", c->name);
    put_all(c->arguments);
    fputs("\n.SH DESCRIPTION\n", stdout);
    put_prose(c->description);
    fputs(".SH OPTIONS\n", stdout);
    for (const option_row *row = c->options; row->name; row++) put_option(row);
    for (const option_alias *a = c->aliases; a && a->name; a++) {
        if (a == c->aliases) fputs(".SS Other names\n", stdout);
        fputs(".TP\n\\fB\\-\\-", stdout);
        put_all(a->name);
        fputs("\\fR\nis \\fB\\-\\-", stdout);
        put_all(a->stands_for);
        fputs("\\fR\n", stdout);
    }
    fputs(c->options->name ? ".SS Help\n.TP\n\\fB\\-\\-help\\fR\nexplains the command\n"
                           : ".TP\n\\fB\\-\\-help\\fR\nexplains the command\n",
          stdout);
    if (c->examples) {
        fputs(".SH EXAMPLES\n", stdout);
        put_lines(c->examples);
    }
    put_status();
    fputs(".SH SEE ALSO\n.BR soma (1)\n", stdout);
}

static void page_of_all(void) {
    put_title("", "", "neural networks: build, train, look inside, ship");
    fputs(".SH SYNOPSIS\n\\fBsoma\\fR \\fICOMMAND\\fR ...\n.SH DESCRIPTION\n"
          "Trains a network on a table or on pictures, measures it, answers with it and saves it as a standard ONNX "
          "file.\n"
          "Answers go to standard output, everything else to standard error.\n.SH COMMANDS\n",
          stdout);
    for (size_t i = 0; commands[i]; i++) {
        printf(".TP\n\\fBsoma %s\\fR ", commands[i]->name);
        put_all(commands[i]->arguments);
        putchar('\n');
        put_all(commands[i]->summary);
        putchar('\n');
    }
    fputs(".SH OPTIONS\n"
          ".TP\n\\fB\\-\\-help\\fR\nlists the commands; after a command explains it\n"
          ".TP\n\\fB\\-\\-version\\fR\nprints the version\n"
          ".TP\n\\fB\\-\\-completion\\fR \\fIbash|zsh\\fR\nprints a script that completes soma's words in that shell\n"
          ".TP\n\\fB\\-\\-man\\fR [\\fICOMMAND\\fR]\nprints this page or a command's\n",
          stdout);
    put_status();
    fputs(".SH ENVIRONMENT\n"
          ".TP\n\\fBSOMA_DATA\\fR\nthe folder in which files of known data sets are looked for instead of the usual "
          "places\n"
          ".TP\n\\fBSOMA_ISA\\fR\na narrower instruction set than the processor has, as baseline or avx2\n"
          ".SH SEE ALSO\n",
          stdout);
    for (size_t i = 0; commands[i]; i++) printf(".BR soma\\-%s (1)%s\n", commands[i]->name, commands[i + 1] ? "," : "");
}

int manual_print(int argc, char **argv) {
    if (argc > 1) {
        complain("soma: --man takes one command; '%s' is one too many", argv[1]);
        return STATUS_USAGE;
    }
    if (!argc) {
        page_of_all();
        return finish_output(STATUS_OK);
    }
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(argv[0], commands[i]->name) != 0) continue;
        page_of(commands[i]);
        return finish_output(STATUS_OK);
    }
    complain("soma: there is no command '%s'; soma --help lists the commands", argv[0]);
    return STATUS_USAGE;
}
