/* tests/ops/test_elementwise.c: the element-wise ops by value. Each op is written three times: as a formula in double,
 * as a formula in simd.h's words, and, some of them, as a decomposition; all must agree, on every instruction set that
 * this processor has, over ordinary and over special values. The ops come from the table: a new one is tested unasked.
 */
#include "backend/portable/portable.h"
#include "base/random.h"
#include "support/gradient_check.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COUNT = 1536 };

/* Special values first, then random ones of many sizes. */
static void fill(float *x, random_stream *r) {
    static const float special[] = {0,     -0.0f,  1,       -1,    0.5f,   -0.5f, 1.5f,     2.5f,
                                    -2.5f, 3,      -3,      20,    -20,    88,    -88,      100,
                                    -100,  1e-30f, -1e-30f, 1e30f, -1e30f, NAN,   INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT; i++) {
        double size = exp(8 * random_uniform(r) - 6);
        x[i] = (float)(random_below(r, 2) ? size : -size);
        if (random_below(r, 4) == 0) x[i] = special[random_below(r, COUNT_OF(special))];
    }
    for (size_t i = 0; i < COUNT_OF(special); i++) x[i] = special[i];
}

static void parameters_of(const soma_op *op, double p[2]) {
    p[0] = op->defaults[0], p[1] = op->defaults[1];
    if (op == &op_clip) p[0] = -0.75, p[1] = 1.25;
}

/* Near in float: errors relative to the value, NaN only where NaN is due, overflow only where the value overflows. A
 * sine of a large number has no digits left to compare. */
static bool agrees(const soma_op *op, const double *x, double want, float got) {
    if ((op == &op_sin || op == &op_cos) && !(fabs(x[0]) < 1e4)) return true;
    if (isnan(want)) return isnan(got);
    if (fabs(want) > 0.99 * (double)FLT_MAX) return fabsf(got) > 0.98f * FLT_MAX && (got > 0) == (want > 0);
    double error = fabs((double)got - want), absolute = op == &op_gelu ? 1e-6 : 1e-35;
    return error <= 2e-5 * fabs(want) + absolute;
}

static void formulas_of_all_instruction_sets_agree_with_the_double_ones(void **state) {
    (void)state;
    static float x[3][COUNT], y[COUNT];
    random_stream r = random_open(1, 2);
    for (int k = 0; k < 3; k++) fill(x[k], &r);
    for (size_t i = COUNT - 1; i > 0; i--) { /* the special values of the second and third input fall anywhere */
        for (int k = 1; k < 3; k++) {
            size_t j = (size_t)random_below(&r, i + 1);
            float kept = x[k][i];
            x[k][i] = x[k][j], x[k][j] = kept;
        }
    }
    for (const isa *const *set = isa_all(); *set; set++)
        for (const soma_op *const *op = op_table; *op; op++) {
            if (!((*op)->flags & OP_ELEMENTWISE)) continue;
            double p[2], at[3];
            parameters_of(*op, p);
            ew_program program = {.inputs = (*op)->inputs_min, .length = 1, .outputs = 1};
            program.code[0] = (ew_instruction){.op = *op, .parameter = {(float)p[0], (float)p[1]}};
            for (int k = 0; k < (*op)->inputs_min; k++) program.code[0].source[k] = (int16_t)k;
            program.output[0] = (int16_t)program.inputs;
            ew_prepare(&program);
            char *scratch = aligned_alloc(64, (ew_scratch(&program) + 64) / 64 * 64);
            assert_non_null(scratch);
            ew_operand operands[4];
            for (int k = 0; k < program.inputs; k++) operands[k] = (ew_operand){x[k], COUNT, 1, false};
            operands[program.inputs] = (ew_operand){y, COUNT, 1, false};
            (*set)->program(&program, operands, 1, COUNT, scratch);
            free(scratch);
            for (size_t i = 0; i < COUNT; i++) {
                for (int k = 0; k < 3; k++) at[k] = (double)x[k][i];
                double want = (*op)->scalar(at, (double[]){(double)(float)p[0], (double)(float)p[1]});
                if (!agrees(*op, at, want, y[i]))
                    fail_msg("%s on %s at (%g, %g, %g): %.9g, expected %.9g", (*op)->name, (*set)->name, at[0], at[1],
                             at[2], (double)y[i], want);
            }
        }
}

