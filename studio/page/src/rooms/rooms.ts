import type { ComponentType } from 'preact';
import { Convolution } from './convolution';
import { Descent } from './descent';
import { Graph } from './graph';
import { Neuron } from './neuron';
import { Playground } from './playground';

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
    { name: 'convolution', title: 'Convolution', component: Convolution },
];
