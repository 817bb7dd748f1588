// Windows over a picture: the lecture's examples, every geometry against a plain loop, and the cells of Hubel and Wiesel.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { near, soma } from './helpers.mjs';

/** Runs a slide once. */
function slid(options, x, kernels) {
    const slide = soma.slide(options);
    const result = { shape: [...slide.shape], y: slide.run(x, kernels) };
    slide.destroy();
    return result;
}

const X = [2, 1, 3, 1, 2, 3, 4, 2, 0, 1, 2, 0, 1, 2, 3, 1, 3, 2, 4, 0],
    K = [2, -1, -1, -1, 0, 0, -1, 0, 2];
const SIX = [
    4, 9, 2, 5, 8, 3, 5, 6, 2, 4, 0, 3, 2, 4, 5, 4, 5, 2, 5, 6, 5, 4, 7, 8, 5, 7, 7, 9, 2, 1, 5, 8, 5, 3, 8, 4,
];
const FOUR = [1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4];

test('the lecture’s examples have the lecture’s results, exactly', () => {
    const first = slid({ kind: 'convolution', picture: [4, 5], kernel: [3, 3] }, X, K);
    assert.deepEqual(first.shape, [1, 2, 3]);
    assert.deepEqual([...first.y], [-3, -2, 6, 1, 11, 0]);
    const edge = [1, 0, -1, 1, 0, -1, 1, 0, -1];
    const second = slid({ kind: 'convolution', picture: [6, 6], kernel: [3, 3], stride: 2 }, SIX, edge);
    assert.deepEqual([...second.y], [2, -4, -5, 3]);
    const third = slid({ kind: 'max', picture: [4, 4], kernel: [2, 2], stride: 2 }, FOUR);
    assert.deepEqual([...third.y], [6, 8, 3, 4]);
});

test('a number’s products and their sum', () => {
    const slide = soma.slide({ kind: 'convolution', picture: [4, 5], kernel: [3, 3] });
    const p = slide.products(X, K, 0, 0);
    assert.deepEqual(p.inputs, [2, 1, 3, 3, 4, 2, 2, 0, 1]);
    assert.deepEqual(p.weights, K);
    assert.deepEqual(
        p.products.map((v) => v + 0),
        [4, -1, -3, -3, 0, 0, -2, 0, 2],
    );
    assert.equal(p.sum, -3);
    slide.destroy();
    const pool = soma.slide({ kind: 'max', picture: [4, 4], kernel: [2, 2] });
    assert.throws(() => pool.products(FOUR, [], 0, 0), /no kernel/);
    pool.destroy();
});

/** By the definition, number by number. */
function plain({ kind, picture: [H, W], kernel: [KH, KW], stride: s, padding: p, dilation: d }, x, w) {
    const places = (size, k) => Math.floor((size + 2 * p - d * (k - 1) - 1) / s) + 1;
    const y = [];
    for (let i = 0; i < places(H, KH); i++)
        for (let j = 0; j < places(W, KW); j++) {
            const seen = [];
            for (let k = 0; k < KH; k++)
                for (let l = 0; l < KW; l++) {
                    const r = i * s - p + k * d,
                        c = j * s - p + l * d;
                    if (r >= 0 && r < H && c >= 0 && c < W) seen.push([x[r * W + c], w?.[k * KW + l]]);
                }
            const sum = seen.reduce((a, [v, weight]) => a + v * (weight ?? 1), 0);
            y.push(kind === 'max' ? Math.max(...seen.map(([v]) => v)) : kind === 'average' ? sum / seen.length : sum);
        }
    return y;
}

test('every geometry is computed by the definition', () => {
    let compared = 0;
    for (const kind of ['convolution', 'max', 'average'])
        for (const stride of [1, 2, 3])
            for (const padding of [0, 1, 2])
                for (const dilation of [1, 2]) {
                    const options = { kind, picture: [4, 5], kernel: [2, 3], stride, padding, dilation };
                    const w = kind === 'convolution' ? [1, -2, 3, 0.5, -1, 2] : undefined;
                    // Two rows of padding hide a window of two rows whole: there pooling has nothing to choose from.
                    if (w || padding < 2 || dilation > 1) {
                        near(slid(options, X, w).y, plain(options, X, w), JSON.stringify(options));
                        compared++;
                    } else assert.throws(() => slid(options, X, w), /nothing but padding/);
                }
    assert.equal(compared, 48);
});

