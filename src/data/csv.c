/* data/csv.c: reads comma-separated values after RFC 4180, from memory, cell by cell.
 *
 * A cell between quotes may hold the delimiter, line breaks, and quotes written twice; a quote inside a cell that does
 * not begin with one is an ordinary character. Lines end with LF, CRLF or CR. A byte order mark is passed over. Text is
 * UTF-8. A cell that breaks these rules is reported with its place and a reason and reading goes on behind it, since
 * who predicts wants an answer for every other row: after stray text behind a closing quote with the next delimiter,
 * after a quote that is never closed with the next line. Cells are handed out as they lie in the input; only a cell
 * with doubled quotes is copied. Nothing is known here of numbers, headers or columns' names. */
#include "data/csv.h"

enum { ENDS_CELL = 1, NEEDS_CHECK = 2 }; /* kinds of bytes */

void csv_open(csv_reader *reader, const soma_context *context, const void *bytes, size_t size, char delimiter) {
    static const unsigned char mark[3] = {0xEF, 0xBB, 0xBF};
    *reader = (csv_reader){.context = context, .bytes = bytes, .size = size, .delimiter = delimiter, .line = 1};
    if (size >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0) reader->at = sizeof mark;
    memset(reader->kinds + 0x80, NEEDS_CHECK, 0x80);
    reader->kinds[0] = NEEDS_CHECK;
    reader->kinds['\n'] = reader->kinds['\r'] = reader->kinds[(unsigned char)delimiter] = ENDS_CELL;
}

void csv_close(csv_reader *reader) {
    mem_free(reader->context, reader->scratch);
    reader->scratch = NULL;
    reader->scratch_size = 0;
}

static bool at_break(const csv_reader *r, size_t at) { return r->bytes[at] == '\n' || r->bytes[at] == '\r'; }

/* The length of the line break at `at`: 2 for CRLF. */
static size_t break_length(const csv_reader *r, size_t at) {
    return r->bytes[at] == '\r' && at + 1 < r->size && r->bytes[at + 1] == '\n' ? 2 : 1;
}

/* Between rows: passes over lines without anything but blanks. */
static void skip_blank_lines(csv_reader *r) {
    for (size_t at = r->at;;) {
        while (at < r->size && (r->bytes[at] == ' ' || r->bytes[at] == '\t') && r->bytes[at] != r->delimiter) at++;
        if (at == r->size) {
            r->at = at;
            return;
        }
        if (!at_break(r, at)) return;
        r->at = at += break_length(r, at);
        r->line++;
    }
}

/* Well-formed UTF-8 after RFC 3629: no overlong forms, no surrogates, nothing above 10FFFF. */
static bool utf8_valid(const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)text[i++];
        if (c < 0x80) continue;
        size_t more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
        if (c < 0xC2 || c > 0xF4 || length - i < more) return false;
        unsigned char second = (unsigned char)text[i];
        if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) ||
            (c == 0xF4 && second > 0x8F))
            return false;
        for (; more; more--)
            if (((unsigned char)text[i++] & 0xC0) != 0x80) return false;
    }
    return true;
}

/* What makes a text unreadable whatever it means. */
static const char *text_problem(const char *text, size_t length) {
    if (length > CSV_CELL_BYTES) return "a cell longer than 1048576 bytes";
    if (memchr(text, 0, length)) return "a zero byte, which no text file has";
    return utf8_valid(text, length) ? NULL : "text that is not UTF-8 (iconv -f LATIN1 -t UTF-8 may help)";
}

/* Copies a quoted text that holds doubled quotes, halving them. */
static bool halve_quotes(csv_reader *r, csv_cell *cell) {
    if (r->scratch_size < cell->length) {
        size_t wanted;
        if (!size_multiply(cell->length, 2, &wanted)) return false;
        char *grown = mem_resize(r->context, r->scratch, 0, wanted, 1);
        if (!grown) return false;
        r->scratch = grown;
        r->scratch_size = wanted;
    }
    size_t length = 0;
    for (size_t i = 0; i < cell->length; i++) {
        r->scratch[length++] = cell->text[i];
        if (cell->text[i] == '"') i++;
    }
    cell->text = r->scratch;
    cell->length = length;
    return true;
}

/* Moves to the end of an unquoted text: a delimiter, a line break or the end. True when a byte on the way is not ASCII.
 */
static bool to_cell_end(csv_reader *r) {
    const unsigned char *bytes = (const unsigned char *)r->bytes;
    unsigned char seen = 0;
    size_t at = r->at;
    for (; at < r->size; at++) {
        unsigned char kind = r->kinds[bytes[at]];
        if (kind == ENDS_CELL) break;
        seen |= kind;
    }
    r->at = at;
    return seen != 0;
}

