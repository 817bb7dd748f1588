// Where the page finds MNIST; a room hands these to its engine. In the single page each is the file itself.
import testImages from '../../../../data/mnist/t10k-images-idx3-ubyte.gz?url';
import testLabels from '../../../../data/mnist/t10k-labels-idx1-ubyte.gz?url';
import trainImages from '../../../../data/mnist/train-images-idx3-ubyte.gz?url';
import trainLabels from '../../../../data/mnist/train-labels-idx1-ubyte.gz?url';
import type { MnistUrls } from './mnist';

const absolute = (url: string) => new URL(url, document.baseURI).href;

export const mnistUrls: MnistUrls = {
    trainImages: absolute(trainImages),
    trainLabels: absolute(trainLabels),
    testImages: absolute(testImages),
    testLabels: absolute(testLabels),
};
