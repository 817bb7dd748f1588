/* cli/studio.c: `soma studio [RUN]`: serves the studio's page out of the program and shows a training run in it. */
#include "studio.h"

#include "commands.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>

enum { HOST, PORT, PAGE, JSON, ROWS };

static const option_row rows[] = {
    [HOST] = {"host", OPTION_TEXT, "ADDRESS", "the address to listen on; else 127.0.0.1, this machine alone",
              .expected = "an address"},
    [PORT] = {"port", OPTION_WHOLE, "N", "the port to listen on; else, and for 0, one that is free", NULL, 0, 65535,
              .expected = "a whole number from 0 to 65535"},
    [PAGE] = {"page", OPTION_TEXT, "FILE", "serve this HTML file in place of the page inside the program",
              .expected = "a file's name"},
    [JSON] = {.name = "json", .kind = OPTION_FLAG, .help = "print the address as an object on standard output"},
    [ROWS] = {0},
};

#if defined(SOMA_HAVE_HTTP) && defined(SOMA_HAVE_JSON)
#include "format/file.h"
#include "train/run_folder.h"

/* Where the studio is found, and what opens it. The token stands behind the #: a browser sends that part to nobody. */
static int print_address(const studio_server *s, bool json) {
    char address[256];
    bool six = strchr(s->host, ':') != NULL;
    const char *host = s->everywhere ? "127.0.0.1" : s->host;
    snprintf(address, sizeof address, "http://%s%.100s%s:%d/#/%s?token=%s", six && !s->everywhere ? "[" : "", host,
             six && !s->everywhere ? "]" : "", s->port, studio_runs_any(&s->runs) ? "run" : "playground", s->token);
    if (json) {
        json_text j = {0};
        json_put_open(&j, NULL, '{');
        json_put_string(&j, "address", address);
        json_put_string(&j, "host", host);
        json_put_integer(&j, "port", s->port);
        json_put_string(&j, "token", s->token);
        json_put_close(&j, '}');
        json_put_line(&j);
        int status = print_answer(&j, STATUS_OK);
        json_text_clear(&j);
        if (status) return status;
    } else {
        puts(address);
    }
    return finish_output(STATUS_OK);
}

static int check_run(const char *path, soma_error *error) {
    run_folder folder;
    int code = run_folder_name(NULL, path, &folder, error);
    if (!code && !run_folder_used(&folder))
        code = error_set(error, SOMA_ERROR_INPUT, "%s: there is no run in it; soma train writes one", path);
    run_folder_clear(&folder);
    return code;
}

static int run(const command_line *line) {
    soma_error error = {0};
    const option_value *v = line->values;
    studio_server s = {.runs = {.child_words = -1, .child_status = -1}};
    if (line->positional_count > 1) {
        complain("soma studio: one RUN is taken; '%s' is one too many", line->positional[1]);
        return STATUS_USAGE;
    }
    s.runs.one = line->positional_count ? line->positional[0] : NULL;
    if (s.runs.one && check_run(s.runs.one, &error)) return fail_with(&error, true);
    if (v[PAGE].given) {
        s.page = file_read_whole(v[PAGE].text, (size_t)64 << 20, &s.page_size, NULL, &error);
        if (!s.page) return fail_with(&error, true);
    } else if (!studio_page_size) {
        complain("soma studio: the page was not built; make studio builds it and puts it into the program");
        return STATUS_FAILED;
    }
    int status = STATUS_OK;
    if (studio_server_open(&s, v[HOST].given ? v[HOST].text : "127.0.0.1", (int)v[PORT].whole, &error)) {
        status = fail_with(&error, false);
    } else {
        if (!s.loopback)
            complain("soma studio: other machines can reach it; whoever has the address can steer the run");
        signals_catch();
        status = print_address(&s, v[JSON].given);
        if (!status) studio_server_run(&s);
    }
    studio_server_close(&s);
    mem_free(NULL, s.page);
    return status;
}
#else
static int run(const command_line *line) {
    (void)line;
    complain("soma studio: this program was built without the studio (it needs libmicrohttpd and jansson)");
    return STATUS_FAILED;
}
#endif

const command command_studio = {
    .name = "studio",
    .arguments = "[RUN] [options]",
    .summary = "show the studio, and a training run live, in a browser",
    .description = "Serves the studio's page from this program, to this machine alone unless --host says otherwise, "
                   "and prints the "
                   "address to open. With RUN, a run folder of soma train, the page shows that run live: its curves, "
                   "the gradients "
                   "that reach each layer, pictures of what it has learnt; and it can start it again where it stood, "
                   "make it pause "
                   "and stop it. Without RUN it shows those in ./runs. The address holds a token that is new at each "
                   "start; without "
                   "it nothing of a run is told and none can be steered. Ctrl-C ends the server, not the runs.",
    .options = rows,
    .examples = "  soma studio\n"
                "  soma studio runs/latest\n"
                "  soma studio runs/first --port 8017\n",
    .run = run};
