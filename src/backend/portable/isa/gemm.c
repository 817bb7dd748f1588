/* isa/gemm.c: whole products from panels: which way of multiplying, what is packed, in which order tiles are visited.
 *
 * B is taken a group of panels at a time, read where it lies or packed when it is transposed or read often; A is never
 * packed: 6 rows by GEMM_DEPTH of it fit the first-level cache and a panel of B the second, and each element of A feeds
 * a whole panel's width. A tile that goes through an epilogue is computed into a small buffer over all of k first. The
 * way is chosen from the sizes of the whole product, never from the part of it that a thread does. */
#include "backend/portable/isa/gemm.h"

#include "backend/portable/isa/shuffle.h"

/* Floats that a transposed A may span without being packed. */
enum { FAR = 1 << 16 };
/* Width of the tile handed to an epilogue: long rows when B's panels for them stay in the second-level cache. */
enum { SHALLOW = 128, WIDE = 256, NARROW = 64, BLOCK_ROWS = 256, PACK_ROWS = 48, LEFT_ROWS = 48 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static bool is_far(int64_t a_row, int64_t a_step, int64_t depth) { return a_row == 1 && depth * a_step > FAR; }

void gemm_transpose(int64_t rows, int64_t columns, const float *from, int64_t from_row, float *to, int64_t to_row) {
    int64_t i = 0;
    for (; i + VW <= rows; i += VW) {
        int64_t j = 0;
        for (; j + 4 <= columns; j += 4) {
            vf block[4];
            v_transpose4(from + i * from_row + j, from_row, block);
            for (int q = 0; q < 4; q++) v_store(to + (j + q) * to_row + i, block[q]);
        }
        for (; j < columns; j++) {
            for (int64_t r = i; r < i + VW; r++) to[j * to_row + r] = from[r * from_row + j];
        }
    }
    for (; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) to[j * to_row + i] = from[i * from_row + j];
    }
}

void gemm_pack(int64_t depth, int64_t columns, const float *b, int64_t b_row, int64_t b_column, float *to) {
    int64_t padded = (columns + VW - 1) / VW * VW, whole = columns / VW * VW;
    if (b_column != 1) {
        if (columns < padded) {
            for (int64_t k = 0; k < depth; k++) v_store(to + k * GEMM_COLUMNS + whole, v_zero());
        }
        gemm_transpose(columns, depth, b, b_column, to, GEMM_COLUMNS);
    } else if (columns == GEMM_COLUMNS) {
        for (int64_t k = 0; k < depth; k++) {
            for (int v = 0; v < GEMM_VECTORS; v++)
                v_store(to + k * GEMM_COLUMNS + v * VW, v_load(b + k * b_row + v * VW));
        }
    } else {
        for (int64_t k = 0; k < depth; k++) {
            for (int64_t j = 0; j < columns; j += VW) {
                size_t rest = (size_t)smaller(columns - j, VW);
                v_store(to + k * GEMM_COLUMNS + j, v_load_partial(b + k * b_row + j, rest));
            }
        }
    }
}

/* Whether sums run along vectors: for few rows, packing a transposed B costs more than adding up lanes at the end. */
static bool takes_dot(const gemm *g) {
    if (g->a_step != 1 || g->b_row != 1) return false;
    if (g->columns == 1) return true;
    return g->b_column != 1 && (g->rows < 4 || g->depth > 4096 || g->depth > 2 * g->rows);
}

/* A thread's scratch: with an epilogue a tile and the epilogue's own; then room for what is packed. */
static float *tile_buffer(const gemm *g, char *scratch) { return g->epilogue ? (float *)(void *)scratch : NULL; }
static float *packing_room(const gemm *g, char *scratch) {
    if (g->epilogue) scratch += GEMM_TILE_FLOATS * sizeof(float) + epilogue_scratch(g->epilogue);
    return (float *)(void *)scratch;
}

static void finish(const gemm *g, float *tile, int64_t stride, int64_t i, int64_t j, int64_t rows, int64_t columns) {
    epilogue_apply(g->epilogue, g->isa, tile, stride, g->matrix, i, j, rows, columns,
                   (char *)(tile + GEMM_TILE_FLOATS));
}

