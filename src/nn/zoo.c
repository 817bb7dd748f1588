/* nn/zoo.c: known networks as text. A network here is a body and a default head; a task brings its own head. Blocks
 * that repeat are macros that give text. Sources stand in zoo.h. */
#include "nn/zoo.h"

#include "nn/spec_tree.h"

#include <stdio.h>

/* ---- Texts ----------------------------------------------------------------------------------------------------------
 */

// clang-format off: its versions differ about macros between strings

/* He et al. 2016: two 3x3 convolutions, or a 1x1, a 3x3 and a 1x1, around which the input goes by; where height and
 * width are halved or the channels change a 1x1 convolution stands in the shortcut. */
#define BASIC(n)        "residual(conv " n " 3x3 p1 bn relu, conv " n " 3x3 p1 bn), relu, "
#define BASIC_HALF(n)   "residual(conv " n " 3x3 s2 p1 bn relu, conv " n " 3x3 p1 bn | conv " n " 1x1 s2 bn), relu, "
#define NARROW(n, wide) "residual(conv " n " 1x1 bn relu, conv " n " 3x3 p1 bn relu, conv " wide " 1x1 bn), relu, "
#define NARROW_FIRST(n, wide, stride)                                                                                  \
    "residual(conv " n " 1x1 bn relu, conv " n " 3x3" stride " p1 bn relu, conv " wide " 1x1 bn"                       \
    " | conv " wide " 1x1" stride " bn), relu, "

/* Szegedy et al. 2014: four branches side by side; the names are those of the pictures that Olah, Mordvintsev and
 * Schubert (2017) made of its units. */
#define INCEPTION(name, one, narrow3, three, narrow5, five, pooled)                                                    \
    name ": concat(" name "_1x1: conv " one " 1x1 relu"                                                                \
         " | " name "_3x3_bottleneck: conv " narrow3 " 1x1 relu, " name "_3x3: conv " three " 3x3 p1 relu"             \
         " | " name "_5x5_bottleneck: conv " narrow5 " 1x1 relu, " name "_5x5: conv " five " 5x5 p2 relu"              \
         " | " name "_pool: maxpool 3 s1 p1, " name "_pool_reduce: conv " pooled " 1x1 relu), "

/* Iandola et al. 2016: few channels, then two sizes of kernels side by side. */
#define FIRE(few, many) "conv " few " 1x1 relu, concat(conv " many " 1x1 relu | conv " many " 3x3 p1 relu), "

/* Sandler et al. 2018: wide by a 1x1 convolution, a depthwise 3x3 one, narrow again; the input goes by where its shape
 * stays. */
#define INVERTED(wide, n, stride)                                                                                      \
    "conv " wide " 1x1 bn relu6, conv " wide " 3x3" stride " p1 g" wide " bn relu6, conv " n " 1x1 bn"
#define INVERTED_BY(wide, n) "residual(" INVERTED(wide, n, "") "), "

#define TWICE(n) "conv " n " 3x3 p1 relu, conv " n " 3x3 p1 relu"
/* Ronneberger, Fischer and Brox 2015: a level of the U, `inner` being all that lies below it. */
#define LEVEL(n, inner) TWICE(n) ", concat(identity | maxpool 2, " inner ", convt " n " 2x2 s2), " TWICE(n)

