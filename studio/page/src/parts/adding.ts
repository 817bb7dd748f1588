// Points added to a picture of the plane: by a click, or by the arrow keys, which move a cross, and Enter or the space bar.
// With Shift it is a point of the other class.
import { useState } from 'preact/hooks';

type Add = (x: number, y: number, other: boolean) => void;
type Place = readonly [x: number, y: number];

const MOVES: Record<string, Place> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, 1],
    ArrowDown: [0, -1],
};
/** Steps of the cross from edge to edge. */
const STEPS = 40;

/** What a picture from -reach to reach takes as attributes, and where the cross stands while keys move it. */
export function useAdding(reach: number, onAdd: Add | undefined) {
    const [cross, setCross] = useState<Place>();
    if (!onAdd) return { cross: undefined, attributes: {} };
    const within = (v: number) => Math.max(-reach, Math.min(reach, v));
    const onClick = (e: MouseEvent) => {
        const box = (e.currentTarget as Element).getBoundingClientRect();
        setCross(undefined);
        onAdd(
            ((e.clientX - box.left) / box.width - 0.5) * 2 * reach,
            (0.5 - (e.clientY - box.top) / box.height) * 2 * reach,
            e.shiftKey,
        );
    };
    const onKeyDown = (e: KeyboardEvent) => {
        const move = MOVES[e.key],
            [x, y] = cross ?? [0, 0];
        if (!move && e.key !== 'Enter' && e.key !== ' ') return;
        e.preventDefault();
        if (move) setCross([within(x + (move[0] * 2 * reach) / STEPS), within(y + (move[1] * 2 * reach) / STEPS)]);
        else {
            setCross([x, y]);
            onAdd(x, y, e.shiftKey);
        }
    };
    return { cross, attributes: { tabIndex: 0, onClick, onKeyDown, onBlur: () => setCross(undefined) } };
}
