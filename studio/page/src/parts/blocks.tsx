// A convolutional network as blocks to scale: the front is height × width, what goes back are the channels; layers of
// units are bars. The window of the layer that is looked at stands on the block that it reads.
import type { DescriptionRow } from 'soma-wasm';
import { t } from '../language';

/** Pictures' pixels, channels and units in the drawing's pixels. */
const SIDE = 0.8,
    CHANNEL = 0.12,
    UNIT = 0.045;
const SLOT = 88,
    MIDDLE = 118,
    HEIGHT = 262;

/** "55×55×96" of [96, 55, 55]; "4096" of [4096]. */
export function sizeText(shape: readonly number[]): string {
    const [channels, height, width] = shape;
    return shape.length === 3 ? `${height}×${width}×${channels}` : shape.join('×');
}

interface BlocksProps {
    label: string;
    sample: number[];
    rows: readonly DescriptionRow[];
    /** The row that is looked at; -1: the picture that comes in. */
    chosen: number;
    onChoose: (row: number) => void;
}

interface Block {
    row: number;
    shape: number[];
    /** Of its front. */
    width: number;
    height: number;
    /** How far its back is shifted. */
    back: number;
}

function blockOf(shape: number[], row: number): Block {
    const [channels = 1, height = 1, width = 1] = shape;
    return shape.length === 3
        ? { row, shape, width: SIDE * width, height: SIDE * height, back: CHANNEL * channels * 0.7 }
        : { row, shape, width: 7, height: Math.max(2, UNIT * channels), back: 3 };
}

export function Blocks({ label, sample, rows, chosen, onChoose }: BlocksProps) {
    // Dropout changes no size: it has no block of its own, and stands for the one before it.
    const shown = rows.map((r) => !r.text.startsWith('dropout'));
    const blocks = [sample, ...rows.map((r) => r.output)]
        .map((shape, i) => blockOf(shape, i - 1))
        .filter((b) => b.row < 0 || shown[b.row]);
    let marked = chosen;
    while (marked >= 0 && !shown[marked]) marked--;
    let at = 8;
    const lefts = blocks.map((b) => {
        const slot = Math.max(SLOT, b.width + b.back + 18),
            left = at + (slot - b.width - b.back) / 2;
        at += slot;
        return left;
    });
    const window = rows[chosen]?.window;
    return (
        <div class="scroll" tabIndex={0} role="region" aria-label={label}>
            <svg
                class="blocks"
                viewBox={`0 0 ${at + 8} ${HEIGHT}`}
                style={{ minWidth: `${at * 0.72}px` }}
                role="img"
                aria-label={label}
            >
                {blocks.map((b, i) => {
                    const x = lefts[i]!,
                        y = MIDDLE - b.height / 2 + b.back / 2;
                    const [x1, y1, x2, y2] = [x + b.width, y, x + b.width + b.back, y - b.back];
                    const middle = x + (b.width + b.back) / 2;
                    return (
                        <g class={`block${b.row === marked ? ' chosen' : ''}`} onClick={() => onChoose(b.row)}>
                            <title>{`${b.row < 0 ? t('input') : rows[b.row]!.text}: ${sizeText(b.shape)}`}</title>
                            <rect
                                x={middle - SLOT / 2}
                                y={0}
                                width={SLOT}
                                height={HEIGHT}
                                fill="transparent"
                                stroke="none"
                            />
                            <path d={`M${x} ${y}L${x + b.back} ${y2}L${x2} ${y2}L${x1} ${y1}Z`} class="top" />
                            <path
                                d={`M${x1} ${y1}L${x2} ${y2}L${x2} ${y2 + b.height}L${x1} ${y1 + b.height}Z`}
                                class="flank"
                            />
                            <rect x={x} y={y} width={b.width} height={b.height} class="front" />
                            {window && blocks[i + 1]?.row === chosen && (
                                <rect
                                    class="window"
                                    x={x}
                                    y={y}
                                    width={SIDE * window.width}
                                    height={SIDE * window.height}
                                />
                            )}
                            <text x={middle} y={HEIGHT - 20} text-anchor="middle" class="size">
                                {sizeText(b.shape)}
                            </text>
                            <text x={middle} y={HEIGHT - 6} text-anchor="middle">
                                {b.row < 0 ? t('input') : rows[b.row]!.text.replace(/ .*/, '')}
                            </text>
                        </g>
                    );
                })}
            </svg>
        </div>
    );
}