static const char
    alexnet
        [] = "conv 96 11x11 s4 relu, maxpool 3 s2, conv 256 5x5 p2 relu, maxpool 3 s2, "
             "conv 384 3x3 p1 relu, conv 384 3x3 p1 relu, conv 256 3x3 p1 relu, maxpool 3 s2, "
             "dense 4096 relu, dropout 0.5, dense 4096 relu, dropout 0.5",
 vgg16[] =
     TWICE("64") ", maxpool 2, " TWICE("128") ", maxpool 2, " TWICE("256") ", conv 256 3x3 p1 relu, maxpool 2, " TWICE(
         "512") ", conv 512 3x3 p1 relu, maxpool 2, " TWICE("512") ", conv 512 3x3 p1 relu, maxpool 2, "
                                                                   "dense 4096 relu, dropout 0.5, dense 4096 relu, "
                                                                   "dropout 0.5",
 googlenet[] =
     "conv2d0: conv 64 7x7 s2 p3 relu, maxpool0: maxpool 3 s2 ceil, localresponsenorm0: lrn, "
     "conv2d1: conv 64 1x1 relu, conv2d2: conv 192 3x3 p1 relu, localresponsenorm1: lrn, "
     "maxpool1: maxpool 3 s2 ceil, " INCEPTION("mixed3a", "64", "96", "128", "16", "32", "32")
         INCEPTION("mixed3b", "128", "128", "192", "32", "96",
                   "64") "maxpool4: maxpool 3 s2 ceil, " INCEPTION("mixed4a", "192", "96", "208", "16", "48", "64")
             INCEPTION("mixed4b", "160", "112", "224", "24", "64", "64")
                 INCEPTION("mixed4c", "128", "128", "256", "24", "64", "64")
                     INCEPTION("mixed4d", "112", "144", "288", "32", "64", "64")
                         INCEPTION("mixed4e", "256", "160", "320", "32", "128",
                                   "128") "maxpool10: maxpool 3 s2 ceil, " INCEPTION("mixed5a", "256", "160", "320",
                                                                                     "32", "128", "128")
                             INCEPTION("mixed5b", "384", "192", "384", "48", "128",
                                       "128") "avgpool0: avgpool global, dropout 0.4",
 resnet18[] = "conv 64 7x7 s2 p3 bn relu, maxpool 3 s2 p1, " BASIC("64") BASIC("64") BASIC_HALF("128") BASIC("128")
     BASIC_HALF("256") BASIC("256") BASIC_HALF("512") BASIC("512") "avgpool global",
 resnet50[] = "conv 64 7x7 s2 p3 bn relu, maxpool 3 s2 p1, " NARROW_FIRST("64", "256", "") NARROW("64", "256")
     NARROW("64", "256") NARROW_FIRST("128", "512", " s2") NARROW("128", "512") NARROW("128", "512")
         NARROW("128", "512") NARROW_FIRST("256", "1024", " s2") NARROW("256", "1024") NARROW("256", "1024")
             NARROW("256", "1024") NARROW("256", "1024") NARROW("256", "1024") NARROW_FIRST("512", "2048", " s2")
                 NARROW("512", "2048") NARROW("512", "2048") "avgpool global",
 squeezenet[] = "conv 64 3x3 s2 relu, maxpool 3 s2 ceil, " FIRE("16", "64")
     FIRE("16", "64") "maxpool 3 s2 ceil, " FIRE("32", "128") FIRE("32", "128") "maxpool 3 s2 ceil, " FIRE("48", "192")
         FIRE("48", "192") FIRE("64", "256")
             FIRE("64", "256") "dropout 0.5, conv $ 1x1 relu, avgpool global, flatten, softmax",
 mobilenet_v2[] = "conv 32 3x3 s2 p1 bn relu6, conv 32 3x3 p1 g32 bn relu6, conv 16 1x1 bn, " INVERTED(
     "96", "24", " s2") ", " INVERTED_BY("144", "24") INVERTED("144", "32", " s2") ", " INVERTED_BY("192", "32")
     INVERTED_BY("192", "32") INVERTED("192", "64", " s2") ", " INVERTED_BY("384", "64") INVERTED_BY("384", "64")
         INVERTED_BY("384", "64") INVERTED("384", "96", "") ", " INVERTED_BY("576", "96") INVERTED_BY("576", "96")
             INVERTED("576", "160", " s2") ", " INVERTED_BY("960", "160") INVERTED_BY("960", "160")
                 INVERTED("960", "320", "") ", conv 1280 1x1 bn relu6, avgpool global, dropout 0.2",
 unet[] = LEVEL("64", LEVEL("128", LEVEL("256", LEVEL("512", TWICE("1024"))))) ", conv $ 1x1 sigmoid";

// clang-format on

/* ---- Networks -------------------------------------------------------------------------------------------------------
 */

