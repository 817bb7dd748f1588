import type { ComponentType } from 'preact';
import { Descent } from './descent';
import { DigitsRoom } from './digits';
import { Features } from './features';
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
    { name: 'digits', title: 'Handwritten digits', component: DigitsRoom },
    { name: 'features', title: 'Features', component: Features },
];
