/* backend/onednn/matmul.c: a product of two matrices in jobs of some rows by some columns.
 *
 * The rows of a thread are made ready first (converted, and filled up with zeros to whole jobs), then its columns pass:
 * a part of b after another, each of a size that stays in cache while all rows are multiplied by it. */
#include "backend/onednn/steps.h"
#include "ops/attributes.h"

enum {
    COLUMNS = 64,      /* of a part, a multiple of this */
    ROWS = 64,         /* of a job, at most */
    TILE = 64 << 10,   /* floats of a job's result */
    PART = 1 << 22,    /* bytes of a part of b */
    READY = 4 << 20,   /* bytes of rows made ready together */
    FEW_ROWS = 64,     /* a thread; b is then read by each thread in part only, */
    LARGE = 256 << 10, /* if it has more than so many floats */
};

partition onednn_matmul_partition(const kernel_call *call) {
    const matmul_attributes *t = call->attributes;
    const soma_shape *a = &call->in[0].shape, *c = &call->out[0].shape;
    const int64_t depth = a->dims[t->transpose_a ? 0 : 1];
    const bool reads = c->dims[1] * depth > LARGE && c->dims[0] < FEW_ROWS * call->threads;
    const bool tiny = 2.0 * (double)(c->dims[0] * c->dims[1]) * (double)depth < 50e3;
    if (!t->transpose_a && !reads && c->dims[0] >= call->batch && (tiny || call->batch >= call->threads))
        return PARTITION_BATCH;
    return tiny ? PARTITION_SERIAL : PARTITION_FREE;
}

/* How a thread shares in the work. */
typedef struct share {
    int64_t row, row_end;
    int part, part_end;
} share;

static share share_of(const kernel_call *call, int thread) {
    const onednn_step *step = call->onednn_step;
    const int64_t rows = call->out[0].shape.dims[0];
    share s = {0, rows, 0, step->parts_count};
    int64_t first, end;
    if (call->partition == PARTITION_SERIAL) {
        if (thread > 0) s.row_end = 0;
    } else if (call->partition == PARTITION_BATCH) {
        int64_t each = call->batch > 0 ? rows / call->batch : 0;
        partition_range(call->batch, thread, call->threads, &first, &end);
        s.row = first * each;
        s.row_end = end * each;
    } else if (step->parts_count >= call->threads) {
        partition_range(step->parts_count, thread, call->threads, &first, &end);
        s.part = (int)first;
        s.part_end = (int)end;
    } else {
        partition_range(rows, thread, call->threads, &s.row, &s.row_end);
    }
    return s;
}

bool onednn_cut_matmul(onednn_step *step, const kernel_call *call) {
    const matmul_attributes *t = call->attributes;
    const soma_shape *a = &call->in[0].shape, *b = &call->in[1].shape, *c = &call->out[0].shape;
    onednn_request *r = &step->whole;
    if (a->rank != 2 || b->rank != 2) return false;
    r->rows = c->dims[0];
    r->columns = c->dims[1];
    r->depth = a->dims[t->transpose_a ? 0 : 1];
    if (r->rows < 1 || r->columns < 1 || r->depth < 1) return false;
    r->a_stride[0] = t->transpose_a ? 1 : a->dims[1];
    r->a_stride[1] = t->transpose_a ? a->dims[1] : 1;
    r->b_stride[0] = t->transpose_b ? 1 : b->dims[1];
    r->b_stride[1] = t->transpose_b ? b->dims[1] : 1;
    const partition split = onednn_matmul_partition(call);
    int64_t mine = r->rows;
    if (split == PARTITION_BATCH) {
        int64_t each = r->rows / call->batch;
        mine = (call->batch + call->threads - 1) / call->threads * each;
    }
    const int64_t pieces = (mine + ROWS - 1) / ROWS, element = r->bf16 ? 2 : sizeof(float);
    step->rows = (mine + pieces - 1) / pieces;
    step->block = READY / (step->rows * r->depth * element);
    step->block = step->block < 1 ? 1 : onednn_smaller(step->block, pieces);
    int64_t most = onednn_smaller(TILE / step->rows, PART / (r->depth * element)) / COLUMNS;
    const int64_t units = (r->columns + COLUMNS - 1) / COLUMNS, threads = split == PARTITION_FREE ? call->threads : 1;
    if (most < 1) most = 1;
    /* As many parts as threads, or a multiple, so that they share evenly. */
    int64_t parts = (units + most - 1) / most;
    if (parts % threads) parts += threads - parts % threads;
    step->parts_count = parts < INT32_MAX ? (int)parts : INT32_MAX;
    if (!onednn_make_parts(step, units, COLUMNS, r->columns)) return false;
    for (int i = 0; i < step->parts_count; i++) {
        onednn_request *w = &step->work[step->parts[i].job].request;
        *w = *r;
        w->rows = step->rows;
        w->columns = step->parts[i].count;
    }
    return true;
}

