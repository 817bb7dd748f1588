// A model's graph: its nodes from top to bottom, in a box that scrolls and can be made larger and smaller. One node is
// chosen; arrows lead from node to node. Of a very long network only what is in sight is drawn.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../language';
import { Figure } from './figure';
import { BOX, type ModelLayout, type PlacedNode } from './model_layout';

interface Props {
    layout: ModelLayout;
    /** The number of the chosen node in the file. */
    chosen: number | undefined;
    onChoose: (node: number) => void;
}

const ZOOMS = [0.25, 0.4, 0.6, 0.8, 1, 1.25, 1.6];
/** More nodes than this are drawn only where they can be seen. */
const MANY = 300;

const short = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

export function ModelGraph({ layout, chosen, onChoose }: Props) {
    const box = useRef<HTMLDivElement>(null);
    const [zoom, setZoom] = useState(1);
    const [sight, setSight] = useState<[number, number]>([0, 2000]);
    const many = layout.nodes.length > MANY;
    const look = () => {
        const b = box.current;
        if (b && many) setSight([b.scrollTop / zoom - 400, (b.scrollTop + b.clientHeight) / zoom + 400]);
    };
    useEffect(look, [zoom, layout]);
    useEffect(() => {
        const b = box.current;
        if (!b) return;
        // As wide as the box, if the names can be read then.
        const fitting = ZOOMS.filter((z) => z * layout.width <= b.clientWidth && z <= 1).at(-1);
        setZoom(fitting ?? 0.6);
        b.scrollTop = 0;
    }, [layout]);

    const order = layout.nodes.filter((n) => n.kind === 'node');
    const key = (e: KeyboardEvent, at: PlacedNode) => {
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key];
        if (e.key === 'Enter' || e.key === ' ') onChoose(at.node);
        else if (step === undefined) return;
        else {
            const next = order[order.indexOf(at) + step];
            if (next) {
                onChoose(next.node);
                box.current?.querySelector<SVGGElement>(`[data-node="${next.node}"]`)?.focus();
            }
        }
        e.preventDefault();
    };
    const seen = (y: number) => !many || (y > sight[0] && y < sight[1]);
    const drawn = layout.nodes.filter((n) => seen(n.y) || n.node === chosen);
    // One node is reached by Tab, the others from there by arrows.
    const entry = order.some((n) => n.node === chosen) ? chosen : order[0]?.node;
    const at = ZOOMS.indexOf(zoom);
    return (
        <Figure name="graph">
            <div class="row">
                <button
                    type="button"
                    aria-label={t('Smaller')}
                    disabled={at <= 0}
                    onClick={() => setZoom(ZOOMS[at - 1]!)}
                >
                    −
                </button>
                <span>{Math.round(100 * zoom)} %</span>
                <button
                    type="button"
                    aria-label={t('Larger')}
                    disabled={at === ZOOMS.length - 1}
                    onClick={() => setZoom(ZOOMS[at + 1]!)}
                >
                    +
                </button>
            </div>
            <div
                class="model-nodes"
                ref={box}
                tabIndex={0}
                role="region"
                aria-label={t('Graph of the model')}
                onScroll={look}
            >
                <svg
                    width={layout.width * zoom}
                    height={layout.height * zoom}
                    viewBox={`0 0 ${layout.width} ${layout.height}`}
                    role="group"
                    aria-label={t('The nodes of the model')}
                >
                    {layout.edges.map((d) => {
                        const y = Number(/ (-?[\d.]+)C/.exec(d)?.[1] ?? 0);
                        return seen(y) ? <path class="edge" d={d} /> : undefined;
                    })}
                    {drawn.map((n) => (
                        <g
                            class={n.node === chosen && n.kind === 'node' ? 'place chosen' : 'place'}
                            {...(n.kind === 'node'
                                ? {
                                      'data-node': n.node,
                                      role: 'button',
                                      tabindex: n.node === entry ? 0 : -1, // in lower case: SVG's attributes keep theirs
                                      'aria-pressed': n.node === chosen,
                                      'aria-label': n.text,
                                      onClick: () => onChoose(n.node),
                                      onKeyDown: (e: KeyboardEvent) => key(e, n),
                                  }
                                : {})}
                        >
                            <title>{n.text}</title>
                            <rect
                                x={n.x - BOX.width / 2}
                                y={n.y - BOX.height / 2}
                                width={BOX.width}
                                height={BOX.height}
                                rx={n.kind === 'node' ? 8 : BOX.height / 2}
                                class={n.kind === 'node' ? 'op' : 'leaf'}
                            />
                            <text x={n.x} y={n.y - (n.lines.length > 1 ? 10 : 2)} text-anchor="middle" class="title">
                                {short(n.title, 20)}
                            </text>
                            {n.lines.map((line, i) => (
                                <text
                                    x={n.x}
                                    y={n.y + (n.lines.length > 1 ? 6 : 16) + 15 * i}
                                    text-anchor="middle"
                                    class={i ? 'weights' : 'shape'}
                                >
                                    {short(i ? `${t('weights')} ${line}` : line, 26)}
                                </text>
                            ))}
                        </g>
                    ))}
                </svg>
            </div>
        </Figure>
    );
}
