/* portable/epilogue.c: an element-wise program on a tile that a product or convolution has just computed. */
#include "backend/portable/portable.h"

void epilogue_apply(const epilogue *e, const isa *set, float *tile, int64_t stride, int64_t matrix, int64_t i,
                    int64_t j, int64_t rows, int64_t columns, char *scratch) {
    ew_operand operands[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
    int count = e->program->inputs + e->program->outputs;
    operands[0] = (ew_operand){tile, stride, 1, false};
    for (int k = 1; k < count; k++) {
        const struct epilogue_operand *o = &e->operand[k];
        operands[k] =
            (ew_operand){o->data + matrix * o->matrix + i * o->row + j * o->column, o->row, o->column, o->past};
    }
    set->program(e->program, operands, rows, columns, scratch);
}
