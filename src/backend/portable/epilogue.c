/* portable/epilogue.c: an element-wise program on a tile that a product or convolution has just computed. */
#include "backend/portable/portable.h"

#include <math.h>

/* The compiled programs. */
enum {
#define RECIPE(name, inputs, outputs, still, down, across, code, results) FUSED_##name,
#include "backend/portable/isa/fused.h"
#undef RECIPE
};

bool epilogue_affine(const epilogue *e, int64_t matrix, int64_t i, int64_t j, affine *to) {
    static const float one = 1;
    bool scaled = true, adds = false;
    *to = (affine){.scale = &one, .low = -INFINITY, .high = INFINITY};
    switch (e->program->compiled) {
    case FUSED_bias:
        scaled = false;
        break;
    case FUSED_bias_relu:
        scaled = false, to->low = 0;
        break;
    case FUSED_scale_shift:
        break;
    case FUSED_scale_shift_relu:
        to->low = 0;
        break;
    case FUSED_scale_shift_relu6:
        to->low = 0, to->high = 6;
        break;
    case FUSED_scale_shift_add:
        adds = true;
        break;
    case FUSED_scale_shift_add_relu:
        adds = true, to->low = 0;
        break;
    default:
        return false;
    }
    const struct epilogue_operand *o = e->operand + 1;
    if (scaled) {
        if (o->column) return false;
        to->scale = o->data + matrix * o->matrix + i * o->row;
        to->scale_row = o->row;
        o++;
    }
    if (o->column) return false;
    to->shift = o->data + matrix * o->matrix + i * o->row;
    to->shift_row = o->row;
    o++;
    if (adds) {
        if (!o->column) return false;
        to->other = o->data + matrix * o->matrix + i * o->row + j;
        to->other_row = o->row;
        o++;
    }
    to->out = o->data + matrix * o->matrix + i * o->row + j;
    to->out_row = o->row;
    return o->column && !o->past;
}

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