static void run_dot(const gemm *g, int64_t row, int64_t row_end, int64_t column, int64_t column_end, char *scratch) {
    float *buffer = tile_buffer(g, scratch);
    int64_t width =
        g->epilogue ? smaller(column_end - column, g->rows == 1 ? GEMM_TILE_FLOATS : NARROW) : column_end - column;
    int64_t height = g->epilogue ? GEMM_TILE_FLOATS / width : BLOCK_ROWS;
    for (int64_t i = row; i < row_end; i += height) {
        int64_t rows = smaller(height, row_end - i);
        for (int64_t j = column; j < column_end; j += width) {
            int64_t columns = smaller(width, column_end - j);
            float *c = buffer ? buffer : g->c + i * g->ldc + j;
            int64_t ldc = buffer ? columns : g->ldc;
            if (g->rows == 1)
                gemm_dot_row(columns, g->depth, g->a, g->b + j * g->b_column, g->b_column, c);
            else
                gemm_dot(rows, columns, g->depth, g->a + i * g->a_row, g->a_row, g->b + j * g->b_column, g->b_column, c,
                         ldc);
            if (buffer) finish(g, buffer, columns, i, j, rows, columns);
        }
    }
}

/* The right operand of a group of panels. */
typedef struct right {
    const float *data;
    int64_t row;   /* from k to k + 1 */
    int64_t panel; /* from panel to panel */
    bool whole;    /* packed: the last vector is padded */
} right;

/* Rows [i, i + rows) of a group of panels over the whole depth. `left`: room for LEFT_ROWS x GEMM_DEPTH of a transposed
 * A whose lines lie too far apart for the caches, or NULL to read it in place. */
static void run_group(const gemm *g, int64_t i, int64_t rows, int64_t columns, const right *b, float *c, int64_t ldc,
                      float *left) {
    int64_t k = 0;
    do {
        int64_t depth = smaller(GEMM_DEPTH, g->depth - k), step = left ? LEFT_ROWS : rows;
        for (int64_t r = 0; r < rows; r += step) {
            const float *a = g->a + (i + r) * g->a_row + k * g->a_step;
            int64_t now = smaller(step, rows - r), a_step = g->a_step;
            for (int64_t q = 0; left && q < depth; q++) {
                memcpy(left + q * LEFT_ROWS, a + q * a_step, (size_t)now * sizeof *a);
            }
            if (left) a = left, a_step = LEFT_ROWS;
            for (int64_t p = 0; p < columns; p += GEMM_COLUMNS) {
                gemm_panel(now, smaller(GEMM_COLUMNS, columns - p), depth, a, g->a_row, a_step,
                           b->data + p / GEMM_COLUMNS * b->panel + k * b->row, b->row, b->whole, c + r * ldc + p, ldc,
                           k > 0);
            }
        }
        k += GEMM_DEPTH;
    } while (k < g->depth);
}

/* Columns [j, j + columns) of B as panels, packed into `room` if that pays. */
static right panels_of(const gemm *g, int64_t j, int64_t columns, bool pack, float *room) {
    if (!pack) return (right){g->b + j, g->b_row, GEMM_COLUMNS, false};
    for (int64_t p = 0; p < columns; p += GEMM_COLUMNS) {
        gemm_pack(g->depth, smaller(GEMM_COLUMNS, columns - p), g->b + (j + p) * g->b_column, g->b_row, g->b_column,
                  room + p * g->depth);
    }
    return (right){room, GEMM_COLUMNS, GEMM_COLUMNS * g->depth, true};
}

/* The usual small product: nothing is packed, one tile. */
static void run_small(const gemm *g, int64_t row, int64_t rows, int64_t columns, float *c, int64_t ldc) {
    for (int64_t p = 0; p < columns; p += GEMM_COLUMNS) {
        gemm_panel(rows, smaller(GEMM_COLUMNS, columns - p), g->depth, g->a + row * g->a_row, g->a_row, g->a_step,
                   g->b + p, g->b_row, false, c + p, ldc, false);
    }
    if (g->epilogue) finish(g, c, ldc, row, 0, rows, columns);
}

