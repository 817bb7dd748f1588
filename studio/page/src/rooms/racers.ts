// The seven of the lecture, and the surfaces on which they run.
import type { OptimizerName, Range } from 'soma-wasm';
import type { Colour } from '../parts/colours';

export interface RacerKind {
    title: string;
    mark: string;
    optimizer: OptimizerName;
    /** Rows a step; 0: all. */
    batch: number;
    /** Learning rates on surfaces and on the network. */
    rate: number;
    networkRate: number;
    colour: Colour;
    dash: number[];
    /** Differs from gradient descent only where there are data. */
    data?: boolean;
}

export const racers: readonly RacerKind[] = [
    {
        title: 'Gradient descent',
        mark: 'G',
        optimizer: 'sgd',
        batch: 0,
        rate: 0.02,
        networkRate: 0.3,
        colour: [40, 40, 48],
        dash: [],
    },
    {
        title: 'SGD, one example',
        mark: '1',
        optimizer: 'sgd',
        batch: 1,
        rate: 0.02,
        networkRate: 0.03,
        colour: [150, 90, 0],
        dash: [2, 3],
        data: true,
    },
    {
        title: 'Mini-batch of 8',
        mark: '8',
        optimizer: 'sgd',
        batch: 8,
        rate: 0.02,
        networkRate: 0.1,
        colour: [0, 114, 178],
        dash: [6, 3],
        data: true,
    },
    {
        title: 'Momentum',
        mark: 'M',
        optimizer: 'momentum',
        batch: 0,
        rate: 0.01,
        networkRate: 0.1,
        colour: [200, 70, 0],
        dash: [],
    },
    {
        title: 'Nesterov',
        mark: 'N',
        optimizer: 'nesterov',
        batch: 0,
        rate: 0.01,
        networkRate: 0.1,
        colour: [0, 130, 95],
        dash: [8, 3, 2, 3],
    },
    {
        title: 'RMSProp',
        mark: 'R',
        optimizer: 'rmsprop',
        batch: 0,
        rate: 0.03,
        networkRate: 0.01,
        colour: [150, 60, 130],
        dash: [4, 2],
    },
    {
        title: 'Adam',
        mark: 'A',
        optimizer: 'adam',
        batch: 0,
        rate: 0.1,
        networkRate: 0.03,
        colour: [176, 0, 32],
        dash: [],
    },
];

export interface SurfaceKind {
    name: string;
    title: string;
    formula: string;
    range: Range;
    start: { x: number; y: number };
    axes: [string, string];
    /** What the usual rates are multiplied with. */
    scale: number;
}

export const surfaces: readonly SurfaceKind[] = [
    {
        name: 'line',
        title: 'A line through points',
        formula: '',
        range: { x: [-1.5, 3], y: [-2, 2.5] },
        start: { x: -1, y: 2 },
        axes: ['w', 'b'],
        scale: 2,
    },
    {
        name: 'ravine',
        title: 'Ravine',
        formula: '0.05*x^2 + y^2',
        range: { x: [-10, 10], y: [-4, 4] },
        start: { x: -9, y: 3 },
        axes: ['x', 'y'],
        scale: 3,
    },
    {
        name: 'rosenbrock',
        title: 'Rosenbrock',
        formula: '0.1*(1 - x)^2 + (y - x^2)^2',
        range: { x: [-2, 2], y: [-1, 3] },
        start: { x: -1.6, y: 2.2 },
        axes: ['x', 'y'],
        scale: 1,
    },
    {
        name: 'saddle',
        title: 'Saddle',
        formula: 'x^2 - y^2 + 0.1*y^4',
        range: { x: [-3, 3], y: [-3, 3] },
        start: { x: -2.5, y: 0.01 },
        axes: ['x', 'y'],
        scale: 1,
    },
    {
        name: 'hills',
        title: 'Many valleys',
        formula: '0.1*(x^2 + y^2) + sin(2*x)*sin(2*y)',
        range: { x: [-4, 4], y: [-4, 4] },
        start: { x: -3.2, y: 3.4 },
        axes: ['x', 'y'],
        scale: 1,
    },
];
