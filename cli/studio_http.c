/* cli/studio_http.c: who may ask, and for what. A page of another origin in the same browser can send requests here
 * too; so can a name that was made to point to this machine. Therefore each request must name this server as its Host,
 * its Origin, if it has one, must be ours, and whatever concerns runs needs the token of this start in a header, which
 * no other origin's page can send, since nothing here allows it to. All is refused before a body is read. One thread,
 * the caller's. */
#include "studio.h"

#if defined(SOMA_HAVE_HTTP) && defined(SOMA_HAVE_JSON)
#include "terminal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADERS_MOST = 16384, CONNECTIONS_MOST = 64, SECONDS_MOST = 30 };

typedef struct MHD_Connection connection;
typedef struct MHD_Response response;

/* One request: its body, as it comes in. */
typedef struct request {
    size_t size;
    char body[STUDIO_BODY + 1];
} request;

/* ---- Answers --------------------------------------------------------------------------------------------------- */

static enum MHD_Result send_response(connection *c, unsigned status, response *r, const char *type) {
    static const char *const headers[][2] = {{"X-Content-Type-Options", "nosniff"},
                                             {"Referrer-Policy", "no-referrer"},
                                             {"Cross-Origin-Resource-Policy", "same-origin"},
                                             {"Cache-Control", "no-store"}};
    if (!r) return MHD_NO;
    MHD_add_response_header(r, "Content-Type", type);
    for (size_t i = 0; i < COUNT_OF(headers); i++) MHD_add_response_header(r, headers[i][0], headers[i][1]);
    enum MHD_Result result = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return result;
}

/* `allow`: the method that would have been right, or NULL. */
static enum MHD_Result refuse(connection *c, unsigned status, const char *allow) {
    static const char text[] = "refused\n";
    response *r = MHD_create_response_from_buffer(sizeof text - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    if (r && allow) MHD_add_response_header(r, "Allow", allow);
    return send_response(c, status, r, "text/plain");
}

/* The page asks nobody but this server for anything, and its policy holds it to that. */
static enum MHD_Result send_page(const studio_server *s, connection *c) {
    size_t size = s->page ? s->page_size : studio_page_size;
    const void *bytes = s->page ? (const void *)s->page : studio_page;
    response *r = MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
    if (r && !s->page) MHD_add_response_header(r, "Content-Encoding", "gzip");
    if (r)
        MHD_add_response_header(
            r, "Content-Security-Policy",
            "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob: data:; worker-src blob: data:; "
            "style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self' data: blob:; base-uri 'none'; "
            "form-action 'none'");
    return send_response(c, MHD_HTTP_OK, r, "text/html; charset=utf-8");
}

static enum MHD_Result send_answer(connection *c, studio_answer answer) {
    if (!answer.text) return refuse(c, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL);
    response *r = MHD_create_response_from_buffer(strlen(answer.text), answer.text, MHD_RESPMEM_MUST_FREE);
    if (!r) free(answer.text);
    return send_response(c, answer.status, r, "application/json");
}

/* ---- Who asks -------------------------------------------------------------------------------------------------- */

/* A header that must be there at most once; NULL where it isn't there or *twice. */
typedef struct wanted {
    const char *name, *value;
    int count;
} wanted;

static enum MHD_Result look_at(void *user, enum MHD_ValueKind kind, const char *key, const char *value) {
    wanted *w = user;
    (void)kind;
    if (strcasecmp(key, w->name) != 0) return MHD_YES;
    w->value = value ? value : "";
    w->count++;
    return MHD_YES;
}

static wanted header(connection *c, const char *name) {
    wanted w = {.name = name};
    MHD_get_connection_values(c, MHD_HEADER_KIND, look_at, &w);
    return w;
}

/* Whether `text` is NAME:PORT, or NAME alone for HTTP's own port. */
static bool names(const char *text, const char *name, int port) {
    size_t length = strlen(name);
    char behind[16];
    if (strncasecmp(text, name, length) != 0) return false;
    snprintf(behind, sizeof behind, ":%d", port);
    return !strcmp(text + length, behind) || (port == 80 && !text[length]);
}

/* The address of ours to which a connection came, as it stands in a Host header. */
static bool own_address(connection *c, char *text, size_t size) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char number[INET6_ADDRSTRLEN] = "";
    if (!info || getsockname(info->connect_fd, (struct sockaddr *)&address, &length)) return false;
    if (address.ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&address)->sin_addr, number, sizeof number);
        snprintf(text, size, "%s", number);
    } else if (address.ss_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)&address)->sin6_addr;
        bool mapped = IN6_IS_ADDR_V4MAPPED(six);
        inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? (const void *)&six->s6_addr[12] : (const void *)six, number,
                  sizeof number);
        snprintf(text, size, mapped ? "%s" : "[%s]", number);
    }
    return *number != 0;
}