#define PICTURES .output = SPEC_SOFTMAX, .sample = {3, {3, 224, 224}}, .width = 1000

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
     .instead = "linear"},
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
     .body = alexnet,
     .output = SPEC_SOFTMAX,
     .sample = {3, {3, 227, 227}},
     .width = 1000},
    {.name = "vgg16", .about = "VGG-16, configuration D (Simonyan and Zisserman 2014)", .body = vgg16, PICTURES},
    {.name = "googlenet",
     .about = "GoogLeNet, Inception v1 (Szegedy et al. 2014), without the auxiliary classifiers",
     .body = googlenet,
     PICTURES},
    {.name = "resnet18", .about = "ResNet-18 (He, Zhang, Ren and Sun 2015)", .body = resnet18, PICTURES},
    {.name = "resnet50",
     .about = "ResNet-50 (He, Zhang, Ren and Sun 2015), its strides in the 3x3 convolutions",
     .body = resnet50,
     PICTURES},
    {.name = "squeezenet",
     .about = "SqueezeNet 1.1 (Iandola et al. 2016)",
     .body = squeezenet,
     .instead = "mobilenet_v2",
     PICTURES},
    {.name = "mobilenet_v2",
     .about = "MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov and Chen 2018)",
     .body = mobilenet_v2,
     PICTURES},
    {.name = "unet",
     .about = "U-Net (Ronneberger, Fischer and Brox 2015) with padding: a probability for each pixel",
     .body = unet,
     .output = SPEC_SIGMOID,
     .sample = {3, {3, 224, 224}},
     .width = 1,
     .pixels = true},
    {.name = NULL},
};

const zoo_net *zoo_find(const char *name) {
    for (const zoo_net *net = zoo_nets; net->name; net++)
        if (!strcmp(net->name, name)) return net;
    return NULL;
}

/* A body that has its own output layer, whose width stands as $. */
static spec *open_whole(const soma_context *context, const zoo_net *net, int64_t width, spec_head *head,
                        soma_error *error) {
    const char *mark = strchr(net->body, '$');
    size_t size = strlen(net->body) + 24;
    char *text = mem_array(context, size, 1);
    if (!text) return error_memory(error), NULL;
    snprintf(text, size, "%.*s%lld%s", (int)(mark - net->body), net->body, (long long)width, mark + 1);
    spec *s = spec_parse(context, text, error);
    mem_free(context, text);
    *head = (spec_head){.output = net->output, .width = width, .outputs = width};
    snprintf(head->text, sizeof head->text, "conv %lld 1x1", (long long)width);
    return s;
}

static spec *open_net(const soma_context *context, const zoo_net *net, bool classify, int64_t outputs, spec_head *head,
                      soma_error *error) {
    spec *s = NULL;
    if (net->body && strchr(net->body, '$')) return open_whole(context, net, outputs, head, error);
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

/* Whether the network can do the task. */
static bool suits(const zoo_net *net, bool classify, int64_t outputs, soma_error *error) {
    if (net->pixels)
        error_set(error, SOMA_ERROR_ARGUMENT,
                  "net: %s answers with a picture, but the task has a %s for each sample; use resnet18 or another",
                  net->name, classify ? "class" : "number");
    else if (net->instead && !classify)
        error_set(error, SOMA_ERROR_ARGUMENT, "net: %s is a network for classes but the task is regression; use %s",
                  net->name, net->instead);
    else if (outputs < (classify ? 2 : 1))
        error_set(error, SOMA_ERROR_ARGUMENT, "net: there are %lld %s, at least %d needed", (long long)outputs,
                  classify ? "classes" : "outputs", classify ? 2 : 1);
    else
        return true;
    return false;
}

/* A text of one word that is no layer is meant as a name. */
static bool misspelt_name(const char *text, soma_error *error) {
    const char *known[64];
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
        bool pair = net->output == SPEC_SIGMOID && !net->pixels; /* two classes by one number */
        return open_net(context, net, classify, pair ? 2 : net->width, &head, error);
    }
    return misspelt_name(text, error) ? NULL : spec_parse(context, text, error);
}

spec *spec_open_for(const soma_context *context, const char *text, bool classify, int64_t outputs, spec_head *head,
                    soma_error *error) {
    const zoo_net *net = zoo_find(text);
    if (net)
        return suits(net, classify, outputs, error) ? open_net(context, net, classify, outputs, head, error) : NULL;
    spec *s = misspelt_name(text, error) ? NULL : spec_parse(context, text, error);
    if (s && spec_resolve_head(s, classify, outputs, head, error)) {
        spec_destroy(s);
        s = NULL;
    }
    return s;
}
