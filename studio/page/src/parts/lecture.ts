// The lecture as a list of links, section by section: what the presenter mode turns over unless the lecturer has a list
// of one's own.
export const lecture: readonly (readonly [link: string, title: string])[] = [
    ['#/playground?set=moons&noise=0.15&net=&step=400', 'A linear classifier on two moons'],
    ['#/playground?set=moons&noise=0.15&net=6&step=2000', 'The same points with one hidden layer'],
    ['#/playground?set=moons&count=60&noise=0.3&test=0.5&net=12-12&showtest=1', 'Overfitting'],
    ['#/neuron', 'Logistic regression: the neuron'],
    ['#/neuron?set=moons&noise=0.1', 'What one neuron cannot do'],
    ['#/playground', 'Hidden layers: the perceptron'],
    ['#/playground?set=blobs&noise=0.25&net=6', 'Softmax: more than two classes'],
    ['#/neuron?batch=200&rate=0.5&w=-4_4_2', 'Gradient descent on the surface of the loss'],
    ['#/descent?on=line&out=MNRA', 'Gradient descent, SGD and mini-batches'],
    ['#/descent?on=ravine', 'Momentum, RMSProp, Adam'],
    ['#/descent?on=network', 'The same race on a network'],
    ['#/graph?f=(x+%2B+y)+*+z&in=x:-2_y:5_z:-4&at=0', 'A computational graph'],
    ['#/graph?at=0', 'Backpropagation, step by step'],
    ['#/flow', 'Vanishing gradients'],
    ['#/playground?init=constant&net=4-4', 'Why weights cannot all be the same'],
    ['#/convolution', 'Convolution'],
    ['#/digits', 'A network that reads digits'],
    ['#/features', 'What its filters look for'],
    ['#/alexnet', 'AlexNet'],
    ['#/model', 'A model of your own'],
];
