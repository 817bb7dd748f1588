// A number of a convolution's map taken apart: the window, the kernel and their products, element by element, for one
// of the input's channels; then the sums.
import type { Pixel } from 'soma-wasm';
import { decimal, t } from '../language';
import { css, mix, paper, signed } from './colours';

const CELL = 44,
    GAP = 40;

interface PixelPictureProps {
    pixel: Pixel;
    channel: number;
}

/** A colour that text can be read on. */
const pale = (share: number) =>
    css(mix(paper(), signed(Math.sign(share), paper()), 0.45 * Math.min(1, Math.abs(share))));

export function channelSum(pixel: Pixel, channel: number): number {
    const size = pixel.height * pixel.width;
    return pixel.products.subarray(channel * size, (channel + 1) * size).reduce((a, b) => a + b, 0);
}

export function PixelPicture({ pixel, channel }: PixelPictureProps) {
    const { height, width } = pixel,
        size = height * width;
    const grids = [
        { title: t('window'), values: pixel.inputs, sign: '×' },
        { title: t('kernel'), values: pixel.weights, sign: '=' },
        { title: t('products'), values: pixel.products, sign: '' },
    ];
    const w = 3 * width * CELL + 2 * GAP,
        h = height * CELL + 26;
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label={t('Window × kernel')}>
            <svg class="pixel" viewBox={`0 0 ${w + 2} ${h + 2}`} role="img" aria-label={t('Window × kernel')}>
                {grids.map(({ title, values, sign }, g) => {
                    const x = 1 + g * (width * CELL + GAP),
                        own = values.subarray(channel * size, (channel + 1) * size),
                        most = own.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
                    return (
                        <g data-grid={title}>
                            <text x={x} y={16} class="title">
                                {title}
                            </text>
                            {Array.from(own, (v, i) => {
                                const left = x + (i % width) * CELL,
                                    top = 24 + Math.floor(i / width) * CELL;
                                return (
                                    <g>
                                        <rect x={left} y={top} width={CELL} height={CELL} fill={pale(v / most)} />
                                        <text x={left + CELL / 2} y={top + CELL / 2 + 4} text-anchor="middle">
                                            {decimal(v, 2)}
                                        </text>
                                    </g>
                                );
                            })}
                            <text
                                x={x + width * CELL + GAP / 2}
                                y={24 + (height * CELL) / 2}
                                text-anchor="middle"
                                class="sign"
                            >
                                {sign}
                            </text>
                        </g>
                    );
                })}
            </svg>
        </div>
    );
}
