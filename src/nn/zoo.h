/* nn/zoo.h: known networks by name, as spec strings. */
#ifndef NN_ZOO_H
#define NN_ZOO_H

#include "nn/spec.h"

typedef struct zoo_net {
    const char *name;
    const char *about;   /* a sentence with the source */
    const char *body;    /* all but the output layer; NULL: nothing; with it where a $ stands for its width */
    spec_output output;  /* of the complete network by default */
    soma_shape sample;   /* default shape of one sample */
    int64_t width;       /* default units of the output layer */
    const char *instead; /* it has no meaning for regression: what has; or NULL */
    bool pixels;         /* an answer for each pixel */
} zoo_net;

/* The networks; the list ends in one without a name. Parameters are counted with the default shape and outputs.
 *   linear        one neuron without activation a number: linear regression
 *   logistic      one neuron with a sigmoid: logistic regression (Cox 1958); softmax for more than two classes
 *   mlp           two hidden layers of 64 with ReLU: 30-64-64-1
 *   lenet         LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998,
 * in the form 20-50-500 with ReLU and max pooling; 431,080 parameters on 1x28x28 with 10 classes alexnet Krizhevsky,
 * Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012, one tower, without
 * response normalisation; 62,378,344 parameters on 3x227x227 with 1000 classes and on 3x224x224 with 1000 classes vgg16
 * Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014, configuration D;
 * 138,357,544 parameters googlenet     Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke and Rabinovich,
 * "Going deeper with convolutions", 2014, with its response normalisation, without auxiliary classifiers; 6,998,552
 *                 parameters. Layers have the names of Olah, Mordvintsev and Schubert, "Feature visualization", 2017:
 *                 conv2d0, mixed3a .. mixed5b
 *   resnet18      He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015; 11,689,512 parameters
 *   resnet50      the same, with bottlenecks whose 3x3 convolution has the stride (as most trained weights since have
 *                 it; the paper's first 1x1 has it); 25,557,032 parameters
 *   squeezenet    Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x
 * fewer parameters and < 0.5 MB model size", 2016, its release 1.1; 1,235,496 parameters mobilenet_v2  Sandler, Howard,
 * Zhu, Zhmoginov and Chen, "MobileNetV2: inverted residuals and linear bottlenecks", 2018; 3,504,872 parameters unet
 * Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation", 2015, with padding,
 * so that the answer is as large as the picture (sides are multiples of 16): one probability for each pixel; 31,031,745
 * parameters */
extern const zoo_net zoo_nets[];
/* NULL: none of that name. */
const zoo_net *zoo_find(const char *name);

/* A complete network from a name or a SPEC, as `show` and `bench` take it: a name gets its default head. */
spec *spec_open(const soma_context *context, const char *text, soma_error *error);
/* The network for a task (see spec_resolve_head): a name takes its outputs from the task, which is not `appended`. */
spec *spec_open_for(const soma_context *context, const char *text, bool classify, int64_t outputs, spec_head *head,
                    soma_error *error);

#endif