static void decompositions_have_the_values_of_their_ops(void **state) {
    (void)state;
    static const double values[] = {-30, -3.5, -3, -1, -0.3, -1e-3, 0, 1e-3, 0.3, 1, 2, 3, 3.5, 30};
    for (const soma_op *const *op = op_table; *op; op++) {
        if (!((*op)->flags & OP_ELEMENTWISE) || !(*op)->decompose) continue;
        for (size_t i = 0; i < COUNT_OF(values); i++) {
            double x = values[i], p[2], whole, parts;
            if (x <= 0 && (*op == &op_rsqrt || *op == &op_log1p)) continue;
            soma_graph *g = soma_graph_create();
            const soma_value in[3] = {soma_scalar(g, x), soma_scalar(g, fabs(x)), soma_scalar(g, 0.5)};
            parameters_of(*op, p);
            soma_value v = graph_add(g, *op, &(elementwise_attributes){{p[0], p[1]}}, in, (*op)->inputs_min);
            evaluate(v, NULL, 0, &whole, 1);
            evaluate((*op)->decompose(g, value_node(v), in), NULL, 0, &parts, 1);
            if (fabs(whole - parts) > 1e-14 * fmax(1, fabs(whole)))
                fail_msg("%s(%g) is %.17g, its decomposition %.17g", (*op)->name, x, whole, parts);
            soma_graph_destroy(g);
        }
    }
}

static void zeros_stay_zeros_where_an_op_says_so(void **state) {
    (void)state;
    for (const soma_op *const *op = op_table; *op; op++) {
        if (!((*op)->flags & OP_KEEPS_ZERO)) continue;
        double p[2];
        parameters_of(*op, p);
        if ((*op)->scalar((const double[]){0, 0, 0}, p) != 0) fail_msg("%s", (*op)->name);
    }
}

static void identities_and_commutativity_hold_where_an_op_says_so(void **state) {
    (void)state;
    const double p[2] = {0, 0};
    for (const soma_op *const *op = op_table; *op; op++) {
        if (!((*op)->flags & OP_ELEMENTWISE) || (*op)->inputs_min != 2) continue;
        for (int k = 0; k < 81; k++) {
            const double x = (k % 9 - 4) * 0.75, y = (k / 9 - 4) * 0.75;
            if ((*op)->flags & OP_COMMUTATIVE)
                assert_true((*op)->scalar((double[]){x, y}, p) == (*op)->scalar((double[]){y, x}, p));
            if ((*op)->identity) assert_true((*op)->scalar((double[]){x, *(*op)->identity}, p) == x);
        }
    }
}

/* log_of, log_one_minus and logit_of: exact where the value itself has become 0 or 1. */
static void logarithms_of_saturated_sigmoids_are_exact(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    double v;
    soma_value y = soma_sigmoid(soma_scalar(g, -800)), z = soma_sigmoid(soma_scalar(g, 800));
    evaluate(op_sigmoid.log_of(g, value_node(y)), NULL, 0, &v, 1);
    assert_true(v == -800);
    evaluate(op_sigmoid.log_one_minus(g, value_node(z)), NULL, 0, &v, 1);
    assert_true(v == -800);
    soma_value s = soma_softmax(soma_constant(g, soma_shape1(2), (const float[]){0, 900}), 0);
    double both[2];
    evaluate(op_softmax.log_of(g, value_node(s)), NULL, 0, both, 2);
    assert_true(both[0] == -900 && both[1] == 0);
    soma_graph_destroy(g);
}

static double slope(soma_value y, soma_value x) {
    soma_value d;
    double value;
    assert_int_equal(soma_gradient(y, &x, 1, &d), 0);
    evaluate(d, NULL, 0, &value, 1);
    return value;
}

/* PyTorch's choices where a slope does not exist. */
static void slopes_at_kinks_are_those_of_pytorch(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value zero = soma_scalar(g, 0), one = soma_scalar(g, 1), three = soma_scalar(g, 3);
    assert_true(slope(soma_relu(zero), zero) == 0);
    assert_true(slope(soma_abs(zero), zero) == 0);
    assert_true(slope(soma_leaky_relu(zero, 0.1), zero) == 0.1);
    assert_true(slope(soma_clip(one, 0, 1), one) == 1);
    assert_true(slope(soma_clip(one, -1, 0.5), one) == 0);
    assert_true(slope(soma_hard_sigmoid(three), three) == 0);
    soma_value equal = soma_add(one, zero);
    assert_true(slope(soma_max2(one, equal), equal) == 0.5);
    assert_true(slope(soma_min2(equal, one), equal) == 0.5);
    soma_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_of_all_instruction_sets_agree_with_the_double_ones),
        cmocka_unit_test(decompositions_have_the_values_of_their_ops),
        cmocka_unit_test(zeros_stay_zeros_where_an_op_says_so),
        cmocka_unit_test(identities_and_commutativity_hold_where_an_op_says_so),
        cmocka_unit_test(logarithms_of_saturated_sigmoids_are_exact),
        cmocka_unit_test(slopes_at_kinks_are_those_of_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
