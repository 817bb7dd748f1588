// The four tasks with pictures, drawn: one scene with a cat and two dogs' heads, and what a network is to say of it.
import { decimal, t } from '../language';
import { Figure } from './figure';

interface Head {
    name: 'cat' | 'dog';
    x: number;
    y: number;
    size: number;
}
const CAT: Head = { name: 'cat', x: 62, y: 92, size: 34 };
const DOGS: readonly Head[] = [
    { name: 'dog', x: 150, y: 58, size: 24 },
    { name: 'dog', x: 206, y: 115, size: 20 },
];

/** The outline of a head with ears: pointed ones of the cat, hanging ones of a dog. */
function outline({ name, x, y, size: s }: Head): string {
    const point = (dx: number, dy: number) => `${(x + dx * s).toFixed(1)} ${(y + dy * s).toFixed(1)}`;
    return name === 'cat'
        ? `M${point(-0.9, 0)}L${point(-0.85, -1.1)}L${point(-0.3, -0.75)}Q${point(0, -0.85)} ${point(0.3, -0.75)}L${point(0.85, -1.1)}L${point(0.9, 0)}` +
              `C${point(0.9, 0.6)} ${point(0.45, 0.85)} ${point(0, 0.85)}C${point(-0.45, 0.85)} ${point(-0.9, 0.6)} ${point(-0.9, 0)}Z`
        : `M${point(-0.6, -0.7)}Q${point(0, -1.05)} ${point(0.6, -0.7)}C${point(1.25, -0.7)} ${point(1.25, 0.3)} ${point(0.95, 0.45)}` +
              `L${point(0.7, 0.2)}C${point(0.7, 0.75)} ${point(0.4, 1)} ${point(0, 1)}C${point(-0.4, 1)} ${point(-0.7, 0.75)} ${point(-0.7, 0.2)}` +
              `L${point(-0.95, 0.45)}C${point(-1.25, 0.3)} ${point(-1.25, -0.7)} ${point(-0.6, -0.7)}Z`;
}

function Face(head: Head) {
    const { x, y, size: s } = head;
    return (
        <g>
            <path d={outline(head)} class="head" />
            <circle cx={x - 0.33 * s} cy={y - 0.15 * s} r={0.09 * s} class="ink" />
            <circle cx={x + 0.33 * s} cy={y - 0.15 * s} r={0.09 * s} class="ink" />
            <path d={`M${x - 0.12 * s} ${y + 0.18 * s}h${0.24 * s}l${-0.12 * s} ${0.15 * s}Z`} class="ink" />
            <path
                d={`M${x - 0.3 * s} ${y + 0.48 * s}Q${x} ${y + 0.68 * s} ${x + 0.3 * s} ${y + 0.48 * s}`}
                class="line"
            />
        </g>
    );
}

function Box({ head, text }: { head: Head; text: string }) {
    const { x, y, size: s } = head,
        reach = 1.25 * s;
    return (
        <g class="found">
            <rect x={x - reach} y={y - reach} width={2 * reach} height={2 * reach} class="box" />
            <Tag x={x - reach} y={y - reach - 4} text={text} />
        </g>
    );
}

/** A name above an object, which ends with the picture where it would go beyond. */
function Tag({ x, y, text }: { x: number; y: number; text: string }) {
    const last = x > 170;
    return (
        <text x={last ? 234 : x} y={y} text-anchor={last ? 'end' : 'start'} class="tag">
            {text}
        </text>
    );
}

/** Each object has a pattern of its own. */
const PATTERNS = ['M0 3H6', 'M3 0V6', 'M0 6L6 0'] as const;
const heads = [CAT, ...DOGS];

interface Task {
    /** Its picture's name when saved. */
    file: string;
    title: string;
    text: string;
    output: string;
    heads: readonly Head[];
    over: () => preact.JSX.Element;
}

const tasks: readonly Task[] = [
    {
        file: 'classification',
        title: 'Classification',
        text: 'What is in the picture? One answer for all of it.',
        output: 'The network gives a probability for each class: 1000 numbers of a softmax in AlexNet.',
        heads: [CAT],
        over: () => <Tag x={10} y={20} text={`${t('cat')}: ${decimal(0.97, 2)}`} />,
    },
    {
        file: 'localisation',
        title: 'Classification and localisation',
        text: 'What is it, and where? There is one object.',
        output: 'Beside the classes the network gives four numbers more: the box’s place, width and height.',
        heads: [CAT],
        over: () => <Box head={CAT} text={`${t('cat')} · x, y, w, h`} />,
    },
    {
        file: 'detection',
        title: 'Object detection',
        text: 'Which objects are there, and where is each? Nobody says how many.',
        output: 'For each of many places the network gives four numbers of a box, classes, and whether anything is there; boxes of one object are merged.',
        heads,
        over: () => (
            <>
                {heads.map((head, i) => (
                    <Box head={head} text={head.name === 'cat' ? t('cat') : `${t('dog')} ${i}`} />
                ))}
            </>
        ),
    },
    {
        file: 'segmentation',
        title: 'Instance segmentation',
        text: 'Which pixels belong to which object? Two dogs are told apart.',
        output: 'For each object the network gives, beside class and box, a mask: a probability for each pixel.',
        heads,
        over: () => (
            <>
                {heads.map((head, i) => (
                    <g class={`mask mask${i}`}>
                        <path d={outline(head)} fill={`url(#mask${i})`} class="edge" />
                        <Tag
                            x={head.x - head.size}
                            y={head.y - 1.2 * head.size}
                            text={head.name === 'cat' ? t('cat') : `${t('dog')} ${i}`}
                        />
                    </g>
                ))}
            </>
        ),
    },
];

export function TaskPictures() {
    return (
        <div class="tasks">
            {tasks.map((task, number) => (
                <section aria-label={t(task.title)}>
                    <h3>{t(task.title)}</h3>
                    <Figure name={task.file}>
                        <svg viewBox="0 0 240 150" role="img" aria-label={`${t(task.title)}: ${t(task.text)}`}>
                            {number === 3 && (
                                <defs>
                                    {PATTERNS.map((d, i) => (
                                        <pattern id={`mask${i}`} width="6" height="6" patternUnits="userSpaceOnUse">
                                            <path d={d} class={`hatch mask${i}`} />
                                        </pattern>
                                    ))}
                                </defs>
                            )}
                            <rect x="1" y="1" width="238" height="148" class="scene" />
                            <path d="M1 112H239" class="line" />
                            {task.heads.map(Face)}
                            {task.over()}
                        </svg>
                    </Figure>
                    <p>{t(task.text)}</p>
                    <p class="note">{t(task.output)}</p>
                </section>
            ))}
        </div>
    );
}
