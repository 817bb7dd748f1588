/* isa/depthwise_usual.c: the usual depthwise convolution straight from the picture. Each vector of a row is loaded once
 * for several rows of the output and multiplied by the kernel's three columns apart; what belongs to the columns beside
 * is moved there by a lane at the end, across vectors with the neighbour's lane. Narrow planes at stride 1 are taken as
 * one long row where masks cost nothing. */
#include "backend/portable/isa/depthwise.h"
#include "backend/portable/isa/pairs.h"

/* {a[VW - 1], b[0], b[1], ..} and {a[1], a[2], .., b[0]}. */
#if VW == 16
#define BEHIND 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
#define AHEAD  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
enum { ROWS = 4 };
#elif VW == 8
#define BEHIND 7, 8, 9, 10, 11, 12, 13, 14
#define AHEAD  1, 2, 3, 4, 5, 6, 7, 8
enum { ROWS = 2 };
#else
#define BEHIND 3, 4, 5, 6
#define AHEAD  1, 2, 3, 4
enum { ROWS = 2 };
#endif
SIMD vf v_behind(vf a, vf b) { return __builtin_shufflevector(a, b, BEHIND); }
SIMD vf v_ahead(vf a, vf b) { return __builtin_shufflevector(a, b, AHEAD); }

/* Columns [j, j + VW) of a row of the picture, 0 outside. */
SIMD vf take(const usual_plane *p, const float *x, int64_t i, int64_t j) {
    int64_t left = p->width - j;
    if (i < 0 || i >= p->height || left <= 0) return v_zero();
    return left >= VW ? v_load(x + i * p->width + j) : v_load_partial(x + i * p->width + j, (size_t)left);
}

SIMD void put(const usual_plane *p, float *to, int64_t i, int64_t j, vf y) {
    int64_t left = p->out_width - j;
    if (!KERNEL_SMALL && p->finish)
        y = affine_clamp(p->finish, y * v_set1(*p->finish->scale) + v_set1(*p->finish->shift));
    if (left >= VW)
        v_store(to + (i - p->row) * p->out_width + j, y);
    else if (left > 0)
        v_store_partial(to + (i - p->row) * p->out_width + j, y, (size_t)left);
}

/* Output rows [i, i + rows) at stride 1: column j gets left[j - 1] + middle[j] + right[j + 1]. The last is known when
 * the next vector is. */
