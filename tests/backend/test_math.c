/* Accuracy of the elementary functions on every instruction set of this processor, through the ops that stand for them:
 * edges, random bit patterns (all exponents and signs) and dense samples of the range where the function moves, against
 * the C library in double. A unit is the spacing of floats at the true value, that of subnormals below 2^-126. */
#include "backend/portable/portable.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { COUNT = 1 << 12, ROUNDS = 32 };

static const float edges[] = {
    0,       -0.0f,   1,        -1,         INFINITY,    -INFINITY,   NAN,          FLT_TRUE_MIN, -FLT_TRUE_MIN,
    1e-38f,  FLT_MIN, -FLT_MIN, FLT_MAX,    -FLT_MAX,    FLT_EPSILON, -FLT_EPSILON, 0.5f,         -0.5f,
    2,       3,       -2,       -3,         88.7228f,    88.7229f,    -87.4f,       -103.9f,      -103.98f,
    89.415f, 89.416f, 1e10f,    8388609.0f, 16777216.0f, 0.99999994f, 1.0000001f,   -0.99999994f};

static double units(float got, double want) {
    float rounded = (float)want;
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : HUGE_VAL;
    if (isinf(rounded) || isinf(got)) {
        /* Either side of the largest float: the step to infinity counts as one. */
        double limit = ldexp(1, 128), error = fabs((isinf(got) ? copysign(limit, (double)got) : (double)got) -
                                                   (isinf(want) || fabs(want) > limit ? copysign(limit, want) : want));
        return error / ldexp(1, 104);
    }
    if (rounded == 0 && got == 0) return !signbit(want) == !signbit(got) ? 0 : HUGE_VAL;
    int exponent;
    frexp(want, &exponent);
    return fabs((double)got - want) / ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

/* ---- Inputs ---- */

static uint64_t state = 88172645463325252u; /* xorshift64 */
static uint32_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}
static float random_pattern(void) {
    uint32_t bits = random_bits();
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
static float random_between(double low, double high) {
    return (float)(low + (high - low) * (double)random_bits() / 4294967296.0);
}

/* ---- One op alone on arrays ---- */

static void run_op(const isa *set, const soma_op *op, float *out, float *x, float *y, int64_t n) {
    static _Alignas(64) char scratch[4 * EW_BLOCK * sizeof(float)];
    ew_program p = {.inputs = op->inputs_max, .length = 1, .outputs = 1};
    p.code[0] = (ew_instruction){.op = op, .source = {0, (int16_t)(op->inputs_max - 1), 0}};
    p.output[0] = (int16_t)p.inputs;
    ew_prepare(&p);
    assert_true(ew_scratch(&p) <= sizeof scratch);
    ew_operand operands[3] = {{x, n, 1, false}, {y, n, 1, false}, {out, n, 1, false}};
    if (p.inputs == 1) operands[1] = operands[2];
    set->program(&p, operands, 1, n, scratch);
}

static void fill(float *x, float *y, int round, double low, double high) {
    int edge_count = (int)COUNT_OF(edges);
    for (int i = 0; i < COUNT; i++) {
        x[i] = i % 3 == 0 ? random_pattern() : random_between(low, high);
        if (i % 3 == 1) x[i] *= random_between(0, 1);
        y[i] = i % 5 == 0 ? random_pattern() : random_between(-40, 40);
        if (round == 0 && i < edge_count * edge_count) {
            x[i] = edges[i / edge_count];
            y[i] = edges[i % edge_count];
        }
    }
}

static double reference_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double reference_rsqrt(double x) { return 1 / sqrt(x); }

/* The bounds that docs/numerics.md states; `low` and `high` bound the dense samples. */
static const struct {
    const char *op;
    double (*one)(double);
    double (*two)(double, double);
    double low, high, bound;
} functions[] = {
    {"exp", exp, NULL, -110, 95, 1.1},    {"expm1", expm1, NULL, -20, 95, 1.6},
    {"log", log, NULL, 0, 4, 1.1},        {"log1p", log1p, NULL, -1, 4, 1.6},
    {"tanh", tanh, NULL, -12, 12, 3},     {"sigmoid", reference_sigmoid, NULL, -110, 110, 3},
    {"erf", erf, NULL, -5, 5, 1.5},       {"sin", sin, NULL, -10000, 10000, 3},
    {"cos", cos, NULL, -10000, 10000, 3}, {"sinh", sinh, NULL, -95, 95, 3},
    {"cosh", cosh, NULL, -95, 95, 3},     {"rsqrt", reference_rsqrt, NULL, 0, 100, 1.5},
    {"sqrt", sqrt, NULL, 0, 100, 0.5},    {"pow", NULL, pow, 0, 10, 0.51},
};

static void functions_stay_within_their_documented_error(void **unused) {
    (void)unused;
    static float x[COUNT], y[COUNT], out[COUNT];
    for (const isa *const *set = isa_all(); *set; set++) {
        for (size_t f = 0; f < COUNT_OF(functions); f++) {
            double worst = 0;
            float at[3] = {0, 0, 0};
            for (int round = 0; round < ROUNDS; round++) {
                fill(x, y, round, functions[f].low, functions[f].high);
                run_op(*set, op_find(functions[f].op), out, x, y, COUNT);
                for (int i = 0; i < COUNT; i++) {
                    double want = functions[f].one ? functions[f].one((double)x[i])
                                                   : functions[f].two((double)x[i], (double)y[i]);
                    double error = units(out[i], want);
                    if (error <= worst) continue;
                    worst = error;
                    at[0] = x[i], at[1] = y[i], at[2] = out[i];
                }
            }
            print_message("%-8s %-8s %.3f units (x %.9g, y %.9g: %.9g)\n", (*set)->name, functions[f].op, worst,
                          (double)at[0], (double)at[1], (double)at[2]);
            assert_true(worst <= functions[f].bound);
        }
    }
}

static void division_is_exact(void **unused) {
    (void)unused;
    static float x[COUNT], y[COUNT], out[COUNT];
    for (const isa *const *set = isa_all(); *set; set++) {
        for (int round = 0; round < ROUNDS; round++) {
            fill(x, y, round, -10, 10);
            run_op(*set, op_find("div"), out, x, y, COUNT);
            for (int i = 0; i < COUNT; i++) {
                float want = x[i] / y[i];
                if (isnan(want))
                    assert_true(isnan(out[i]));
                else
                    assert_memory_equal(&want, &out[i], sizeof want);
            }
        }
    }
}

static void rounding_goes_to_whole_numbers_and_keeps_signs(void **unused) {
    (void)unused;
    static float x[COUNT], out[COUNT];
    const struct {
        const char *op;
        float (*reference)(float);
    } roundings[] = {{"floor", floorf}, {"ceil", ceilf}, {"round", rintf}};
    for (const isa *const *set = isa_all(); *set; set++)
        for (size_t f = 0; f < COUNT_OF(roundings); f++)
            for (int round = 0; round < 4; round++) {
                fill(x, out, round, -20, 20);
                for (int i = 1600; i < 1800; i++) x[i] = (float)(i - 1700) / 2;
                run_op(*set, op_find(roundings[f].op), out, x, x, COUNT);
                for (int i = 0; i < COUNT; i++) {
                    float want = roundings[f].reference(x[i]);
                    if (isnan(want))
                        assert_true(isnan(out[i]));
                    else
                        assert_memory_equal(&want, &out[i], sizeof want);
                }
            }
}

static void nan_passes_through_every_op_of_one_input(void **unused) {
    (void)unused;
    float x[19], out[19];
    for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = NAN;
    for (const isa *const *set = isa_all(); *set; set++)
        for (const soma_op *const *op = op_table; *op; op++) {
            if (!((*op)->flags & OP_ELEMENTWISE) || (*op)->inputs_max != 1 || !strcmp((*op)->name, "is_nan")) continue;
            run_op(*set, *op, out, x, x, (int64_t)COUNT_OF(x));
            for (size_t i = 0; i < COUNT_OF(x); i++)
                if (!isnan(out[i])) fail_msg("%s: %s of NaN is %g", (*set)->name, (*op)->name, (double)out[i]);
        }
}

/* Every element-wise op, the two-input ones too, against its own formula in double. */
static void every_op_follows_its_formula_in_double(void **unused) {
    (void)unused;
    static float x[COUNT], y[COUNT], out[COUNT];
    for (const isa *const *set = isa_all(); *set; set++)
        for (const soma_op *const *op = op_table; *op; op++) {
            if (!((*op)->flags & OP_ELEMENTWISE) || (*op)->inputs_max > 2) continue;
            for (int i = 0; i < COUNT; i++) {
                x[i] = i % 7 == 0 ? (float)(i % 5) : random_between(-4, 4);
                y[i] = i % 7 == 0 ? (float)(i % 3) : random_between(-4, 4);
            }
            run_op(*set, *op, out, x, y, COUNT);
            for (int i = 0; i < COUNT; i++) {
                const double in[3] = {(double)x[i], (double)y[i], 0}, parameters[2] = {0, 0};
                double want = (*op)->scalar(in, parameters);
                if (isnan(want) ? !isnan(out[i])
                                : !(fabs((double)out[i] - want) <= 2e-6 * (1 + fabs(want))) &&
                                      !(isinf(want) && (double)out[i] == want))
                    fail_msg("%s: %s(%.9g, %.9g) is %.9g, expected %.9g", (*set)->name, (*op)->name, in[0], in[1],
                             (double)out[i], want);
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_stay_within_their_documented_error),
        cmocka_unit_test(division_is_exact),
        cmocka_unit_test(rounding_goes_to_whole_numbers_and_keeps_signs),
        cmocka_unit_test(nan_passes_through_every_op_of_one_input),
        cmocka_unit_test(every_op_follows_its_formula_in_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
