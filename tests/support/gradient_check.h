/* tests/support/gradient_check.h: gradients against central differences, in float64 on the reference backend.
 *
 * For a function f of some inputs the checker builds L = sum(W * f(x)) with random W, asks soma_gradient for dL/dx, and
 * compares every element with the difference of fourth order (8 (L(+h) - L(-h)) - (L(+2h) - L(-2h))) / 12 h. Then it
 * does the same with M = sum over the inputs of sum(V * dL/dx) for the second derivatives, with respect to the inputs
 * and to W. Values are distinct and keep away from the kinks that the case names. */
#ifndef TESTS_GRADIENT_CHECK_H
#define TESTS_GRADIENT_CHECK_H

#include "graph/graph.h"

enum { GRADIENT_INPUTS = 6, GRADIENT_KINKS = 4 };

typedef struct gradient_case {
    const char *name;
    soma_value (*build)(soma_graph *graph, const soma_value *x, const void *arguments);
    const void *arguments;
    int inputs;
    soma_shape shapes[GRADIENT_INPUTS]; /* of the inputs; a dimension may be the batch */
    double low, high;                   /* the inputs' values; both 0: -2 and 2 */
    int kinks;                          /* values that no input comes near */
    double kink[GRADIENT_KINKS];
    int64_t batch; /* 0: 3 */
    uint64_t seed;
} gradient_case;

/* Fails the running cmocka test with a sentence when an element differs by more than 1e-6, relatively. */
void gradient_check(const gradient_case *c);

/* Notes every op of a graph as checked, and asks about one: so that a test can make sure that none was forgotten. The
 * checker notes the ops that `build` added, not those of their gradients. */
bool gradient_checked(const soma_op *op);

/* The values of an output of a graph without inputs or with given ones, computed on the reference backend; `count`
 * elements are expected. Fails the test on an error. */
typedef struct evaluation_input {
    soma_value input;
    const void *data; /* double, or int64_t by the input's type */
    int64_t rows;
} evaluation_input;
void evaluate(soma_value output, const evaluation_input *inputs, int inputs_count, double *values, size_t count);

#endif