static void run_outer(const gemm *g, int64_t row, int64_t row_end, int64_t column, int64_t column_end, char *scratch) {
    bool pack = g->b_column != 1 || (row_end - row >= PACK_ROWS && g->depth * g->b_row > 1 << 14);
    float *buffer = tile_buffer(g, scratch);
    if (!pack && column_end <= WIDE && column == 0 && g->depth <= SHALLOW &&
        (row_end - row) * column_end <= GEMM_TILE_FLOATS) {
        float *c = buffer ? buffer : g->c + row * g->ldc;
        run_small(g, row, row_end - row, column_end, c, buffer ? column_end : g->ldc);
        return;
    }
    float *room = NULL, *left = NULL;
    bool far = is_far(g->a_row, g->a_step, g->depth);
    if (pack || far) room = packing_room(g, scratch);
    if (far) {
        left = room;
        room += LEFT_ROWS * smaller(GEMM_DEPTH, g->depth);
    }
    int64_t width = left || (buffer && g->depth <= SHALLOW) ? WIDE : buffer ? NARROW : GEMM_COLUMNS;
    width = smaller(width, g->columns);
    int64_t height = buffer ? GEMM_TILE_FLOATS / width : BLOCK_ROWS;
    for (int64_t j = column; j < column_end; j += width) {
        int64_t columns = smaller(width, column_end - j);
        right b = panels_of(g, j, columns, pack, room);
        for (int64_t i = row; i < row_end; i += height) {
            int64_t rows = smaller(height, row_end - i);
            if (buffer) {
                run_group(g, i, rows, columns, &b, buffer, columns, left);
                finish(g, buffer, columns, i, j, rows, columns);
            } else {
                run_group(g, i, rows, columns, &b, g->c + i * g->ldc + j, g->ldc, left);
            }
        }
    }
}

/* A column of results whose left operand is transposed: as a row, C^T = B^T A^T, so that vectors run along it. */
static void run_column(const gemm *g, int64_t row, int64_t row_end, char *scratch) {
    float *buffer = tile_buffer(g, scratch);
    for (int64_t i = row; i < row_end; i += GEMM_COLUMNS) {
        int64_t rows = smaller(GEMM_COLUMNS, row_end - i), k = 0;
        float *c = buffer ? buffer : g->c + i;
        do {
            gemm_panel(1, rows, smaller(GEMM_DEPTH, g->depth - k), g->b + k * g->b_row, 0, g->b_row,
                       g->a + i + k * g->a_step, g->a_step, false, c, 0, k > 0);
            k += GEMM_DEPTH;
        } while (k < g->depth);
        if (buffer) finish(g, buffer, 1, i, 0, rows, 1);
    }
}

void gemm_run(const gemm *g, int64_t row, int64_t row_end, int64_t column, int64_t column_end, char *scratch) {
    if (row >= row_end || column >= column_end) return;
    if (takes_dot(g)) {
        run_dot(g, row, row_end, column, column_end, scratch);
    } else if (g->columns == 1 && g->a_row == 1 && (g->ldc == 1 || g->epilogue)) {
        run_column(g, row, row_end, scratch);
    } else {
        run_outer(g, row, row_end, column, column_end, scratch);
    }
}

size_t gemm_scratch(const gemm *g) {
    int64_t padded = (g->columns + GEMM_COLUMNS - 1) / GEMM_COLUMNS * GEMM_COLUMNS;
    bool far = is_far(g->a_row, g->a_step, g->depth);
    int64_t room = smaller(padded, far ? WIDE : NARROW) * g->depth;
    int64_t shallow = smaller(padded, WIDE) * smaller(SHALLOW, g->depth); /* of a smaller batch */
    if (room < shallow) room = shallow;
    if (far) room += LEFT_ROWS * smaller(GEMM_DEPTH, g->depth);
    if (g->epilogue) room += GEMM_TILE_FLOATS;
    return epilogue_scratch(g->epilogue) + sizeof(float) * (size_t)room;
}
