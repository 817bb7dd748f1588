// Where the nodes of a formula's graph stand: columns by depth, so that every edge leads to the right; a node lies at the
// middle height of what it reads. Numbers that are part of the formula belong to their node's name, not to the picture.
import type { FormulaNode } from 'soma-wasm';

export interface Placed {
    /** The number of the node in the formula. */
    node: number;
    label: string;
    x: number;
    y: number;
    /** Numbers of the nodes that it reads, constants left out. */
    reads: number[];
}

export const COLUMN = 165,
    ROW = 78,
    MARGIN = 50;

const signs: Record<string, string> = { add: '+', sub: '−', mul: '×', div: '÷', pow: '^', max2: 'max', min2: 'min' };
const alone: Record<string, string> = { neg: '× −1', square: 'x²', reciprocal: '1/x' };

/** "1 ÷ ·" for a division of a constant; else the op's sign. */
function labelOf(node: FormulaNode, nodes: readonly FormulaNode[], values: ArrayLike<number>): string {
    if (node.op === 'input') return node.name;
    const constant = (i: number | undefined) => i !== undefined && nodes[i]!.op === 'scalar';
    const number = (i: number) => String(Number(values[i]!.toPrecision(6)));
    const sign = signs[node.op];
    if (!sign) return alone[node.op] ?? node.op;
    const [a, b] = node.inputs;
    if (node.op === 'div' && constant(a) && values[a!] === 1) return '1/x';
    if (constant(a)) return `${number(a!)} ${sign}`;
    return constant(b) ? `${sign} ${number(b!)}` : sign;
}

export function layOut(
    nodes: readonly FormulaNode[],
    values: ArrayLike<number>,
): { placed: Placed[]; width: number; height: number } {
    const shown = nodes.map((n, i) => n.op !== 'scalar' || i === nodes.length - 1);
    const reads = nodes.map((n) => [...new Set(n.inputs.filter((i) => shown[i]))]);
    const depth = nodes.map(() => 0);
    nodes.forEach((_, i) => (depth[i] = Math.max(0, ...reads[i]!.map((r) => depth[r]! + 1))));
    // An input stands right before the first node that reads it.
    nodes.forEach((n, i) => {
        const users = reads.flatMap((r, k) => (r.includes(i) ? [depth[k]!] : []));
        if (n.op === 'input' && users.length) depth[i] = Math.min(...users) - 1;
    });
    const placed: Placed[] = [];
    const taken = new Map<number, number>(); // the lowest free row of each column
    const rows = nodes.map(() => NaN);
    let next = 0;
    const place = (i: number): number => {
        if (!Number.isNaN(rows[i]!)) return rows[i]!;
        const below = reads[i]!.map(place);
        const wanted = below.length ? below.reduce((a, b) => a + b) / below.length : next++;
        const free = taken.get(depth[i]!) ?? -Infinity;
        rows[i] = Math.max(wanted, free);
        taken.set(depth[i]!, rows[i]! + 1);
        return rows[i]!;
    };
    nodes.forEach((_, i) => shown[nodes.length - 1 - i] && place(nodes.length - 1 - i));
    nodes.forEach((n, i) => {
        if (!shown[i]) return;
        placed.push({
            node: i,
            label: labelOf(n, nodes, values),
            x: MARGIN + depth[i]! * COLUMN,
            y: MARGIN + rows[i]! * ROW,
            reads: reads[i]!,
        });
    });
    return {
        placed,
        width: Math.max(...placed.map((p) => p.x)) + COLUMN,
        height: Math.max(...placed.map((p) => p.y)) + MARGIN,
    };
}
