/* data/source.c: bytes of files. A file is read whole; a pipe grows a buffer. The reader hands out plain bytes, or what
 * a gzip file (RFC 1952, several members included) unpacks to, through zlib where soma is built with it. A header in a
 * packed file can claim any size, so the reader knows a bound before anything is unpacked: deflate (RFC 1951) spends at
 * least two bits on 258 bytes, 1032 to 1. */
#include "data/source.h"

#include <errno.h>
#include <stdio.h>

#ifdef SOMA_HAVE_ZLIB
#include <zlib.h>
#endif

struct source {
    const soma_context *context;
    const uint8_t *bytes;
    size_t size, at; /* of the bytes as stored */
    const char *name;
    bool gzip, ended;
#ifdef SOMA_HAVE_ZLIB
    z_stream stream;
#endif
};

const char *source_name(const char *path) { return strcmp(path, "-") == 0 ? "standard input" : path; }

bool source_exists(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file) fclose(file);
    return file != NULL;
}

/* A size to begin with: the file's own and one byte more, which tells its end. */
static size_t first_size(FILE *file) {
    const size_t unknown = 65536;
    long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (end < 0 || fseek(file, 0, SEEK_SET) != 0) return unknown;
    return end > 0 && end < PTRDIFF_MAX ? (size_t)end + 1 : unknown;
}

static int read_all(const soma_context *context, FILE *file, const char *name, uint8_t **bytes, size_t *size,
                    soma_error *error) {
    size_t capacity = file == stdin ? 65536 : first_size(file);
    errno = 0;
    if (!(*bytes = mem_alloc(context, capacity))) return error_memory(error);
    for (;;) {
        *size += fread(*bytes + *size, 1, capacity - *size, file);
        if (ferror(file) && errno == EISDIR)
            return error_set(error, SOMA_ERROR_INPUT, "%s: is a folder; expected a file", name);
        if (ferror(file)) return error_set(error, SOMA_ERROR_IO, "%s: reading failed: %s", name, strerror(errno));
        if (feof(file) || *size < capacity) return SOMA_OK;
        size_t wanted;
        uint8_t *grown = size_multiply(capacity, 2, &wanted) ? mem_resize(context, *bytes, *size, wanted, 1) : NULL;
        if (!grown) return error_memory(error);
        *bytes = grown;
        capacity = wanted;
    }
}

bool source_load(const soma_context *context, const char *path, uint8_t **bytes, size_t *size, soma_error *error) {
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    *bytes = NULL;
    *size = 0;
    if (!file) {
        error_set(error, SOMA_ERROR_INPUT, "%s: can't be opened: %s", path, strerror(errno));
        return false;
    }
    int code = read_all(context, file, source_name(path), bytes, size, error);
    if (!standard) fclose(file);
    if (code != SOMA_OK) {
        mem_free(context, *bytes);
        *bytes = NULL;
    }
    return code == SOMA_OK;
}

bool source_is_gzip(const uint8_t *bytes, size_t size) { return size >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B; }

static bool read_plain(source *s, void *to, size_t wanted, size_t *got) {
    size_t left = s->size - s->at;
    *got = wanted < left ? wanted : left;
    if (*got) memcpy(to, s->bytes + s->at, *got);
    s->at += *got;
    return true;
}

#ifdef SOMA_HAVE_ZLIB
static voidpf zlib_allocate(voidpf user, uInt count, uInt size) { return mem_array(user, count, size); }
static void zlib_release(voidpf user, voidpf memory) { mem_free(user, memory); }

static int broken(const source *s, const char *why, soma_error *error) {
    return error_set(error, SOMA_ERROR_INPUT, "%s: %s", s->name, why);
}

static bool gzip_open(source *s, soma_error *error) {
    enum { GZIP_ONLY = 16 };
    /* zlib hands `opaque` back to the two functions, which take it as constant */
    s->stream = (z_stream){.zalloc = zlib_allocate, .zfree = zlib_release, .opaque = (voidpf)(uintptr_t)s->context};
    if (inflateInit2(&s->stream, MAX_WBITS + GZIP_ONLY) == Z_OK) return true;
    error_memory(error);
    return false;
}

/* A member ended: another one may follow, anything else may not. */
static int member_ended(source *s, soma_error *error) {
    if (s->at == s->size) {
        s->ended = true;
        return SOMA_OK;
    }
    if (!source_is_gzip(s->bytes + s->at, s->size - s->at))
        return broken(s, "bytes follow the end of the gzip data", error);
    return inflateReset(&s->stream) == Z_OK ? SOMA_OK : error_memory(error);
}

static bool gzip_read(source *s, void *to, size_t wanted, size_t *got, soma_error *error) {
    enum { MOST = 1 << 30 };
    *got = 0;
    while (*got < wanted && !s->ended) {
        size_t room = wanted - *got, left = s->size - s->at;
        uInt out = (uInt)(room < MOST ? room : MOST), in = (uInt)(left < MOST ? left : MOST);
        s->stream.next_in = (Bytef *)(uintptr_t)(s->bytes + s->at); /* not const in old versions of zlib */
        s->stream.avail_in = in;
        s->stream.next_out = (Bytef *)to + *got;
        s->stream.avail_out = out;
        int status = inflate(&s->stream, Z_NO_FLUSH);
        s->at += in - s->stream.avail_in;
        *got += out - s->stream.avail_out;
        if (status == Z_STREAM_END && member_ended(s, error) != SOMA_OK) return false;
        if (status == Z_STREAM_END) continue;
        if (status == Z_MEM_ERROR) return error_memory(error), false;
        if (status != Z_OK && status != Z_BUF_ERROR) return broken(s, "the gzip data is damaged", error), false;
        if (s->at == s->size && s->stream.avail_out) return broken(s, "the gzip data is cut off", error), false;
    }
    return true;
}
#endif

source *source_open(const soma_context *context, const uint8_t *bytes, size_t size, const char *name,
                    soma_error *error) {
    source *s = mem_zeros(context, 1, sizeof *s);
    if (!s) {
        error_memory(error);
        return NULL;
    }
    s->context = context;
    s->bytes = bytes;
    s->size = size;
    s->name = name;
    s->gzip = source_is_gzip(bytes, size);
    if (!s->gzip) return s;
#ifdef SOMA_HAVE_ZLIB
    if (gzip_open(s, error)) return s;
#else
    error_set(error, SOMA_ERROR_INPUT, "%s: is packed with gzip, and this soma is built without zlib; unpack it first",
              name);
#endif
    mem_free(context, s);
    return NULL;
}

void source_close(source *s) {
    if (!s) return;
#ifdef SOMA_HAVE_ZLIB
    if (s->gzip) inflateEnd(&s->stream);
#endif
    mem_free(s->context, s);
}

bool source_read(source *s, void *to, size_t wanted, size_t *got, soma_error *error) {
#ifdef SOMA_HAVE_ZLIB
    if (s->gzip) return gzip_read(s, to, wanted, got, error);
#else
    (void)error;
#endif
    return read_plain(s, to, wanted, got);
}

uint64_t source_at_most(const source *s) {
    uint64_t left = s->size - s->at;
    if (!s->gzip) return left;
    return left < UINT64_MAX / 2048 ? left * 1032 + 65536 : UINT64_MAX;
}
