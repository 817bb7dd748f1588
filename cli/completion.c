/* cli/completion.c: `soma --completion bash|zsh`: a script that completes commands, options and their values, made from
 * the option tables, so that it never knows more or less than the program.
 *
 * What a value or a positional word can be follows from how --help calls it: one of the table's choices, DATA (a file
 * or a known set), FILE, DIR and MODEL (files), NAME (a network of the zoo). */
#include "commands.h"
#include "data/known.h"
#include "nn/zoo.h"
#include "terminal.h"

#include <stdio.h>

/* ---- What can stand somewhere ------------------------------------------------------------------------------------ */

typedef struct offer {
    bool files, sets, nets;
    const char *const *choices; /* ends in NULL; or NULL */
} offer;

/* Whether `word` stands in a text like "MODEL|NAME|--net SPEC [options]". */
static bool mentions(const char *text, const char *word) {
    static const char between[] = " |[],…";
    size_t length = strlen(word);
    for (const char *at = text ? text : ""; *at;) {
        size_t n = strcspn(at, between);
        if (n == length && !memcmp(at, word, n)) return true;
        at += n + (at[n] != 0);
    }
    return false;
}

static offer offer_by(const char *text) {
    return (offer){.files = mentions(text, "FILE") || mentions(text, "DIR") || mentions(text, "MODEL") ||
                            mentions(text, "DATA") || mentions(text, "NAME=FILE"),
                   .sets = mentions(text, "DATA") || mentions(text, "SET"),
                   .nets = mentions(text, "NAME")};
}

static offer offer_of(const option_row *row) {
    offer o = offer_by(row->value);
    o.choices = row->choices;
    o.sets = row->kind == OPTION_SHARE; /* a file of rows */
    return o;
}

/* The words of an offer, one blank before each. */
static void put_words(const offer *o) {
    for (const char *const *choice = o->choices; choice && *choice; choice++) printf(" %s", *choice);
    for (const zoo_net *net = zoo_nets; o->nets && net->name; net++) printf(" %s", net->name);
    for (const known_set *set = known_sets; o->sets && set->name; set++) printf(" %s", set->name);
}

static bool empty(const offer *o) { return !o->files && !o->sets && !o->nets && !o->choices; }

/* ---- bash -------------------------------------------------------------------------------------------------------- */

static void bash_offer(const offer *o) {
    if (o->choices || o->nets || o->sets) {
        fputs("words='", stdout);
        put_words(o);
        fputs("' ", stdout);
    }
    printf("%s;;\n", o->files ? "files=yes " : "");
}

static void bash_command(const command *c) {
    printf("    %s)\n        case $before in\n", c->name);
    for (const option_row *row = c->options; row->name; row++) {
        if (row->kind == OPTION_FLAG) continue;
        offer o = offer_of(row);
        printf("        --%s", row->name);
        for (const option_alias *a = c->aliases; a && a->name; a++)
            if (!strcmp(a->stands_for, row->name)) printf("|--%s", a->name);
        printf(") ");
        bash_offer(&o);
    }
    printf("        *) case $word in\n            -*) words='");
    for (const option_row *row = c->options; row->name; row++) printf("--%s ", row->name);
    printf("--help' ;;\n            *) ");
    offer o = offer_by(c->arguments);
    bash_offer(&o);
    printf("            esac ;;\n        esac ;;\n");
}

static void print_bash(void) {
    printf("# Completes soma in bash; made by soma --completion bash.\n"
           "_soma() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words= files=\n"
           "    COMPREPLY=()\n"
           "    if [ \"$word\" = = ]; then # --option=value comes as three words\n"
           "        word=\n"
           "    elif [ \"$before\" = = ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
           "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
           "    fi\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
           "        words='");
    for (size_t i = 0; commands[i]; i++) printf("%s ", commands[i]->name);
    printf("--help --version --completion --man'\n"
           "    else\n"
           "    case ${COMP_WORDS[1]} in\n"
           "    --completion) words='bash zsh' ;;\n"
           "    --man) words='");
    for (size_t i = 0; commands[i]; i++) printf("%s ", commands[i]->name);
    printf("' ;;\n");
    for (size_t i = 0; commands[i]; i++) bash_command(commands[i]);
    printf("    esac\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"; [ -z \"$files\" ] || compgen -f -- "
           "\"$word\")\n"
           "    [ -z \"$files\" ] || compopt -o filenames 2>/dev/null\n"
           "    return 0\n"
           "}\n"
           "complete -F _soma soma\n");
}

/* ---- zsh --------------------------------------------------------------------------------------------------------- */

/* A text within single quotes in which `marked` letters get a backslash. */
static void put_quoted(const char *text, const char *marked) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            printf("%s%c", strchr(marked, *text) ? "\\" : "", *text);
    }
}

/* ":message:action" for _arguments. */
static void zsh_offer(const char *message, const offer *o) {
    putchar(':');
    put_quoted(message, ":[]\\");
    putchar(':');
    if (o->files && (o->sets || o->nets)) {
        fputs("{_alternative \"words:name:(", stdout);
        put_words(o);
        fputs(")\" \"files:file:_files\"}", stdout);
    } else if (o->files) {
        fputs("_files", stdout);
    } else if (empty(o)) {
        putchar(' ');
    } else {
        putchar('(');
        put_words(o);
        putchar(')');
    }
}

static void zsh_option(const option_row *row, const char *name) {
    printf(" \\\n            '%s--%s%s[", row->kind == OPTION_REPEAT ? "*" : "", name,
           row->kind == OPTION_FLAG ? "" : "=");
    put_quoted(row->help, ":[]\\");
    putchar(']');
    offer o = offer_of(row);
    if (row->kind != OPTION_FLAG) zsh_offer(row->value, &o);
    putchar('\'');
}

static void zsh_command(const command *c) {
    offer o = offer_by(c->arguments);
    printf("    %s)\n        _arguments", c->name);
    for (const option_row *row = c->options; row->name; row++) zsh_option(row, row->name);
    for (const option_alias *a = c->aliases; a && a->name; a++)
        for (const option_row *row = c->options; row->name; row++)
            if (!strcmp(row->name, a->stands_for)) zsh_option(row, a->name);
    printf(" \\\n            '--help[explain the command]' \\\n            '*");
    zsh_offer(c->arguments, &o);
    printf("' ;;\n");
}

static void print_zsh(void) {
    printf("#compdef soma\n# Completes soma in zsh; made by soma --completion zsh.\n"
           "_soma() {\n"
           "    if (( CURRENT == 2 )); then\n"
           "        local -a commands=(");
    for (size_t i = 0; commands[i]; i++) {
        printf("\n            '%s:", commands[i]->name);
        put_quoted(commands[i]->summary, "");
        putchar('\'');
    }
    printf(")\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    shift words\n"
           "    (( CURRENT-- ))\n"
           "    case $words[1] in\n");
    for (size_t i = 0; commands[i]; i++) zsh_command(commands[i]);
    printf("    esac\n"
           "}\n"
           "# Found by its name in a folder of functions, or read by eval.\n"
           "if [ \"$funcstack[1]\" = _soma ]; then _soma \"$@\"; else compdef _soma soma; fi\n");
}

int completion_print(int argc, char **argv) {
    const char *shell = argc == 1 ? argv[0] : "";
    if (!strcmp(shell, "bash")) {
        print_bash();
    } else if (!strcmp(shell, "zsh")) {
        print_zsh();
    } else {
        complain("soma: --completion takes bash or zsh");
        return STATUS_USAGE;
    }
    return finish_output(STATUS_OK);
}
