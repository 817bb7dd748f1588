// The points as a layer sees them: two of its units are the axes. What is tangled in the plane comes apart here.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../language';
import { css, paper } from './colours';
import { Choice } from './controls';
import { Figure } from './figure';
import { drawMark } from './plane';

interface Props {
    layers: number[];
    /** The chosen layer's outputs, points × units. */
    values: Float32Array | undefined;
    labels: Float32Array;
    onLayer: (layer: number) => void;
}

const SIZE = 260;

export function Space({ layers, values, labels, onLayer }: Props) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const [layer, setLayer] = useState(-1);
    const [pair, setPair] = useState<[number, number]>([0, 1]);
    const units = layers[layer] ?? 0;
    const [a, b] = pair.map((u) => Math.min(u, Math.max(0, units - 1))) as [number, number];
    useEffect(() => {
        setLayer(-1);
        onLayer(-1);
    }, [layers.join()]);
    useEffect(() => {
        const c = canvas.current?.getContext('2d');
        if (!c || !values || values.length !== labels.length * units) return;
        let reach = 0.5;
        for (let i = 0; i < labels.length; i++)
            reach = Math.max(reach, Math.abs(values[i * units + a]!), Math.abs(values[i * units + b]!));
        c.fillStyle = css(paper());
        c.fillRect(0, 0, SIZE, SIZE);
        for (let i = 0; i < labels.length; i++) {
            const at = (v: number) => SIZE * (0.5 + (0.46 * v) / reach);
            drawMark(c, at(values[i * units + a]!), SIZE - at(values[i * units + b]!), labels[i]!, 3, false);
        }
    });
    const names = Array.from({ length: units }, (_, i) => [`${i}`, `${i + 1}`] as const);
    const choose = (value: string) => {
        setLayer(Number(value));
        onLayer(Number(value));
    };
    return (
        <div class="space">
            <div class="row">
                <Choice
                    label="Points as seen by"
                    value={`${layer}`}
                    onChange={choose}
                    options={[['-1', 'no layer'], ...layers.map((_, i) => [`${i}`, `${t('layer')} ${i + 1}`] as const)]}
                />
                {layer >= 0 && (
                    <Choice label="across" value={`${a}`} options={names} onChange={(v) => setPair([Number(v), b])} />
                )}
                {layer >= 0 && (
                    <Choice label="up" value={`${b}`} options={names} onChange={(v) => setPair([a, Number(v)])} />
                )}
            </div>
            {layer >= 0 && (
                <Figure name="playground-space">
                    <canvas
                        ref={canvas}
                        width={SIZE}
                        height={SIZE}
                        role="img"
                        aria-label={t('The points in the space of the layer')}
                    />
                </Figure>
            )}
        </div>
    );
}
