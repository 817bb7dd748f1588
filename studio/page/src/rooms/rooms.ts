import type { ComponentType } from 'preact';
import { AlexNet } from './alexnet';
import { Convolution } from './convolution';
import { Descent } from './descent';
import { Flow } from './flow';
import { DigitsRoom } from './digits';
import { Features } from './features';
import { Graph } from './graph';
import { Model } from './model';
import { Neuron } from './neuron';
import { Playground } from './playground';
import { served } from '../served';
import { Run } from './run';

export interface RoomProps {
    settings: URLSearchParams;
}

export interface Room {
    /** In the address: "#/playground". */
    name: string;
    title: string;
    component: ComponentType<RoomProps>;
}

export const rooms: readonly Room[] = [
    { name: 'playground', title: 'Playground', component: Playground },
    { name: 'neuron', title: 'One neuron', component: Neuron },
    { name: 'descent', title: 'Descent race', component: Descent },
    { name: 'graph', title: 'Graph', component: Graph },
    // What only a server can show.
    ...(served ? [{ name: 'run', title: 'Training run', component: Run }] : []),
    { name: 'flow', title: 'Gradient flow', component: Flow },
    { name: 'alexnet', title: 'AlexNet', component: AlexNet },
    { name: 'convolution', title: 'Convolution', component: Convolution },
    { name: 'digits', title: 'Handwritten digits', component: DigitsRoom },
    { name: 'features', title: 'Features', component: Features },
    { name: 'model', title: 'Your model', component: Model },
];
