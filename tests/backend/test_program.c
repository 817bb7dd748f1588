/* Element-wise programs: every instruction set's interpreter against double, compiled programs against the interpreter
 * bit for bit, over shapes with every kind of operand, outputs in place, and nothing written outside. */
#include "backend/portable/portable.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX_OPERANDS = EW_MAX_INPUTS + EW_MAX_OUTPUTS };
static const float untouched = -12345.5f;

/* ---- Programs ---- */

static int16_t append(ew_program *p, const char *op, int a, int b, int c) {
    assert_non_null(op_find(op));
    p->code[p->length] =
        (ew_instruction){.op = op_find(op), .source = {(int16_t)a, (int16_t)b, (int16_t)c}, .parameter = {0.1f, 0.6f}};
    return (int16_t)(p->inputs + p->length++);
}

/* The program of a recipe, as a plan would write it. */
#define OP1(value, op, a)       assert_int_equal(append(p, #op, a, a, a), value);
#define OP2(value, op, a, b)    assert_int_equal(append(p, #op, a, b, a), value);
#define OP3(value, op, a, b, c) assert_int_equal(append(p, #op, a, b, c), value);
#define OUT(output_, value)     p->output[output_] = value;
#define RECIPE(name, inputs_, outputs_, still, down, across, code, results)                                            \
    static void write_##name(ew_program *p) {                                                                          \
        *p = (ew_program){.inputs = inputs_, .outputs = outputs_};                                                     \
        code results                                                                                                   \
    }
#include "backend/portable/isa/fused.h"
#undef RECIPE
static const struct {
    const char *name;
    void (*write)(ew_program *);
    int still, down, across;
} recipes[] = {
#define RECIPE(name, inputs, outputs, still, down, across, code, results) {#name, write_##name, still, down, across},
#include "backend/portable/isa/fused.h"
#undef RECIPE
};

/* A program of random ops, whose values stay finite. */
static void write_random(ew_program *p) {
    static const char *const one[] = {"relu", "tanh", "sigmoid", "neg", "abs", "leaky_relu", "clip", "floor", "sin"};
    static const char *const two[] = {"add", "sub", "mul", "max2", "min2", "greater", "less_equal"};
    *p = (ew_program){.inputs = 1 + rand() % 6, .outputs = 1 + rand() % 4};
    int length = 1 + rand() % 20;
    for (int k = 0; k < length; k++) {
        int known = p->inputs + k, a = rand() % known, b = rand() % known, c = rand() % known;
        if (rand() % 8 == 0)
            append(p, "select", a, b, c);
        else if (rand() % 2)
            append(p, one[(size_t)rand() % COUNT_OF(one)], a, a, a);
        else
            append(p, two[(size_t)rand() % COUNT_OF(two)], a, b, a);
    }
    for (int o = 0; o < p->outputs; o++) p->output[o] = (int16_t)(rand() % (p->inputs + p->length));
}

/* ---- Operands ---- */

typedef struct operand_memory {
    float *data;
    size_t count;
} operand_memory;

enum { KINDS = 6, BORDER = 16 /* floats on either side, a multiple of a vector */ };
/* Strides of an operand of rows x columns: dense, with a gap, a row, a column, a strided column, one number. */
static ew_operand operand_of_kind(int kind, int64_t columns) {
    const int64_t strides[KINDS][2] = {{columns, 1}, {columns + 3, 1}, {0, 1}, {1, 0}, {5, 0}, {0, 0}};
    return (ew_operand){NULL, strides[kind][0], strides[kind][1], false};
}

static operand_memory make_memory(ew_operand *o, int64_t rows, int64_t columns, bool output) {
    operand_memory m = {NULL, (size_t)((rows - 1) * o->row + (columns - 1) * o->column + 1)};
    m.data = aligned_alloc(64, (m.count + 2 * BORDER + 15) / 16 * 16 * sizeof(float));
    assert_non_null(m.data);
    for (size_t i = 0; i < m.count + 2 * BORDER; i++) {
        m.data[i] = untouched;
        if (!output && i >= BORDER && i < m.count + BORDER) m.data[i] = (float)(rand() % 4001 - 2000) / 500;
    }
    o->data = m.data + BORDER;
    return m;
}

static double element(const ew_operand *o, int64_t i, int64_t j) { return (double)o->data[i * o->row + j * o->column]; }

/* ---- The reference: each element by the ops' own formulas; every value is rounded to float, as in the program ---- */

