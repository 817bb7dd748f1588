/* data/zip.c: reading zip archives (PKWARE's APPNOTE 6.3): at the end of the file a record says where the directory is,
 * an entry of the directory where its member is; the header before the member's bytes only tells how long it is itself.
 * Every place is held against the bytes that are there, and a size against what deflate can give (1032 to 1) before
 * memory is taken. Not read: archives in parts, encrypted ones, and zip64, which begins at 4 GiB. */
#include "data/zip.h"

#ifdef SOMA_HAVE_ZLIB
#include <zlib.h>
#endif

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30, COMMENT_BYTES = 65535 };
enum { STORED = 0, DEFLATED = 8, ENCRYPTED = 1 };

static unsigned number2(const uint8_t *at) { return at[0] | (unsigned)at[1] << 8; }
static uint32_t number4(const uint8_t *at) { return number2(at) | (uint32_t)number2(at + 2) << 16; }

static bool begins(const uint8_t *at, const char *mark) { return memcmp(at, mark, 4) == 0; }

bool zip_is(const uint8_t *bytes, size_t size) {
    return size >= END_BYTES && (begins(bytes, "PK\3\4") || begins(bytes, "PK\5\6"));
}

static int broken(const zip_walk *walk, const char *why, soma_error *error) {
    return error_set(error, SOMA_ERROR_INPUT, "%s: the zip archive %s", walk->name, why);
}

int zip_begin(const uint8_t *bytes, size_t size, const char *name, zip_walk *walk, soma_error *error) {
    *walk = (zip_walk){.bytes = bytes, .size = size, .name = name};
    const uint8_t *end = NULL;
    for (size_t back = END_BYTES; !end && back <= size && back <= END_BYTES + COMMENT_BYTES; back++)
        if (begins(bytes + size - back, "PK\5\6")) end = bytes + size - back;
    if (!end) return broken(walk, "has no directory at its end; it may be cut off", error);
    walk->left = number2(end + 10);
    walk->at = number4(end + 16);
    if (number2(end + 4) || number2(end + 6)) return broken(walk, "consists of several parts; expected one", error);
    if (walk->left == 0xFFFF || walk->at == 0xFFFFFFFF) return broken(walk, "is zip64, which is not read", error);
    if (walk->at > (size_t)(end - bytes)) return broken(walk, "is damaged: its directory lies behind its end", error);
    return SOMA_OK;
}

int zip_next(zip_walk *walk, zip_member *member, bool *found, soma_error *error) {
    *found = walk->left > 0;
    if (!*found) return SOMA_OK;
    const uint8_t *entry = walk->bytes + walk->at;
    size_t room = walk->size - walk->at;
    if (room < ENTRY_BYTES || !begins(entry, "PK\1\2")) return broken(walk, "has a damaged directory", error);
    size_t name = number2(entry + 28), whole = ENTRY_BYTES + name + number2(entry + 30) + number2(entry + 32);
    if (room < whole) return broken(walk, "has a damaged directory", error);
    *member = (zip_member){.name = (const char *)entry + ENTRY_BYTES,
                           .name_length = name,
                           .flags = number2(entry + 8),
                           .method = number2(entry + 10),
                           .crc = number4(entry + 16),
                           .packed = number4(entry + 20),
                           .unpacked = number4(entry + 24),
                           .offset = number4(entry + 42)};
    walk->at += whole;
    walk->left--;
    return SOMA_OK;
}

/* ---- Members --------------------------------------------------------------------------------------------------- */

static int broken_member(const zip_walk *walk, const zip_member *m, const char *why, soma_error *error) {
    int length = m->name_length < 80 ? (int)m->name_length : 80;
    return error_set(error, SOMA_ERROR_INPUT, "%s: the member %.*s %s", walk->name, length, m->name, why);
}

/* What the directory says of a member that can't be read; NULL when there is nothing against it. */
static const char *unreadable(const zip_member *m) {
    if (m->flags & ENCRYPTED) return "is encrypted";
    if (m->method != STORED && m->method != DEFLATED) return "is packed in another way than by deflate";
    if (m->packed == 0xFFFFFFFF || m->unpacked == 0xFFFFFFFF || m->offset == 0xFFFFFFFF)
        return "is zip64, which is not read";
    return NULL;
}

/* The packed bytes, which must lie within the file; NULL and what is wrong. */
static const uint8_t *find_bytes(const zip_walk *walk, const zip_member *m, const char **wrong) {
    if ((*wrong = unreadable(m))) return NULL;
    *wrong = "is not where the directory says";
    if (m->offset > walk->size || walk->size - m->offset < LOCAL_BYTES || !begins(walk->bytes + m->offset, "PK\3\4"))
        return NULL;
    const uint8_t *local = walk->bytes + m->offset;
    size_t head = LOCAL_BYTES + number2(local + 26) + number2(local + 28), room = walk->size - m->offset;
    *wrong = "goes beyond the file's end";
    if (room < head || room - head < m->packed) return NULL;
    *wrong = "can't have the size that the directory says";
    bool possible = m->method == STORED ? m->packed == m->unpacked : m->unpacked / 1032 <= m->packed;
    return possible ? local + head : NULL;
}

#ifdef SOMA_HAVE_ZLIB
static voidpf zlib_allocate(voidpf user, uInt count, uInt size) { return mem_array(user, count, size); }
static void zlib_release(voidpf user, voidpf memory) { mem_free(user, memory); }

static int unpack(const soma_context *context, const zip_walk *walk, const zip_member *m, const uint8_t *from,
                  uint8_t *to, soma_error *error) {
    z_stream stream = {.zalloc = zlib_allocate, .zfree = zlib_release, .opaque = (voidpf)(uintptr_t)context};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return error_memory(error);
    stream.next_in = (Bytef *)(uintptr_t)from;
    stream.avail_in = m->packed;
    stream.next_out = to;
    stream.avail_out = m->unpacked;
    int status = inflate(&stream, Z_FINISH);
    bool whole = status == Z_STREAM_END && stream.total_out == m->unpacked;
    inflateEnd(&stream);
    if (status == Z_MEM_ERROR) return error_memory(error);
    return whole ? SOMA_OK : broken_member(walk, m, "is damaged", error);
}

static bool checks(const uint8_t *bytes, const zip_member *m) {
    return crc32(crc32(0, NULL, 0), bytes, m->unpacked) == m->crc;
}
#else
static int unpack(const soma_context *context, const zip_walk *walk, const zip_member *m, const uint8_t *from,
                  uint8_t *to, soma_error *error) {
    (void)context, (void)from, (void)to;
    return broken_member(walk, m, "is packed, and this soma is built without zlib", error);
}

static bool checks(const uint8_t *bytes, const zip_member *m) {
    (void)bytes, (void)m;
    return true;
}
#endif

int zip_read(const soma_context *context, const zip_walk *walk, const zip_member *member, uint8_t **bytes, size_t *size,
             soma_error *error) {
    const char *wrong = NULL;
    const uint8_t *from = find_bytes(walk, member, &wrong);
    int code = SOMA_OK;
    *bytes = NULL;
    *size = member->unpacked;
    if (!from) return broken_member(walk, member, wrong, error);
    if (!(*bytes = mem_alloc(context, *size))) return error_memory(error);
    if (member->method == DEFLATED)
        code = unpack(context, walk, member, from, *bytes, error);
    else if (*size)
        memcpy(*bytes, from, *size);
    if (!code && !checks(*bytes, member)) code = broken_member(walk, member, "is damaged: its checksum differs", error);
    if (code) {
        mem_free(context, *bytes);
        *bytes = NULL;
    }
    return code;
}
