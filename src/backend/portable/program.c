/* portable/program.c: what is settled about an element-wise program before it runs: where each value lives, and whether
 * one of the compiled programs of isa/fused.h is equal to it.
 *
 * Values live in slots, blocks of EW_BLOCK floats. A slot is free again once the last instruction that reads its value
 * has run, and that very instruction may write into it; values that are outputs keep theirs to the end. */
#include "backend/portable/portable.h"

/* ---- The compiled programs ---- */

typedef struct recipe {
    const char *name;
    int inputs, outputs, length;
    struct recipe_instruction {
        const soma_op *op;
        int16_t value, source[3];
    } code[EW_MAX_CODE];
    int16_t output[EW_MAX_OUTPUTS];
} recipe;

#define OP1(value, op, a)       {&op_##op, value, {a, a, a}},
#define OP2(value, op, a, b)    {&op_##op, value, {a, b, a}},
#define OP3(value, op, a, b, c) {&op_##op, value, {a, b, c}},
#define OUT(output, value)      [output] = value,
#define RECIPE(name, inputs, outputs, still, down, across, code, results)                                              \
    {#name, inputs, outputs, COUNT_OF(((const struct recipe_instruction[]){code})), {code}, {results}},
static const recipe recipes[] = {
#include "backend/portable/isa/fused.h"
};
#undef RECIPE
#undef OUT
#undef OP3
#undef OP2
#undef OP1

static bool recipe_equals(const recipe *r, const ew_program *p) {
    if (r->inputs != p->inputs || r->length != p->length || r->outputs != p->outputs) return false;
    for (int k = 0; k < p->length; k++) {
        if (r->code[k].op != p->code[k].op) return false;
        for (int s = 0; s < p->code[k].op->inputs_max; s++)
            if (r->code[k].source[s] != p->code[k].source[s]) return false;
    }
    for (int o = 0; o < p->outputs; o++)
        if (r->output[o] != p->output[o]) return false;
    return true;
}

static int recipe_find(const ew_program *p) {
    for (size_t i = 0; i < COUNT_OF(recipes); i++)
        if (recipe_equals(&recipes[i], p)) return (int)i;
    return -1;
}

const char *ew_compiled_name(const ew_program *program) {
    return program->compiled < 0 ? NULL : recipes[program->compiled].name;
}

/* ---- Slots ---- */

static const soma_op *const functions[] = {
#define OP(name)
#define ELEMENTWISE_OP(name) &op_##name,
#include "ops/table.h"
#undef ELEMENTWISE_OP
#undef OP
};

/* The position among the element-wise ops, which is that of the function in every isa's table. */
static int16_t function_of(const soma_op *op) {
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (functions[i] == op) return (int16_t)i;
    return 0; /* a plan makes programs of element-wise ops only */
}

/* The last instruction that reads each value; `length` for outputs; -1 for what nobody reads. */
static void find_last_readers(const ew_program *p, int16_t last[EW_MAX_INPUTS + EW_MAX_CODE]) {
    for (int v = 0; v < p->inputs + p->length; v++) last[v] = -1;
    for (int k = 0; k < p->length; k++)
        for (int s = 0; s < p->code[k].op->inputs_max; s++) last[p->code[k].source[s]] = (int16_t)k;
    for (int o = 0; o < p->outputs; o++) last[p->output[o]] = (int16_t)p->length;
}

void ew_prepare(ew_program *p) {
    int16_t last[EW_MAX_INPUTS + EW_MAX_CODE] = {0};
    bool used[EW_MAX_CODE] = {false};
    find_last_readers(p, last);
    for (int v = 0; v < p->inputs; v++) p->last[v] = last[v];
    p->slots = 0;
    for (int k = 0; k < p->length; k++) {
        ew_instruction *i = &p->code[k];
        i->function = function_of(i->op);
        for (int s = 0; s < i->op->inputs_max; s++)
            if (i->source[s] >= p->inputs && last[i->source[s]] == k) used[p->slot[i->source[s] - p->inputs]] = false;
        int slot = 0;
        while (used[slot]) slot++;
        p->slot[k] = (int16_t)slot;
        used[slot] = last[p->inputs + k] > k;
        if (slot >= p->slots) p->slots = slot + 1;
    }
    p->compiled = recipe_find(p);
}

size_t ew_scratch(const ew_program *program) {
    return (size_t)(program->slots + program->inputs) * EW_BLOCK * sizeof(float);
}