test('a window that fits nowhere is said to', () => {
    assert.throws(
        () => soma.slide({ kind: 'convolution', picture: [4, 5], kernel: [5, 5] }),
        /window of 5x5 .* does not fit into an input of 4x5/,
    );
    assert.throws(
        () => soma.slide({ kind: 'max', picture: [4, 4], kernel: [2, 2], padding: 2 }),
        /nothing but padding/,
    );
    assert.throws(() => soma.slide({ kind: 'max', picture: [4, 4], kernel: [2, 2], stride: -1 }), /whole numbers/);
});

/** The formula of a kernel, written down once more. */
function gabor({ wavelength, orientation, phase }, size) {
    const reach = (size - 1) / 2,
        turn = (orientation * Math.PI) / 180,
        width = 0.56 * wavelength;
    const make = (wave) => {
        const bell = [],
            product = [];
        for (let y = -reach; y <= reach; y++)
            for (let x = -reach; x <= reach; x++) {
                const u = x * Math.sin(turn) + y * Math.cos(turn),
                    v = x * Math.cos(turn) - y * Math.sin(turn);
                bell.push(Math.exp(-(u * u + (v * v) / 4) / (2 * width * width)));
                product.push(bell.at(-1) * wave((2 * Math.PI * u) / wavelength + (phase * Math.PI) / 180));
            }
        const sum = (a) => a.reduce((s, v) => s + v, 0);
        const level = sum(product) / sum(bell);
        const even = product.map((v, i) => v - level * bell[i]);
        return even.map((v) => (2 * v) / sum(even.map(Math.abs)));
    };
    return [...make(Math.cos), ...make(Math.sin)];
}

test('Gabor’s kernels are the formula’s', () => {
    for (const options of [
        { wavelength: 6, orientation: 0, phase: 0 },
        { wavelength: 9.5, orientation: 60, phase: 90 },
        { wavelength: 4, orientation: 135, phase: 30 },
    ]) {
        const { size, kernels } = soma.gabor(options);
        assert.equal(size % 2, 1);
        near(kernels, gabor(options, size), JSON.stringify(options), 1e-4, 1e-6);
    }
    assert.throws(() => soma.gabor({ wavelength: 0, orientation: 0 }), /wavelength/);
});

test('a simple cell answers to lines of its orientation at their place, a complex cell wherever they lie', () => {
    const wavelength = 8,
        { size, kernels } = soma.gabor({ wavelength, orientation: 90, phase: 0 });
    const grating = (angle, shift) =>
        Float32Array.from({ length: size * size }, (_, i) => {
            const x = i % size,
                y = Math.floor(i / size),
                u = x * Math.sin(angle) + y * Math.cos(angle);
            return 0.5 + 0.5 * Math.cos((2 * Math.PI * (u + shift)) / wavelength);
        });
    const shape = { picture: [size, size], kernel: [size, size] };
    const simple = soma.slide({ kind: 'simple', ...shape }),
        energy = soma.slide({ kind: 'energy', filters: 2, ...shape });
    const answers = (angle) =>
        [0, 1, 2, 3, 4, 5, 6, 7].map((shift) => [
            simple.run(grating(angle, shift), kernels.subarray(0, size * size))[0],
            energy.run(grating(angle, shift), kernels)[0],
        ]);
    const upright = answers(Math.PI / 2),
        lying = answers(0);
    const column = (rows, k) => rows.map((r) => r[k]);
    assert.ok(Math.max(...column(upright, 0)) > 0.5);
    assert.equal(Math.min(...column(upright, 0)), 0);
    assert.ok(Math.max(...column(lying, 0)) < 0.02 * Math.max(...column(upright, 0)));
    const complex = column(upright, 1);
    assert.ok(Math.min(...complex) > 0.9 * Math.max(...complex), complex.join());
    simple.destroy();
    energy.destroy();
});

test('pooling over places keeps the strongest simple cell', () => {
    const picture = Float32Array.from({ length: 49 }, (_, i) => (i === 24 ? 1 : 0));
    const shape = { picture: [7, 7], kernel: [1, 1] };
    const { shape: out, y } = slid({ kind: 'pooled', pool: 3, ...shape }, picture, [2]);
    assert.deepEqual(out, [1, 5, 5]);
    assert.deepEqual(
        [...y],
        Array.from({ length: 25 }, (_, i) => (i % 5 >= 1 && i % 5 <= 3 && i >= 5 && i < 20 ? 2 : 0)),
    );
});
