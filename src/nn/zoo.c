/* nn/zoo.c: known networks as text. A network here is a body and a default head; a task brings its own head. Sources
 * stand in zoo.h. */
#include "nn/zoo.h"

#include "nn/spec_tree.h"

#include <stdio.h>

const zoo_net zoo_nets[] = {
    {.name = "linear",
     .about = "linear regression: one neuron without activation",
     .output = SPEC_LINEAR,
     .sample = {1, {30}},
     .width = 1},
    {.name = "logistic",
     .about = "logistic regression: one neuron with a sigmoid (Cox 1958)",
     .output = SPEC_SIGMOID,
     .sample = {1, {30}},
     .width = 1,
     .classifier = true},
    {.name = "mlp",
     .about = "a perceptron with two hidden layers (Rumelhart, Hinton and Williams 1986)",
     .body = "dense 64 relu, dense 64 relu",
     .output = SPEC_SIGMOID,
     .sample = {1, {30}},
     .width = 1},
    {.name = "lenet",
     .about = "LeNet 20-50-500 (LeCun, Bottou, Bengio and Haffner 1998) with ReLU and max pooling",
     .body = "conv 20 5x5 relu, maxpool 2, conv 50 5x5 relu, maxpool 2, dense 500 relu",
     .output = SPEC_SOFTMAX,
     .sample = {3, {1, 28, 28}},
     .width = 10},
    {.name = "alexnet",
     .about = "AlexNet (Krizhevsky, Sutskever and Hinton 2012), one tower, without response normalisation",
     .body = "conv 96 11x11 s4 relu, maxpool 3 s2, conv 256 5x5 p2 relu, maxpool 3 s2, conv 384 3x3 p1 relu, "
             "conv 384 3x3 p1 relu, conv 256 3x3 p1 relu, maxpool 3 s2, "
             "dense 4096 relu, dropout 0.5, dense 4096 relu, dropout 0.5",
     .output = SPEC_SOFTMAX,
     .sample = {3, {3, 227, 227}},
     .width = 1000},
    {.name = NULL},
};

const zoo_net *zoo_find(const char *name) {
    for (const zoo_net *net = zoo_nets; net->name; net++)
        if (!strcmp(net->name, name)) return net;
    return NULL;
}

static spec *open_net(const soma_context *context, const zoo_net *net, bool classify, int64_t outputs, spec_head *head,
                      soma_error *error) {
    spec *s = NULL;
    if (net->classifier && !classify) {
        error_set(error, SOMA_ERROR_ARGUMENT, "net: %s is a network for classes but the task is regression; use linear",
                  net->name);
        return NULL;
    }
    if (net->body) {
        s = spec_parse(context, net->body, error);
    } else if ((s = mem_zeros(context, 1, sizeof *s))) {
        s->context = context;
    } else {
        error_memory(error);
    }
    if (s && spec_resolve_head(s, classify, outputs, head, error)) {
        spec_destroy(s);
        s = NULL;
    }
    head->appended = false;
    return s;
}

/* A text of one word that is no layer is meant as a name. */
static bool misspelt_name(const char *text, soma_error *error) {
    const char *known[32];
    size_t length = strcspn(text, " \t\r\n,()|"), count = 0;
    if (!length || text[length] || layer_find(text, length) || activation_find(text, length)) return false;
    for (const zoo_net *net = zoo_nets; net->name && count < COUNT_OF(known) / 2; net++) known[count++] = net->name;
    for (const layer_kind *const *k = layer_kinds; *k && count + 1 < COUNT_OF(known); k++) known[count++] = (*k)->name;
    known[count] = NULL;
    const char *near = suggest(text, known);
    error_set(error, SOMA_ERROR_ARGUMENT, "net: '%.40s' is neither a network's name nor a layer%s%s%s", text,
              near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return true;
}

spec *spec_open(const soma_context *context, const char *text, soma_error *error) {
    const zoo_net *net = zoo_find(text);
    spec_head head;
    if (net) {
        bool classify = net->output != SPEC_LINEAR;
        return open_net(context, net, classify, net->output == SPEC_SIGMOID ? 2 : net->width, &head, error);
    }
    return misspelt_name(text, error) ? NULL : spec_parse(context, text, error);
}

spec *spec_open_for(const soma_context *context, const char *text, bool classify, int64_t outputs, spec_head *head,
                    soma_error *error) {
    const zoo_net *net = zoo_find(text);
    if (net) return open_net(context, net, classify, outputs, head, error);
    spec *s = misspelt_name(text, error) ? NULL : spec_parse(context, text, error);
    if (s && spec_resolve_head(s, classify, outputs, head, error)) {
        spec_destroy(s);
        s = NULL;
    }
    return s;
}