SIMD void rows_side_by_side(const int rows, const usual_plane *p, const float *x, const vf *w, int64_t i, float *to) {
    vf left_before[ROWS], part_before[ROWS], right_before[ROWS];
    UNROLL
    for (int r = 0; r < rows; r++) left_before[r] = part_before[r] = right_before[r] = v_zero();
    const int64_t end = p->width > p->out_width ? p->width : p->out_width;
    int64_t j = 0;
    for (; j < end; j += VW) {
        vf left[ROWS], middle[ROWS], right[ROWS];
        UNROLL
        for (int r = 0; r < rows; r++) left[r] = middle[r] = right[r] = v_zero();
        UNROLL
        for (int q = 0; q < rows + 2; q++) {
            vf at = take(p, x, i + q - 1, j);
            UNROLL
            for (int k = 0; k < 3; k++) {
                if (q - k < 0 || q - k >= rows) continue;
                left[q - k] = v_fma(at, w[3 * k], left[q - k]);
                middle[q - k] = v_fma(at, w[3 * k + 1], middle[q - k]);
                right[q - k] = v_fma(at, w[3 * k + 2], right[q - k]);
            }
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            if (j > 0) put(p, to, i + r, j - VW, part_before[r] + v_ahead(right_before[r], right[r]));
            part_before[r] = middle[r] + v_behind(left_before[r], left[r]);
            left_before[r] = left[r];
            right_before[r] = right[r];
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) put(p, to, i + r, j - VW, part_before[r] + v_ahead(right_before[r], v_zero()));
}

/* Columns 2j and 2j + 1 of a row of the picture for VW outputs. */
SIMD void take_pairs(const usual_plane *p, const float *x, int64_t i, int64_t j, vf *even, vf *odd) {
    int64_t left = p->width - 2 * j;
    *even = *odd = v_zero();
    if (i < 0 || i >= p->height || left <= 0) return;
    x += i * p->width + 2 * j;
    if (left >= 2 * VW) {
        load_pairs(x, VW, even, odd);
    } else {
        vf a = v_load_partial(x, left < VW ? (size_t)left : VW), b = v_zero();
        if (left > VW) b = v_load_partial(x + VW, (size_t)(left - VW));
        split_pairs(a, b, even, odd);
    }
}

/* Output rows [i, i + rows) at stride 2: column j meets columns 2j - 1, 2j and 2j + 1. */
SIMD void rows_apart(const int rows, const usual_plane *p, const float *x, const vf *w, int64_t i, float *to) {
    vf left_before[ROWS];
    UNROLL
    for (int r = 0; r < rows; r++) left_before[r] = v_zero();
    for (int64_t j = 0; j < p->out_width; j += VW) {
        vf left[ROWS], here[ROWS];
        UNROLL
        for (int r = 0; r < rows; r++) left[r] = here[r] = v_zero();
        UNROLL
        for (int q = 0; q < 2 * rows + 1; q++) {
            vf even, odd;
            take_pairs(p, x, 2 * i + q - 1, j, &even, &odd);
            UNROLL
            for (int k = 0; k < 3; k++) {
                const int r = (q - k) / 2;
                if (q < k || (q - k) % 2 || r >= rows) continue;
                left[r] = v_fma(odd, w[3 * k], left[r]);
                here[r] = v_fma(even, w[3 * k + 1], here[r]);
                here[r] = v_fma(odd, w[3 * k + 2], here[r]);
            }
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            put(p, to, i + r, j, here[r] + v_behind(left_before[r], left[r]));
            left_before[r] = left[r];
        }
    }
}

SIMD void rows_of(const int rows, const usual_plane *p, const float *x, const vf *w, int64_t i, float *to) {
    if (p->stride == 1)
        rows_side_by_side(rows, p, x, w, i, to);
    else
        rows_apart(rows, p, x, w, i, to);
}

#ifdef SIMD_AVX512
/* At stride 1 rows follow each other in x as in y, so that a vector of y may run on into the next row and meets in x
 * what lies a constant further: no lane is idle, whatever the width. Lanes whose neighbour is in another row are
 * masked, which costs this instruction set nothing. */
const usual_edges *depthwise_usual_edges(int64_t width, usual_edges *room) {
    if (width > EDGES_WIDTH) return NULL;
    for (int64_t j = 0; j < width; j++) {
        room->left[j] = room->right[j] = UINT16_MAX;
        for (int64_t lane = j ? width - j : 0; lane < VW; lane += width) room->left[j] &= (uint16_t) ~(1u << lane);
        for (int64_t lane = width - 1 - j; lane < VW; lane += width) room->right[j] &= (uint16_t) ~(1u << lane);
    }
    return room;
}

/* Lanes [from, to) of a vector, which may both lie outside of it. */
SIMD uint32_t lanes(int64_t from, int64_t to) {
    const uint32_t all = UINT16_MAX, below = to >= VW ? all : to > 0 ? (1u << to) - 1 : 0;
    return from <= 0 ? below : from < VW ? below & all << from : 0;
}

/* Vector t of the picture, `end` places long, or a row before or behind it; 0 outside the picture. */
SIMD vf take_lanes(const float *x, int64_t t, int64_t end) {
    if (t >= 0 && t + VW <= end) return v_load(x + t);
    return (vf)_mm512_maskz_loadu_ps((vm)lanes(-t, end - t), x + t);
}

SIMD vf add_where(vm where, vf x, vf y) {
    return (vf)_mm512_mask_add_ps((__m512)x, (__mmask16)where, (__m512)x, (__m512)y);
}

static void run_on(const usual_plane *p, const float *x, const vf *w, float *to) {
    const int64_t width = p->width, first = p->row * width, end = p->row_end * width, all = p->height * width;
    const affine *f = p->finish;
    const vf scale = v_set1(f ? *f->scale : 1), shift = v_set1(f ? *f->shift : 0);
    const vf low = v_set1(f ? f->low : 0), high = v_set1(f ? f->high : 0);
    vf left_before = v_zero(), part_before = v_zero(), right_before = v_zero();
    vm right_edge = 0;
    int64_t column = 0;
    for (int64_t t = first; t < end + VW; t += VW) {
        vf left = v_zero(), middle = v_zero(), right = v_zero();
        UNROLL
        for (int k = 0; k < 3; k++) {
            const vf at = take_lanes(x, t + (k - 1) * width, all);
            left = v_fma(at, w[3 * k], left);
            middle = v_fma(at, w[3 * k + 1], middle);
            right = v_fma(at, w[3 * k + 2], right);
        }
        if (t > first) { /* the vector before is known now */
            const int64_t ready = t - VW - first, count = end - first - ready;
            vf y = add_where(right_edge, part_before, v_ahead(right_before, right));
            if (f) y = v_min(high, v_max(low, y * scale + shift));
            if (count >= VW)
                v_store(to + ready, y);
            else
                v_store_partial(to + ready, y, (size_t)count);
        }
        part_before = add_where(p->edges->left[column], middle, v_behind(left_before, left));
        right_edge = p->edges->right[column];
        left_before = left;
        right_before = right;
        column += VW;
        while (column >= width) column -= width;
    }
}
#else
const usual_edges *depthwise_usual_edges(int64_t width, usual_edges *room) { return (void)width, (void)room, NULL; }
#endif

void depthwise_usual(const usual_plane *p, const float *x, const float *w, float *to) {
    vf weights[9];
    UNROLL
    for (int k = 0; k < 9; k++) weights[k] = v_set1(w[k]);
#ifdef SIMD_AVX512
    if (p->edges) {
        run_on(p, x, weights, to);
        return;
    }
#endif
    if (p->row_end - p->row < ROWS) {
        for (int64_t i = p->row; i < p->row_end; i++) rows_of(1, p, x, weights, i, to);
    } else { /* the last rows may be done twice */
        for (int64_t i = p->row; i < p->row_end; i += ROWS)
            rows_of(ROWS, p, x, weights, i + ROWS <= p->row_end ? i : p->row_end - ROWS, to);
    }
}

/* ---- The gradient of the data at stride 2 ------------------------------------------------------------------------ */

SIMD vf load_some(const float *x, int64_t left) {
    return left >= VW ? v_load(x) : v_load_partial(x, left > 0 ? (size_t)left : 0);
}

/* Places [j, j + VW) of row i of dy and their neighbours [j + 1, j + 1 + VW), 0 outside. */
SIMD void take_next(const usual_plane *p, const float *dy, int64_t i, int64_t j, vf *here, vf *next) {
    *here = *next = v_zero();
    if (i >= p->out_height) return;
    *here = load_some(dy + i * p->out_width + j, p->out_width - j);
    *next = load_some(dy + i * p->out_width + j + 1, p->out_width - j - 1);
}

/* An even row or column met the kernel's middle alone, an odd one its beginning and its end, for the next place and for
 * its own. */
void depthwise_usual_back(const usual_plane *p, const float *dy, const float *w, float *to) {
    vf weight[9];
    UNROLL
    for (int k = 0; k < 9; k++) weight[k] = v_set1(w[k]);
    for (int64_t i = p->row; i < p->row_end; i++, to += p->width) {
        for (int64_t j = 0; 2 * j < p->width; j += VW) {
            vf here, next, below, below_next, even, odd;
            take_next(p, dy, i / 2, j, &here, &next);
            if (i % 2 == 0) {
                even = here * weight[4];
                odd = v_fma(next, weight[3], here * weight[5]);
            } else {
                take_next(p, dy, i / 2 + 1, j, &below, &below_next);
                even = v_fma(below, weight[1], here * weight[7]);
                odd = v_fma(below_next, weight[0], below * weight[2]);
                odd = v_fma(next, weight[6], v_fma(here, weight[8], odd));
            }
            const int64_t left = p->width - 2 * j;
            store_pairs(to + 2 * j, left < 2 * VW ? (size_t)left : 2 * VW, even, odd);
        }
    }
}

/* ---- The gradient of the kernel ---------------------------------------------------------------------------------- */

/* What the kernel's three columns meet in row i of the picture at outputs [j, j + VW). */
SIMD void take_columns(const int stride, const usual_plane *p, const float *x, int64_t i, int64_t j, vf column[3]) {
    column[0] = column[1] = column[2] = v_zero();
    if (i < 0 || i >= p->height) return;
    if (stride == 1) {
        const float *row = x + i * p->width + j;
        column[1] = load_some(row, p->width - j);
        column[2] = load_some(row + 1, p->width - j - 1);
        column[0] = j > 0 ? load_some(row - 1, p->width - j + 1) : v_behind(v_zero(), column[1]);
    } else {
        bool inside = j > 0 && 2 * j - 1 < p->width;
        take_pairs(p, x, i, j, &column[1], &column[2]);
        column[0] = v_behind(inside ? v_set1(x[i * p->width + 2 * j - 1]) : v_zero(), column[2]);
    }
}

/* Columns of outputs from top to bottom, so that each row of the picture is read once for the three that meet it. */
SIMD void weigh(const int stride, const usual_plane *p, const float *x, const float *dy, vf *sums) {
    vf sum[9];
    UNROLL
    for (int k = 0; k < 9; k++) sum[k] = sums[k];
    for (int64_t j = 0; j < p->out_width; j += VW) {
        vf row[3][3];
        take_columns(stride, p, x, -1, j, row[0]);
        if (stride == 1) take_columns(stride, p, x, 0, j, row[1]);
        for (int64_t i = 0; i < p->out_height; i++) {
            if (stride == 2) take_columns(stride, p, x, 2 * i, j, row[1]);
            take_columns(stride, p, x, stride * i + 1, j, row[2]);
            vf y = load_some(dy + i * p->out_width + j, p->out_width - j);
            UNROLL
            for (int k = 0; k < 9; k++) sum[k] = v_fma(y, row[k / 3][k % 3], sum[k]);
            UNROLL
            for (int l = 0; l < 3; l++) {
                row[0][l] = row[stride == 1 ? 1 : 2][l];
                row[1][l] = row[2][l];
            }
        }
    }
    UNROLL
    for (int k = 0; k < 9; k++) sums[k] = sum[k];
}

void depthwise_usual_weigh(const usual_plane *p, const float *x, const float *dy, vf sums[9]) {
    if (p->stride == 1)
        weigh(1, p, x, dy, sums);
    else
        weigh(2, p, x, dy, sums);
}
