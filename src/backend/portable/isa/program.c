/* isa/program.c: the interpreter of element-wise programs.
 *
 * The elements are worked off in blocks of at most EW_BLOCK, small enough that everything a block touches stays in the
 * first-level cache; each instruction runs over a whole block, so that what an instruction costs besides its arithmetic
 * is shared by many elements. When rows are short a block is several rows. An instruction reads an operand where it
 * lies if the block is contiguous there, else from a block of scratch: filled once a call for what is the same in every
 * block (a scalar, a bias that repeats row after row), or gathered for each block. Outputs are written where they
 * belong by the instruction that makes them if that is contiguous, else copied there when the block is done. */
#include "backend/portable/isa/program.h"

enum { SHORT_ROW = EW_BLOCK / 4 }; /* up to here a block is several rows */

typedef enum placement {
    IN_PLACE, /* read or written where the operand lies */
    FIXED,    /* in scratch, the same for every block */
    MOVED     /* in scratch: gathered before each block, or copied out after it */
} placement;

typedef struct block_run {
    const ew_program *program;
    const ew_operand *operands;
    int64_t total_rows;
    placement place[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
    float *at[EW_MAX_INPUTS + EW_MAX_CODE]; /* where the block of each value is */
} block_run;

static void copy_row(float *to, const float *from, size_t n) {
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(to + i, v_load(from + i));
    if (i < n) v_store_partial(to + i, v_load_partial(from + i, n - i), n - i);
}

static void fill_row(float *to, float value, size_t n) {
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(to + i, v_set1(value));
    if (i < n) v_store_partial(to + i, v_set1(value), n - i);
}

/* The part [rows, columns] of an operand at (i, j) into a contiguous block. */
static void gather(float *to, const ew_operand *o, int64_t i, int64_t j, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; r++, to += columns) {
        const float *from = o->data + (i + r) * o->row + j * o->column;
        if (o->column)
            copy_row(to, from, (size_t)columns);
        else
            fill_row(to, *from, (size_t)columns);
    }
}

static void copy_out(const ew_operand *o, const float *from, int64_t i, int64_t j, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; r++, from += columns) copy_row(o->data + (i + r) * o->row + j, from, (size_t)columns);
}

/* Whether an output that lies in the same memory is written before the last instruction that reads the input. */
static bool overwritten(const ew_program *p, const ew_operand *operands, int input) {
    for (int o = 0; o < p->outputs; o++) {
        if (operands[p->inputs + o].data != operands[input].data) continue;
        if (p->last[input] == p->length || p->output[o] - p->inputs < p->last[input]) return true;
    }
    return false;
}

/* Decides where each operand's block is; `rows` of a block are more than one only if they hold whole rows. */
static void place_operands(block_run *b, int64_t rows, int64_t columns, float *scratch) {
    const ew_program *p = b->program;
    float *spare = scratch + p->slots * EW_BLOCK;
    for (int k = 0; k < p->inputs; k++) {
        const ew_operand *o = &b->operands[k];
        bool safe = !overwritten(p, b->operands, k);
        bool contiguous = o->column && (rows == 1 || o->row == columns);
        bool repeats = (!o->row || b->total_rows == 1) && (!o->column || rows > 1);
        b->place[k] = p->last[k] < 0 || (contiguous && safe) ? IN_PLACE : MOVED;
        if (b->place[k] == IN_PLACE) continue;
        b->at[k] = spare;
        spare += EW_BLOCK;
        if (!repeats || !safe) continue;
        b->place[k] = FIXED;
        gather(b->at[k], o, 0, 0, rows, columns);
    }
    for (int k = 0; k < p->length; k++) b->at[p->inputs + k] = scratch + p->slot[k] * EW_BLOCK;
    for (int o = 0; o < p->outputs; o++) {
        const ew_operand *operand = &b->operands[p->inputs + o];
        b->place[p->inputs + o] =
            (rows == 1 || operand->row == columns) && p->output[o] >= p->inputs ? IN_PLACE : MOVED;
        for (int other = 0; other < o; other++) /* a value has one place; further outputs are copies */
            if (p->output[other] == p->output[o]) b->place[p->inputs + o] = MOVED;
    }
}

static void run_block(block_run *b, int64_t i, int64_t j, int64_t rows, int64_t columns) {
    const ew_program *p = b->program;
    const ew_operand *outputs = b->operands + p->inputs;
    for (int k = 0; k < p->inputs; k++) {
        const ew_operand *o = &b->operands[k];
        if (b->place[k] == IN_PLACE)
            b->at[k] = o->data + i * o->row + j;
        else if (b->place[k] == MOVED)
            gather(b->at[k], o, i, j, rows, columns);
    }
    for (int o = 0; o < p->outputs; o++)
        if (b->place[p->inputs + o] == IN_PLACE) b->at[p->output[o]] = outputs[o].data + i * outputs[o].row + j;
    for (int k = 0; k < p->length; k++) {
        const ew_instruction *c = &p->code[k];
        KERNEL(ew_functions)
        [c->function](b->at[p->inputs + k], b->at[c->source[0]], b->at[c->source[1]], b->at[c->source[2]], c->parameter,
                      (size_t)(rows * columns));
    }
    for (int o = 0; o < p->outputs; o++)
        if (b->place[p->inputs + o] == MOVED) copy_out(&outputs[o], b->at[p->output[o]], i, j, rows, columns);
}

static void interpret(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns,
                      char *scratch) {
    block_run b;
    b.program = program;
    b.operands = operands;
    b.total_rows = rows;
    int64_t block_columns = columns < EW_BLOCK ? columns : EW_BLOCK;
    int64_t block_rows = columns <= SHORT_ROW ? EW_BLOCK / columns : 1;
    if (block_rows > rows) block_rows = rows;
    place_operands(&b, block_rows, block_columns, (float *)(void *)scratch);
    for (int64_t i = 0; i < rows; i += block_rows)
        for (int64_t j = 0; j < columns; j += block_columns)
            run_block(&b, i, j, rows - i < block_rows ? rows - i : block_rows,
                      columns - j < block_columns ? columns - j : block_columns);
}

/* Whether rows follow each other in every operand, so that they can be seen as one. */
static bool is_one_row(const ew_operand *operands, int count, int64_t columns) {
    for (int k = 0; k < count; k++)
        if (operands[k].row != operands[k].column * columns) return false;
    return true;
}

void KERNEL(ew_run)(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns,
                    char *scratch) {
    ew_operand turned[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
    int count = program->inputs + program->outputs;
    if (rows <= 0 || columns <= 0) return;
    if (columns == 1 && rows > 1) { /* a single column is a row if its elements follow each other */
        bool turn = true;
        for (int k = 0; k < count; k++) {
            turned[k] = (ew_operand){operands[k].data, 0, operands[k].row, operands[k].past};
            turn = turn && (operands[k].row == 0 || operands[k].row == 1);
        }
        if (turn) {
            operands = turned;
            columns = rows;
            rows = 1;
        }
    }
    if (rows > 1 && is_one_row(operands, count, columns)) {
        columns *= rows;
        rows = 1;
    }
#if !KERNEL_COMPACT
    if (program->compiled >= 0) {
        KERNEL(ew_fused)[program->compiled](program, operands, rows, columns);
        return;
    }
#endif
    interpret(program, operands, rows, columns, scratch);
}