/* The cell whose opening quote is at r->at. False when memory is out. */
static bool quoted_cell(csv_reader *r, csv_cell *cell) {
    size_t opened = r->at, begin = opened + 1, at = begin;
    int64_t line = r->line;
    bool doubled = false, closed = false;
    cell->quoted = true;
    while (at < r->size && at - begin <= CSV_CELL_BYTES && !closed) {
        if (r->bytes[at] == '"') {
            if (at + 1 < r->size && r->bytes[at + 1] == '"')
                doubled = true, at += 2;
            else
                closed = true;
        } else if (at_break(r, at)) {
            at += break_length(r, at);
            line++;
        } else {
            at++;
        }
    }
    cell->text = r->bytes + begin;
    if (!closed) {
        cell->problem = at < r->size ? "a quoted cell longer than 1048576 bytes" : "a quote that is never closed";
        while (r->at < r->size && !at_break(r, r->at)) r->at++;
        cell->length = r->at - begin;
        return true;
    }
    cell->length = at - begin;
    r->at = at + 1;
    r->line = line;
    if (r->at < r->size && r->bytes[r->at] != r->delimiter && !at_break(r, r->at)) {
        cell->problem = "text behind the closing quote";
        to_cell_end(r);
    }
    if (!cell->problem) cell->problem = text_problem(cell->text, cell->length);
    return !doubled || halve_quotes(r, cell);
}

int csv_next(csv_reader *r, csv_cell *cell) {
    if (r->column == 0) {
        skip_blank_lines(r);
        if (r->at == r->size) return 0;
    }
    *cell = (csv_cell){.text = r->bytes + r->at, .begin = r->at, .line = r->line, .column = r->column};
    if (r->at < r->size && r->bytes[r->at] == '"') {
        if (!quoted_cell(r, cell)) return -1;
    } else {
        size_t begin = r->at;
        bool odd = to_cell_end(r);
        cell->length = r->at - begin;
        if (odd || cell->length > CSV_CELL_BYTES) cell->problem = text_problem(cell->text, cell->length);
    }
    cell->last = r->at == r->size || r->bytes[r->at] != r->delimiter;
    r->column = cell->last ? 0 : r->column + 1;
    if (r->at < r->size) {
        r->line += cell->last;
        r->at += cell->last ? break_length(r, r->at) : 1;
    }
    return 1;
}

void csv_trim(const csv_cell *cell, const char **text, size_t *length) {
    *text = cell->text;
    *length = cell->length;
    if (cell->quoted) return;
    while (*length && (**text == ' ' || **text == '\t')) ++*text, --*length;
    while (*length && ((*text)[*length - 1] == ' ' || (*text)[*length - 1] == '\t')) --*length;
}

char csv_delimiter(const soma_context *context, const void *bytes, size_t size) {
    enum { ROWS = 5 };
    static const char candidates[] = {',', ';', '\t', '|'};
    for (size_t i = 0; i < COUNT_OF(candidates); i++) {
        csv_reader r;
        csv_cell cell;
        size_t width = 0;
        bool same = true;
        int rows = 0, got = 1;
        csv_open(&r, context, bytes, size, candidates[i]);
        while (same && rows < ROWS && (got = csv_next(&r, &cell)) > 0) {
            if (!cell.last) continue;
            if (rows++ == 0) width = cell.column + 1;
            same = width > 1 && cell.column + 1 == width;
        }
        csv_close(&r);
        if (got < 0) return 0;
        if (same && rows) return candidates[i];
    }
    return ',';
}

const char *csv_excerpt(const char *text, size_t length, char buffer[CSV_EXCERPT]) {
    enum { CUT_BYTES = 4 }; /* "…" and a zero */
    const size_t room = CSV_EXCERPT - CUT_BYTES;
    bool cut = length > room;
    size_t used = cut ? room : length;
    while (cut && used && ((unsigned char)text[used] & 0xC0) == 0x80) used--;
    bool readable = utf8_valid(text, used);
    for (size_t i = 0; i < used; i++) {
        unsigned char c = (unsigned char)text[i];
        buffer[i] = c < 0x20 ? ' ' : c == 0x7F || (c >= 0x80 && !readable) ? '?' : (char)c;
    }
    if (cut)
        memcpy(buffer + used, "…", CUT_BYTES);
    else
        buffer[used] = 0;
    return buffer;
}