static void evaluate(const ew_program *p, const ew_operand *operands, int64_t i, int64_t j, double *values) {
    for (int k = 0; k < p->inputs; k++) values[k] = element(&operands[k], i, j);
    for (int k = 0; k < p->length; k++) {
        const ew_instruction *c = &p->code[k];
        const double x[3] = {values[c->source[0]], values[c->source[1]], values[c->source[2]]};
        const double parameters[2] = {(double)c->parameter[0], (double)c->parameter[1]};
        values[p->inputs + k] = (double)(float)c->op->scalar(x, parameters);
    }
}

static bool is_near(float got, double want) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    return (isinf(want) && (double)got == want) || fabs((double)got - want) <= 1e-5 * (1 + fabs(want));
}

/* Steps are no small errors: where a program has one, a value beside it may go either way; nor are divisors near zero.
 */
static bool has_step(const ew_program *p) {
    static const char *const steps[] = {"greater", "less_equal", "floor", "select", "divide_root"};
    for (int k = 0; k < p->length; k++)
        for (size_t s = 0; s < COUNT_OF(steps); s++)
            if (!strcmp(p->code[k].op->name, steps[s])) return true;
    return false;
}

/* ---- Checks ---- */

static void check_program(const isa *set, ew_program *p, int64_t rows, int64_t columns, bool in_place) {
    ew_operand operands[MAX_OPERANDS];
    operand_memory memory[MAX_OPERANDS] = {{NULL, 0}};
    bool own[MAX_OPERANDS] = {false};
    int count = p->inputs + p->outputs;
    ew_prepare(p);
    for (int k = 0; k < count; k++) {
        operands[k] = operand_of_kind(k < p->inputs ? rand() % KINDS : rand() % 2, columns);
        if (k >= p->inputs && in_place && k - p->inputs < p->inputs) { /* output o is input o where that is dense */
            const ew_operand *input = &operands[k - p->inputs];
            if (input->column && input->row >= columns) {
                operands[k] = *input;
                continue;
            }
        }
        memory[k] = make_memory(&operands[k], rows, columns, k >= p->inputs);
        own[k] = true;
    }
    size_t elements = (size_t)(rows * columns);
    double values[EW_MAX_INPUTS + EW_MAX_CODE], *want = malloc((size_t)p->outputs * elements * sizeof *want);
    assert_non_null(want);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            evaluate(p, operands, i, j, values);
            for (int o = 0; o < p->outputs; o++)
                want[(size_t)o * elements + (size_t)(i * columns + j)] = values[p->output[o]];
        }
    char *scratch = aligned_alloc(64, ew_scratch(p) + 64);
    assert_non_null(scratch);
    memset(scratch + ew_scratch(p), 77, 64);
    set->program(p, operands, rows, columns, scratch);
    for (int i = 0; i < 64; i++) assert_int_equal(scratch[ew_scratch(p) + (size_t)i], 77);
    size_t wrong = 0;
    for (int o = 0; o < p->outputs; o++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++) {
                const ew_operand *operand = &operands[p->inputs + o];
                double expected = want[(size_t)o * elements + (size_t)(i * columns + j)];
                if (!is_near((float)element(operand, i, j), expected)) wrong++;
            }
    if (wrong > (has_step(p) ? elements * (size_t)p->outputs / 50 + 1 : 0))
        fail_msg("%s: %zu of %zu elements differ (%d instructions, %lld x %lld)", set->name, wrong,
                 elements * (size_t)p->outputs, p->length, (long long)rows, (long long)columns);
    for (int k = 0; k < count; k++) { /* borders, and the gaps between the rows of outputs */
        if (!own[k]) continue;
        for (size_t i = 0; i < 8; i++) {
            assert_true(memory[k].data[i] == untouched);
            assert_true(memory[k].data[memory[k].count + BORDER + i] == untouched);
        }
        if (k >= p->inputs)
            for (int64_t i = 0; i + 1 < rows; i++)
                for (int64_t j = columns; j < operands[k].row; j++)
                    assert_true(operands[k].data[i * operands[k].row + j] == untouched);
        free(memory[k].data);
    }
    free(want);
    free(scratch);
}

static const int64_t shapes[][2] = {{1, 1},   {1, 7},    {1, 1000}, {6, 64},  {5, 10}, {300, 3}, {70, 1},  {2, 513},
                                    {3, 129}, {33, 128}, {64, 30},  {7, 500}, {9, 19}, {9, 515}, {1, 2048}};

