// Training of ConvNetJS's two best-known networks by soma and by ConvNetJS, in turn in one browser:
// node bench/convnetjs.mjs. ConvNetJS takes one example after another and updates after each batch, soma takes the
// batch as a whole.
import { networks, openBench, optimizer, read, report, ROUNDS } from './browser.mjs';

const layers = {
    classify2d: [
        { type: 'input', out_sx: 1, out_sy: 1, out_depth: 2 },
        { type: 'fc', num_neurons: 6, activation: 'tanh' },
        { type: 'fc', num_neurons: 2, activation: 'tanh' },
        { type: 'softmax', num_classes: 2 },
    ],
    mnist: [
        { type: 'input', out_sx: 24, out_sy: 24, out_depth: 1 },
        { type: 'conv', sx: 5, filters: 8, stride: 1, pad: 2, activation: 'relu' },
        { type: 'pool', sx: 2, stride: 2 },
        { type: 'conv', sx: 5, filters: 16, stride: 1, pad: 2, activation: 'relu' },
        { type: 'pool', sx: 3, stride: 3 },
        { type: 'softmax', num_classes: 10 },
    ],
};
/* Batch sizes of the demos, and how many examples a round takes of each library. */
const sizes = {
    classify2d: { batch: 10, rows: 200, soma: 500000, convnetjs: 100000 },
    mnist: { batch: 20, rows: 100, soma: 2000, convnetjs: 100 },
};

const bench = await openBench([read(import.meta.resolve('convnetjs/build/convnet.js')).toString()]);
for (const name of Object.keys(networks)) {
    const rates = await bench.page.evaluate(
        async ({ network, layers, sizes, optimizer, rounds }) => {
            const data = bench.data(network, sizes.rows);
            const train = bench.somaTrainer(network, sizes.batch, data);

            const net = new convnetjs.Net();
            net.makeLayers(layers);
            const trainer = new convnetjs.SGDTrainer(net, {
                learning_rate: optimizer.rate,
                momentum: optimizer.momentum,
                l2_decay: optimizer.l2,
                batch_size: sizes.batch,
            });
            const { out_sx, out_sy, out_depth } = layers[0];
            const volume = new convnetjs.Vol(out_sx, out_sy, out_depth);
            const size = volume.w.length;
            const theirs = (examples) => {
                for (let i = 0; i < examples; i++) {
                    const row = i % sizes.rows;
                    for (let k = 0; k < size; k++) volume.w[k] = data.x[row * size + k];
                    trainer.train(volume, data.labels[row]);
                }
            };
            const rates = { soma: [], ConvNetJS: [] };
            train(sizes.soma / 5);
            theirs(sizes.convnetjs);
            for (let i = 0; i < rounds; i++) {
                rates.soma.push(await bench.rate(train, sizes.soma));
                rates.ConvNetJS.push(await bench.rate(theirs, sizes.convnetjs));
            }
            return rates;
        },
        { network: networks[name], layers: layers[name], sizes: sizes[name], optimizer, rounds: ROUNDS },
    );
    report(`${networks[name].title}, batch ${sizes[name].batch}`, rates);
}
await bench.close();
