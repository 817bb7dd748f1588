/* wasm/formula.c: a formula as people write it becomes a graph:
 *
 *   sum     = product { ("+" | "-") product }
 *   product = power { ("*" | "/") power }
 *   power   = "-" power | atom [ "^" power ]
 *   atom    = NUMBER | NAME | NAME "(" sum { "," sum } ")" | "(" sum ")"
 *
 * so that -x^2 is -(x^2) and 2^3^2 is 2^9. Functions are soma's element-wise ops of one or two inputs by their own
 * names (exp, tanh, relu, …), and max and min. The minus of a number belongs to it. */
#include "base/base.h"
#include "binding.h"
#include "graph/graph.h"
#include "ops/elementwise.h"

#include <ctype.h>
#include <stdlib.h>

enum { NAME_MAX_LENGTH = 23, NAMES_MAX = 32, DEPTH_MAX = 100, ARGUMENTS_MAX = 2 };

typedef struct parser {
    const char *text, *at;
    soma_graph *graph;
    formula_resolver resolve;
    void *user;
    soma_error *error;
    struct {
        char name[NAME_MAX_LENGTH + 1];
        soma_value value;
    } names[NAMES_MAX];
    int names_count, depth;
} parser;

static const soma_value nothing;

static soma_value refuse(parser *p, const char *what) {
    if (*p->at)
        error_set(p->error, SOMA_ERROR_ARGUMENT, "%s at character %d: '%.12s'", what, (int)(p->at - p->text) + 1,
                  p->at);
    else
        error_set(p->error, SOMA_ERROR_ARGUMENT, "%s at the end of the formula", what);
    return nothing;
}

static void skip_space(parser *p) {
    while (isspace((unsigned char)*p->at)) p->at++;
}

static bool take(parser *p, char letter) {
    skip_space(p);
    if (*p->at != letter) return false;
    p->at++;
    return true;
}

static soma_value parse_sum(parser *p);

static soma_value parse_number(parser *p) {
    char *end;
    double value = strtod(p->at, &end);
    p->at = end;
    return soma_scalar(p->graph, value);
}

static soma_value named(parser *p, const char *name) {
    for (int i = 0; i < p->names_count; i++)
        if (!strcmp(p->names[i].name, name)) return p->names[i].value;
    if (p->names_count == NAMES_MAX) return refuse(p, "there are too many names");
    memcpy(p->names[p->names_count].name, name, strlen(name) + 1);
    return p->names[p->names_count++].value = p->resolve(p->user, p->graph, name);
}

static soma_value call(parser *p, const char *name) {
    soma_value arguments[ARGUMENTS_MAX];
    int count = 0;
    do {
        if (count == ARGUMENTS_MAX) return refuse(p, "a function takes at most two numbers");
        arguments[count++] = parse_sum(p);
        if (p->error->code) return nothing;
    } while (take(p, ','));
    if (!take(p, ')')) return refuse(p, "a ')' is missing");
    const soma_op *op = op_find(!strcmp(name, "max") ? "max2" : !strcmp(name, "min") ? "min2" : name);
    if (!op || !(op->flags & OP_ELEMENTWISE) || count < op->inputs_min || count > op->inputs_max) {
        error_set(p->error, SOMA_ERROR_ARGUMENT, "there is no function '%s' of %d number%s", name, count,
                  count > 1 ? "s" : "");
        return nothing;
    }
    return count == 1 ? elementwise1(op, arguments[0], op->defaults[0], op->defaults[1])
                      : elementwise2(op, arguments[0], arguments[1]);
}

static soma_value parse_name(parser *p) {
    char name[NAME_MAX_LENGTH + 1] = "";
    size_t length = 0;
    while (isalnum((unsigned char)p->at[length]) || p->at[length] == '_') length++;
    if (length > NAME_MAX_LENGTH) return refuse(p, "a name is too long");
    memcpy(name, p->at, length);
    p->at += length;
    return take(p, '(') ? call(p, name) : named(p, name);
}

static soma_value parse_atom(parser *p) {
    skip_space(p);
    if (isdigit((unsigned char)*p->at) || *p->at == '.') return parse_number(p);
    if (isalpha((unsigned char)*p->at)) return parse_name(p);
    if (!take(p, '(')) return refuse(p, "a number, a name or '(' is missing");
    soma_value inner = parse_sum(p);
    if (!p->error->code && !take(p, ')')) return refuse(p, "a ')' is missing");
    return inner;
}

static soma_value parse_power(parser *p) {
    if (++p->depth > DEPTH_MAX) return refuse(p, "the formula is nested too deeply");
    soma_value result;
    if (take(p, '-')) {
        result = parse_power(p);
        double number;
        if (!p->error->code) result = value_scalar(result, &number) ? soma_scalar(p->graph, -number) : soma_neg(result);
    } else {
        result = parse_atom(p);
        if (!p->error->code && take(p, '^')) {
            soma_value exponent = parse_power(p);
            double number;
            if (p->error->code) return nothing;
            bool square = value_scalar(exponent, &number) && number == 2;
            result = square ? soma_square(result) : soma_pow(result, exponent);
        }
    }
    p->depth--;
    return result;
}

static soma_value parse_product(parser *p) {
    soma_value result = parse_power(p);
    while (!p->error->code) {
        bool times = take(p, '*');
        if (!times && !take(p, '/')) break;
        soma_value right = parse_power(p);
        if (!p->error->code) result = times ? soma_mul(result, right) : soma_div(result, right);
    }
    return result;
}

static soma_value parse_sum(parser *p) {
    soma_value result = parse_product(p);
    while (!p->error->code) {
        bool plus = take(p, '+');
        if (!plus && !take(p, '-')) break;
        soma_value right = parse_product(p);
        if (!p->error->code) result = plus ? soma_add(result, right) : soma_sub(result, right);
    }
    return result;
}

soma_value formula_parse(soma_graph *graph, const char *text, formula_resolver resolve, void *user, soma_error *error) {
    parser p = {.text = text, .at = text, .graph = graph, .resolve = resolve, .user = user, .error = error};
    soma_value result = parse_sum(&p);
    skip_space(&p);
    if (!error->code && *p.at) return refuse(&p, "the formula should end");
    const soma_error *mistake = soma_graph_error(graph);
    if (!error->code && mistake->code) error_set(error, mistake->code, "%s", mistake->message);
    return result;
}