typedef struct rooms {
    char *program, *rows, *weights, *pad;
    float *tile;
    size_t piece; /* bytes of a job's rows */
} rooms;

static size_t lay_out(const kernel_call *call, char *at, rooms *r) {
    const onednn_step *step = call->onednn_step;
    size_t tile = 0, pad = 0, weights = 0;
    r->piece = 0;
    for (int i = 0; i < 2 && step->work[i].job; i++) {
        const onednn_shape *s = &step->work[i].shape;
        r->piece = onednn_larger(r->piece, (s->in[0].bytes + 63) / 64 * 64);
        weights = onednn_larger(weights, s->in[1].bytes);
        tile = onednn_larger(tile, s->out.bytes);
        pad = onednn_larger(pad, s->pad);
    }
    onednn_scratch take = {at, 0};
    r->program = onednn_take(&take, call->epilogue ? ew_scratch(call->epilogue->program) : 0);
    r->rows = onednn_take(&take, r->piece * (size_t)step->block);
    r->weights = onednn_take(&take, step->kept ? 0 : weights);
    r->tile = onednn_take(&take, tile);
    r->pad = onednn_take(&take, pad);
    return take.used;
}

size_t onednn_matmul_scratch(const kernel_call *call) {
    rooms r;
    return lay_out(call, NULL, &r);
}

static void run_tile(const kernel_call *call, int thread, const rooms *r, const onednn_part *p, const void *rows,
                     const void *weights, int64_t row, int64_t count) {
    const onednn_step *step = call->onednn_step;
    const int64_t columns = call->out[0].shape.dims[1];
    onednn_seat *seat = call->onednn_run->seats[2 * thread + p->job];
    if (!rows || !weights || !step->module->execute(seat, rows, weights, r->tile, r->pad))
        onednn_fail(r->tile, count * p->count);
    if (call->epilogue) {
        epilogue_apply(call->epilogue, call->isa, r->tile, p->count, 0, row, p->first, count, p->count, r->program);
        return;
    }
    float *to = (float *)call->out[0].data + row * columns + p->first;
    for (int64_t i = 0; i < count; i++) memcpy(to + i * columns, r->tile + i * p->count, (size_t)p->count * sizeof *to);
}

/* Rows [row, end), at most a block of jobs, by the thread's parts of b. */
static void run_block(const kernel_call *call, int thread, const rooms *r, const share *s, int64_t row, int64_t end) {
    const onednn_step *step = call->onednn_step;
    const onednn_work *work = &step->work[0];
    const int64_t stride = step->whole.a_stride[0];
    const float *a = (const float *)call->in[0].data;
    bool ok = true;
    for (int64_t i = row, k = 0; i < end; i += step->rows, k++)
        if (!onednn_as_is(work, 0, onednn_smaller(step->rows, end - i), stride))
            ok &= step->module->convert(call->onednn_run->seats[2 * thread], 0, onednn_smaller(step->rows, end - i),
                                        a + i * stride, stride, r->rows + (size_t)k * r->piece);
    for (int p = s->part; p < s->part_end; p++) {
        const onednn_part *part = &step->parts[p];
        const void *weights = onednn_weights(call, thread, part, r->weights);
        for (int64_t i = row, k = 0; i < end; i += step->rows, k++) {
            const int64_t count = onednn_smaller(step->rows, end - i);
            const void *rows = r->rows + (size_t)k * r->piece;
            if (onednn_as_is(work, 0, count, stride)) rows = a + i * stride;
            run_tile(call, thread, r, part, ok ? rows : NULL, weights, i, count);
        }
    }
}

void onednn_matmul_run(const kernel_call *call, int thread) {
    const onednn_step *step = call->onednn_step;
    const share s = share_of(call, thread);
    const int64_t block = step->block * step->rows;
    rooms r;
    lay_out(call, call->scratch + (size_t)thread * call->scratch_stride, &r);
    int before = step->module->begin();
    for (int64_t row = s.row; row < s.row_end; row += block)
        run_block(call, thread, &r, &s, row, onednn_smaller(s.row_end, row + block));
    step->module->end(before);
}
