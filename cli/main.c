/* cli/main.c: the soma command: finds the subcommand and hands over. */
#include "commands.h"
#include "terminal.h"

#include <stdio.h>

const command *const commands[] = {&command_train, &command_eval, &command_predict, &command_show,   &command_run,
                                   &command_bench, &command_data, &command_new,     &command_studio, NULL};

static int help(void) {
    printf("soma %s: neural networks: build, train, look inside, ship\n\nsoma COMMAND …\n\n", soma_version());
    for (size_t i = 0; commands[i]; i++) printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
    printf(
        "\nsoma COMMAND --help explains a command; soma --version prints the version;\n"
        "soma --completion bash|zsh and soma --man [COMMAND] print what make install installs.\n\n"
        "A table from start to end\n"
        "  soma train iris.csv --out runs/iris        learns the last column from the others\n"
        "  soma eval runs/iris iris.csv               accuracy, F1, confusion matrix\n"
        "  soma predict runs/iris new.csv             an answer for each row, as CSV\n"
        "  soma show runs/iris                        layers, shapes, parameters\n\n"
        "Answers go to standard output, everything else to standard error. Status 0: done, 1: the work failed, 2: bad\n"
        "usage or input, 130, 143 and 129: stopped by Ctrl-C, SIGTERM or a closed terminal after saving.\n");
    return finish_output(STATUS_OK);
}

static int unknown(const char *word) {
    const char *names[COUNT_OF(commands)] = {NULL};
    for (size_t i = 0; commands[i]; i++) names[i] = commands[i]->name;
    const char *near = suggest(word, names);
    complain("soma: there is no command '%s'%s%s; soma --help lists the commands", word, near ? ", did you mean " : "",
             near ? near : "");
    return STATUS_USAGE;
}

int main(int argc, char **argv) {
    streams_hold();
    signals_ignore();
    if (argc < 2) {
        complain(
            "soma: a command is needed: train, eval, predict, show, run, bench, data, new or studio (soma --help)");
        return STATUS_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) return help();
    if (!strcmp(argv[1], "--version")) {
        printf("soma %s\n", soma_version());
        return finish_output(STATUS_OK);
    }
    if (!strcmp(argv[1], "--completion")) return completion_print(argc - 2, argv + 2);
    if (!strcmp(argv[1], "--man")) return manual_print(argc - 2, argv + 2);
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(argv[1], commands[i]->name) != 0) continue;
        command_line line;
        int status;
        if (!options_parse(commands[i], argc - 1, argv + 1, &line, &status)) status = commands[i]->run(&line);
        options_clear(&line);
        return status;
    }
    return unknown(argv[1]);
}