static void programs_compute_what_their_ops_say(void **unused) {
    (void)unused;
    srand(1);
    ew_program p;
    for (const isa *const *set = isa_all(); *set; set++)
        for (size_t s = 0; s < COUNT_OF(shapes); s++)
            for (int repeat = 0; repeat < 12; repeat++) {
                write_random(&p);
                check_program(*set, &p, shapes[s][0], shapes[s][1], false);
            }
}

static void outputs_may_take_the_place_of_inputs(void **unused) {
    (void)unused;
    srand(2);
    ew_program p;
    for (const isa *const *set = isa_all(); *set; set++)
        for (size_t s = 0; s < COUNT_OF(shapes); s++)
            for (int repeat = 0; repeat < 12; repeat++) {
                write_random(&p);
                check_program(*set, &p, shapes[s][0], shapes[s][1], true);
            }
}

/* Runs a program with and without its compiled form on copies of the same operands, of random kinds or, with a recipe
 * given, of the kinds for which it has loops of its own. */
static void compare_forms(const isa *set, ew_program *p, int64_t rows, int64_t columns, int recipe) {
    ew_operand operands[2][MAX_OPERANDS];
    operand_memory memory[2][MAX_OPERANDS];
    int count = p->inputs + p->outputs, compiled = p->compiled;
    char *scratch = aligned_alloc(64, ew_scratch(p));
    assert_non_null(scratch);
    for (int k = 0; k < count; k++) {
        int kind = k < p->inputs ? rand() % KINDS : rand() % 2;
        if (recipe >= 0) {
            kind = 0;
            if (k < p->inputs && recipes[recipe].still >> k & 1) kind = 5;
            if (k < p->inputs && recipes[recipe].down >> k & 1) kind = 3;
            if (k < p->inputs && recipes[recipe].across & ~recipes[recipe].down & 1 << k) kind = 2;
        }
        operands[0][k] = operand_of_kind(kind, columns);
        memory[0][k] = make_memory(&operands[0][k], rows, columns, k >= p->inputs);
        operands[1][k] = operands[0][k];
        operands[1][k].past = rand() % 2; /* for the interpreter it says nothing */
        memory[1][k] = make_memory(&operands[1][k], rows, columns, k >= p->inputs);
        memcpy(memory[1][k].data, memory[0][k].data, (memory[0][k].count + 2 * BORDER) * sizeof(float));
    }
    for (int form = 0; form < 2; form++) {
        p->compiled = form ? compiled : -1;
        set->program(p, operands[form], rows, columns, scratch);
    }
    p->compiled = compiled;
    for (int k = 0; k < count; k++) {
        for (size_t i = 0; i < memory[0][k].count + 2 * BORDER; i++) {
            float a = memory[0][k].data[i], b = memory[1][k].data[i];
            if (memcmp(&a, &b, sizeof a) != 0 && !(isnan(a) && isnan(b)))
                fail_msg("%s %s: %.9g interpreted, %.9g compiled", set->name, ew_compiled_name(p), (double)a,
                         (double)b);
        }
        free(memory[0][k].data);
        free(memory[1][k].data);
    }
    free(scratch);
}

static void compiled_programs_give_the_interpreters_bits(void **unused) {
    (void)unused;
    srand(3);
    ew_program p;
    for (const isa *const *set = isa_all(); *set; set++)
        for (size_t r = 0; r < COUNT_OF(recipes); r++)
            for (size_t s = 0; s < COUNT_OF(shapes); s++) {
                recipes[r].write(&p);
                ew_prepare(&p);
                assert_string_equal(ew_compiled_name(&p), recipes[r].name);
                for (int repeat = 0; repeat < 4; repeat++)
                    compare_forms(*set, &p, shapes[s][0], shapes[s][1], repeat ? -1 : (int)r);
                check_program(*set, &p, shapes[s][0], shapes[s][1], false);
            }
}

static void a_program_that_differs_in_a_source_is_not_taken_for_a_recipe(void **unused) {
    (void)unused;
    ew_program p;
    for (size_t r = 0; r < COUNT_OF(recipes); r++) {
        recipes[r].write(&p);
        ew_instruction *last = &p.code[p.length - 1];
        last->source[0] = last->source[0] ? 0 : 1;
        ew_prepare(&p);
        const char *name = ew_compiled_name(&p);
        assert_true(!name || strcmp(name, recipes[r].name) != 0);
    }
}