/* Loopback's names, the one that was given, and where we listen everywhere the address that was reached. */
static bool is_our_host(const studio_server *s, connection *c, const char *host) {
    static const char *const local[] = {"127.0.0.1", "localhost", "[::1]"};
    char own[INET6_ADDRSTRLEN + 2], given[256];
    for (size_t i = 0; i < COUNT_OF(local); i++)
        if (names(host, local[i], s->port)) return true;
    if (s->everywhere) return own_address(c, own, sizeof own) && names(host, own, s->port);
    snprintf(given, sizeof given, strchr(s->host, ':') ? "[%s]" : "%s", s->host);
    return names(host, given, s->port);
}

/* In a time that doesn't tell where the first difference is. */
static bool is_token(const studio_server *s, const char *text) {
    unsigned difference = 0;
    if (!text || strlen(text) != STUDIO_TOKEN) return false;
    for (size_t i = 0; i < STUDIO_TOKEN; i++) difference |= (unsigned)(text[i] ^ s->token[i]);
    return !difference;
}

static const char *below_api(const char *url) {
    static const char prefix[] = "/api/";
    return !strncmp(url, prefix, sizeof prefix - 1) ? url + sizeof prefix - 1 : NULL;
}

/* The status to refuse a request with, by its head alone; 0: it may go on. */
static unsigned judge(const studio_server *s, connection *c, const char *url, const char *method, const char **allow) {
    wanted host = header(c, "Host"), origin = header(c, "Origin"), token = header(c, "X-Soma-Token");
    wanted length = header(c, "Content-Length"), transfer = header(c, "Transfer-Encoding");
    if (host.count != 1 || !is_our_host(s, c, host.value)) return MHD_HTTP_FORBIDDEN;
    if (origin.count > 1 ||
        (origin.count && (strncmp(origin.value, "http://", 7) != 0 || strcasecmp(origin.value + 7, host.value) != 0)))
        return MHD_HTTP_FORBIDDEN;
    const char *name = below_api(url);
    if (name && (token.count != 1 || !is_token(s, token.value))) return MHD_HTTP_FORBIDDEN;
    *allow = name ? studio_runs_method(name) : !strcmp(url, "/") || !strcmp(url, "/index.html") ? "GET" : NULL;
    if (!*allow) return MHD_HTTP_NOT_FOUND;
    bool head = !strcmp(method, "HEAD") && !strcmp(*allow, "GET");
    if (!head && strcmp(method, *allow) != 0) return MHD_HTTP_METHOD_NOT_ALLOWED;
    *allow = NULL;
    if (transfer.count) return MHD_HTTP_LENGTH_REQUIRED;
    if (length.count > 1 || (length.count && strtoull(length.value, NULL, 10) > STUDIO_BODY))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

/* ---- A request ------------------------------------------------------------------------------------------------- */

static enum MHD_Result answer(studio_server *s, connection *c, const char *url, const char *method, const request *r) {
    const char *name = below_api(url);
    if (!name) return send_page(s, c);
    studio_question q = {.name = name,
                         .post = !strcmp(method, "POST"),
                         .run = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "run"),
                         .metrics = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "metrics"),
                         .events = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "events"),
                         .file = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "file"),
                         .body = r->body,
                         .body_size = r->size};
    return send_answer(c, studio_runs_answer(&s->runs, &q));
}

