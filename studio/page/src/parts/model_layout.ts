// Where the nodes of a model's graph stand: layers by depth from top to bottom, so that every edge leads down. An edge
// that passes over layers gets a place in each of them, so that it leads around the nodes there. Within a layer nodes
// are ordered by where their neighbours stand (the barycentre heuristic), then moved as close to above them as fits.
import type { Model, ModelNode } from 'soma-wasm';

export interface PlacedNode {
    /** Of the file's nodes; -1 for inputs and outputs of the model. */
    node: number;
    kind: 'input' | 'node' | 'output';
    /** The operator, or the name of the input or output. */
    title: string;
    /** What it gives, and its weights: "8×12×12". */
    lines: string[];
    /** For readers of screens and for the tooltip. */
    text: string;
    x: number;
    y: number;
}

export interface ModelLayout {
    nodes: PlacedNode[];
    /** SVG paths. */
    edges: string[];
    width: number;
    height: number;
    /** Nodes that stand for numbers known without running, which aren't drawn. */
    left: number;
}

export const BOX = { width: 168, height: 58 };
const GAP = { x: 28, y: 38 },
    MARGIN = 14,
    SWEEPS = 6,
    BEND = 18;

/** "6×24×24": a batch in front is understood. */
export function sizes(shape: readonly number[]): string {
    const own = shape.length > 1 && shape[0] === -1 ? shape.slice(1) : shape;
    return own.length ? own.map((d) => (d === -1 ? 'N' : d < 0 ? `${-d}N` : String(d))).join('×') : '1';
}

/** A place in a layer: a node, or where an edge passes. */
interface Place {
    /** Undefined where an edge passes. */
    node?: PlacedNode;
    layer: number;
    above: Place[];
    below: Place[];
    x: number;
}

const widthOf = (p: Place) => (p.node ? BOX.width : BEND);
const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;

function placeOf(kind: PlacedNode['kind'], node: number, title: string, lines: string[], text: string): Place {
    return { node: { node, kind, title, lines, text, x: 0, y: 0 }, layer: 0, above: [], below: [], x: 0 };
}

function textOf(n: ModelNode): string {
    const out = n.outputs.map((o) => `${o.name} [${sizes(o.shape ?? [])}]`).join(', ');
    return `${n.op} → ${out}${n.attributes ? `; ${n.attributes}` : ''}`;
}

/** The nodes with what they read, in the file's order, in which inputs stand before users. */
function connect(model: Model): { places: Place[]; left: number } {
    const places: Place[] = [],
        producer = new Map<string, Place>();
    const weights = new Map(model.weights.map((w) => [w.name, w.shape]));
    for (const input of model.inputs) {
        const place = placeOf('input', -1, input.name, [sizes(input.shape)], `${input.name} [${sizes(input.shape)}]`);
        producer.set(input.name, place);
        places.push(place);
    }
    const read = (place: Place, name: string) => {
        const from = producer.get(name);
        if (!from || place.above.includes(from)) return;
        place.above.push(from);
        from.below.push(place);
        place.layer = Math.max(place.layer, from.layer + 1);
    };
    let left = 0;
    model.nodes.forEach((n, i) => {
        const shape = n.outputs.find((o) => o.shape)?.shape;
        if (!shape || n.op === 'Constant') {
            left++;
            return;
        }
        const own = n.inputs.flatMap((name) => (weights.has(name) ? [sizes(weights.get(name)!)] : []));
        const place = placeOf('node', i, n.op, [sizes(shape), ...(own.length ? [own.join(' + ')] : [])], textOf(n));
        n.inputs.forEach((name) => read(place, name));
        n.outputs.forEach((o) => producer.set(o.name, place));
        places.push(place);
    });
    for (const output of model.outputs) {
        const place = placeOf(
            'output',
            -1,
            output.name,
            [sizes(output.shape)],
            `${output.name} [${sizes(output.shape)}]`,
        );
        read(place, output.name);
        places.push(place);
    }
    // An input stands right above the first node that reads it.
    for (const p of places)
        if (p.node!.kind === 'input' && p.below.length) p.layer = Math.min(...p.below.map((b) => b.layer)) - 1;
    return { places, left };
}

/** Puts a place into each layer that an edge passes; returns the layers. */
function layer(places: Place[]): Place[][] {
    const layers: Place[][] = Array.from({ length: Math.max(...places.map((p) => p.layer)) + 1 }, () => []);
    for (const p of places) layers[p.layer]!.push(p);
    for (const p of places)
        p.below = p.below.map((to) => {
            if (to.layer <= p.layer + 1) return to;
            let first: Place | undefined,
                last = p;
            for (let l = p.layer + 1; l < to.layer; l++) {
                const bend: Place = { layer: l, above: [last], below: [], x: 0 };
                layers[l]!.push(bend);
                if (first) last.below = [bend];
                else first = bend;
                last = bend;
            }
            last.below = [to];
            to.above[to.above.indexOf(p)] = last;
            return first!;
        });
    return layers;
}

/** Moves a layer's places to where they want to be, in their order and without overlap. */
function settle(row: Place[], wanted: number[]): void {
    let edge = -Infinity;
    row.forEach((p, i) => {
        p.x = Math.max(wanted[i]!, edge + widthOf(p) / 2);
        edge = p.x + widthOf(p) / 2 + GAP.x;
    });
    const shift = mean(row.map((p, i) => wanted[i]! - p.x));
    row.forEach((p) => (p.x += shift));
}

export function layOutModel(model: Model): ModelLayout {
    const { places, left } = connect(model);
    const layers = layer(places);
    for (const row of layers) row.forEach((p, i) => (p.x = i * (BOX.width + GAP.x)));
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
        const down = sweep % 2 === 0;
        for (const row of down ? layers : [...layers].reverse()) {
            const wanted = new Map(
                row.map((p) => {
                    const next = down ? p.above : p.below;
                    return [p, next.length ? mean(next.map((n) => n.x)) : p.x];
                }),
            );
            row.sort((a, b) => wanted.get(a)! - wanted.get(b)!);
            settle(
                row,
                row.map((p) => wanted.get(p)!),
            );
        }
    }
    const lowest = Math.min(...layers.flat().map((p) => p.x - widthOf(p) / 2));
    const x = (p: Place) => p.x - lowest + MARGIN,
        y = (p: Place) => MARGIN + BOX.height / 2 + p.layer * (BOX.height + GAP.y);
    const half = (p: Place) => (p.node ? BOX.height / 2 : 0);
    const edges: string[] = [];
    for (const from of layers.flat())
        for (const to of from.below) {
            const y0 = y(from) + half(from),
                y1 = y(to) - half(to),
                middle = (y0 + y1) / 2;
            edges.push(`M${x(from)} ${y0}C${x(from)} ${middle} ${x(to)} ${middle} ${x(to)} ${y1}`);
        }
    const nodes = places.map((p) => ({ ...p.node!, x: x(p), y: y(p) }));
    return {
        nodes,
        edges,
        width: Math.max(...layers.flat().map((p) => x(p) + widthOf(p) / 2)) + MARGIN,
        height: layers.length * (BOX.height + GAP.y) - GAP.y + 2 * MARGIN,
        left,
    };
}