/* A later output in the memory of an input that an earlier one copies. */
static void inputs_can_change_places(void **unused) {
    (void)unused;
    char *scratch = aligned_alloc(64, 4 * EW_BLOCK * sizeof(float));
    assert_non_null(scratch);
    for (const isa *const *set = isa_all(); *set; set++) {
        float a[1100], b[1100];
        for (int i = 0; i < 1100; i++) a[i] = (float)i, b[i] = (float)-i;
        ew_program p = {.inputs = 2, .outputs = 2, .output = {1, 0}};
        ew_prepare(&p);
        assert_true(ew_scratch(&p) <= 4 * EW_BLOCK * sizeof(float));
        const ew_operand operands[4] = {{a, 110, 1, false}, {b, 110, 1, false}, {a, 110, 1, false}, {b, 110, 1, true}};
        (*set)->program(&p, operands, 10, 110, scratch);
        for (int i = 0; i < 1100; i++) assert_true(a[i] == (float)-i && b[i] == (float)i);
    }
    free(scratch);
}

static void epilogues_see_their_part_of_every_operand(void **unused) {
    (void)unused;
    enum { MATRICES = 3, ROWS = 8, COLUMNS = 40 };
    static float out[MATRICES][ROWS][COLUMNS], tile[2 * 20];
    float channel[ROWS], column[COLUMNS], all[MATRICES * ROWS * COLUMNS];
    for (int i = 0; i < ROWS; i++) channel[i] = (float)i;
    for (int j = 0; j < COLUMNS; j++) column[j] = (float)j * 0.5f;
    for (int i = 0; i < MATRICES * ROWS * COLUMNS; i++) all[i] = (float)i * 0.25f;
    ew_program p = {.inputs = 4, .outputs = 1};
    append(&p, "add", 0, 1, 0);
    append(&p, "add", 4, 2, 4);
    p.output[0] = append(&p, "add", 5, 3, 5);
    ew_prepare(&p);
    char *scratch = aligned_alloc(64, ew_scratch(&p));
    assert_non_null(scratch);
    const epilogue e = {&p,
                        {{NULL, 0, 0, 0, false},
                         {channel, 0, 1, 0, false},
                         {column, 0, 0, 1, false},
                         {all, ROWS * COLUMNS, COLUMNS, 1, false},
                         {&out[0][0][0], ROWS * COLUMNS, COLUMNS, 1, true}}};
    for (const isa *const *set = isa_all(); *set; set++) {
        memset(out, 0, sizeof out);
        for (int i = 0; i < 2 * 20; i++) tile[i] = (float)(1000 * (i / 20) + i % 20);
        epilogue_apply(&e, *set, tile, 20, 1, 4, 16, 2, 17, scratch);
        for (int m = 0; m < MATRICES; m++)
            for (int i = 0; i < ROWS; i++)
                for (int j = 0; j < COLUMNS; j++) {
                    bool inside = m == 1 && i >= 4 && i < 6 && j >= 16 && j < 33;
                    float want =
                        (float)(1000 * (i - 4) + j - 16) + channel[i] + column[j] + all[(m * ROWS + i) * COLUMNS + j];
                    assert_true(out[m][i][j] == (inside ? want : 0));
                }
    }
    free(scratch);
}

static void the_environment_chooses_the_instruction_set(void **unused) {
    (void)unused;
    const isa *widest = NULL;
    for (const isa *const *set = isa_all(); *set; set++) {
        setenv("SOMA_ISA", (*set)->name, 1);
        assert_ptr_equal(isa_best(), *set);
        assert_true(!widest || widest->width < (*set)->width);
        widest = *set;
    }
    setenv("SOMA_ISA", "abacus", 1);
    assert_ptr_equal(isa_best(), widest);
    unsetenv("SOMA_ISA");
    assert_ptr_equal(isa_best(), widest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_compute_what_their_ops_say),
        cmocka_unit_test(outputs_may_take_the_place_of_inputs),
        cmocka_unit_test(compiled_programs_give_the_interpreters_bits),
        cmocka_unit_test(a_program_that_differs_in_a_source_is_not_taken_for_a_recipe),
        cmocka_unit_test(inputs_can_change_places),
        cmocka_unit_test(epilogues_see_their_part_of_every_operand),
        cmocka_unit_test(the_environment_chooses_the_instruction_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