/* libmicrohttpd calls this once with the head of a request, then with each piece of its body, then at its end. */
static enum MHD_Result on_request(void *user, connection *c, const char *url, const char *method, const char *version,
                                  const char *piece, size_t *piece_size, void **state) {
    studio_server *s = user;
    (void)version;
    if (!*state) {
        const char *allow = NULL;
        unsigned status = judge(s, c, url, method, &allow);
        if (status) return refuse(c, status, allow);
        *state = calloc(1, sizeof(request));
        return *state ? MHD_YES : MHD_NO;
    }
    request *r = *state;
    if (!*piece_size) return answer(s, c, url, method, r);
    if (*piece_size > STUDIO_BODY - r->size) return MHD_NO;
    memcpy(r->body + r->size, piece, *piece_size);
    r->size += *piece_size;
    *piece_size = 0;
    return MHD_YES;
}

static void on_end(void *user, connection *c, void **state, enum MHD_RequestTerminationCode code) {
    (void)user;
    (void)c;
    (void)code;
    free(*state);
    *state = NULL;
}

/* ---- Opening, serving, closing --------------------------------------------------------------------------------- */

static bool make_token(char token[STUDIO_TOKEN + 1]) {
    unsigned char bytes[STUDIO_TOKEN / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return false;
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool is_loopback(const struct sockaddr *a) {
    if (a->sa_family == AF_INET) return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static bool is_any(const struct sockaddr *a) {
    if (a->sa_family == AF_INET) return ((const struct sockaddr_in *)a)->sin_addr.s_addr == htonl(INADDR_ANY);
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* A listening socket at one of the host's addresses; -1 with errno. */
static int listen_at(studio_server *s, const struct addrinfo *a) {
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } own = {.six = {0}};
    socklen_t length = sizeof own;
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, CONNECTIONS_MOST) || getsockname(fd, &own.any, &length)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    s->port = ntohs(own.any.sa_family == AF_INET ? own.four.sin_port : own.six.sin6_port);
    s->everywhere = is_any(a->ai_addr);
    s->loopback = is_loopback(a->ai_addr);
    return fd;
}

int studio_server_open(studio_server *s, const char *host, int port, soma_error *error) {
    struct addrinfo wish = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    char service[16];
    int fd = -1;
    s->host = host;
    snprintf(service, sizeof service, "%d", port);
    int unknown = *host ? getaddrinfo(host, service, &wish, &found) : EAI_NONAME;
    if (unknown)
        return error_set(error, SOMA_ERROR_ARGUMENT, "--host %s: %s; expected an address of this machine", host,
                         gai_strerror(unknown));
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) fd = listen_at(s, a);
    int why = errno;
    freeaddrinfo(found);
    if (fd < 0)
        return error_set(error, SOMA_ERROR_IO, "%s, port %d: can't listen there: %s%s", host, port, strerror(why),
                         why == EADDRINUSE ? "; --port 0 picks a free one" : "");
    if (!make_token(s->token)) {
        close(fd);
        return error_set(error, SOMA_ERROR_IO, "the system gives no random numbers: %s", strerror(errno));
    }
    s->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                 (size_t)HEADERS_MOST, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MOST,
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SECONDS_MOST, MHD_OPTION_END);
    if (s->daemon) return SOMA_OK;
    close(fd);
    return error_set(error, SOMA_ERROR_MEMORY, "the server can't be started");
}

void studio_server_run(studio_server *s) {
    enum { WAIT = 500 }; /* milliseconds: a signal that comes just before the wait is seen after it */
    while (!signals_stop) MHD_run_wait(s->daemon, WAIT);
}

void studio_server_close(studio_server *s) {
    if (s->daemon) MHD_stop_daemon(s->daemon);
    if (s->runs.child > 0 && s->runs.child_status < 0)
        complain("soma studio: the training that it started in %s goes on", s->runs.child_run);
    if (s->runs.child_words >= 0) close(s->runs.child_words);
}
#endif
