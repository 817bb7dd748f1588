// A canvas to draw a digit on: by mouse, pen or finger, or by the arrow keys with the space bar to lower the pen. What is
// drawn goes out as numbers from 0 to 1, no oftener than they are taken.
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../language';

const SIDE = 280,
    STROKE = 22,
    MOVE = 10;

export interface Ink {
    ink: Float32Array;
    height: number;
    width: number;
}

interface DigitPadProps {
    /** Strokes vanish when this changes. */
    cleared: number;
    onInk: (ink: Ink) => Promise<void>;
}

export function DigitPad({ cleared, onInk }: DigitPadProps) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const strokes = useRef<number[][]>([]);
    const pen = useRef({ x: SIDE / 2, y: SIDE / 4, down: false, drawing: false, keys: false });
    const sending = useRef({ busy: false, again: false });

    const paint = () => {
        const c = canvas.current!.getContext('2d', { willReadFrequently: true })!;
        c.clearRect(0, 0, SIDE, SIDE);
        c.strokeStyle = c.fillStyle = getComputedStyle(canvas.current!).color;
        c.lineCap = c.lineJoin = 'round';
        c.lineWidth = STROKE;
        for (const points of strokes.current) {
            c.beginPath();
            c.moveTo(points[0]!, points[1]!);
            // A point alone is a dot.
            for (let i = 0; i < points.length; i += 2) c.lineTo(points[i]!, points[i + 1]!);
            c.stroke();
        }
        return c;
    };
    const send = async () => {
        if (sending.current.busy) {
            sending.current.again = true;
            return;
        }
        sending.current = { busy: true, again: false };
        const { data } = paint().getImageData(0, 0, SIDE, SIDE);
        const ink = new Float32Array(SIDE * SIDE);
        for (let i = 0; i < ink.length; i++) ink[i] = data[4 * i + 3]! / 255;
        show();
        try {
            await onInk({ ink, height: SIDE, width: SIDE });
        } finally {
            sending.current.busy = false;
            if (sending.current.again && canvas.current) void send();
        }
    };
    /** The strokes, and the pen where keys move it. */
    const show = () => {
        // A blur may come when the room is left.
        if (!canvas.current) return;
        const c = paint(),
            { x, y, down, keys } = pen.current;
        if (!keys) return;
        c.lineWidth = 3;
        c.strokeStyle = getComputedStyle(canvas.current!).getPropertyValue('--accent');
        c.beginPath();
        c.arc(x, y, down ? STROKE / 2 : STROKE / 2 + 6, 0, 7);
        c.stroke();
    };
    useEffect(() => {
        strokes.current = [];
        pen.current.down = false;
        show();
    }, [cleared]);

    const place = (e: PointerEvent): [number, number] => {
        const box = canvas.current!.getBoundingClientRect();
        return [((e.clientX - box.left) / box.width) * SIDE, ((e.clientY - box.top) / box.height) * SIDE];
    };
    const begin = (e: PointerEvent) => {
        if (e.button !== 0) return;
        canvas.current!.setPointerCapture(e.pointerId);
        pen.current.drawing = true;
        pen.current.keys = false;
        strokes.current.push(place(e));
        void send();
    };
    const go = (e: PointerEvent) => {
        if (!pen.current.drawing) return;
        for (const step of e.getCoalescedEvents?.().length ? e.getCoalescedEvents() : [e])
            strokes.current.at(-1)!.push(...place(step));
        void send();
    };
    const end = () => (pen.current.drawing = false);
    const key = (e: KeyboardEvent) => {
        const moves: Record<string, [number, number]> = {
            ArrowLeft: [-MOVE, 0],
            ArrowRight: [MOVE, 0],
            ArrowUp: [0, -MOVE],
            ArrowDown: [0, MOVE],
        };
        const p = pen.current,
            move = moves[e.key];
        if (!move && e.key !== ' ') return;
        e.preventDefault();
        p.keys = true;
        if (move) {
            p.x = Math.max(STROKE / 2, Math.min(SIDE - STROKE / 2, p.x + move[0]));
            p.y = Math.max(STROKE / 2, Math.min(SIDE - STROKE / 2, p.y + move[1]));
            if (p.down) strokes.current.at(-1)!.push(p.x, p.y);
        } else {
            p.down = !p.down;
            if (p.down) strokes.current.push([p.x, p.y]);
        }
        if (p.down) void send();
        else show();
    };
    return (
        <canvas
            ref={canvas}
            class="pad"
            width={SIDE}
            height={SIDE}
            tabIndex={0}
            role="img"
            aria-label={t('Draw a digit')}
            onPointerDown={begin}
            onPointerMove={go}
            onPointerUp={end}
            onPointerCancel={end}
            onKeyDown={key}
            onBlur={() => ((pen.current.keys = false), show())}
        />
    );
}
