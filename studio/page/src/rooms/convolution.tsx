// Convolution: by hand over a few numbers, as a filter over a picture, and as what a network knows about pictures.
import { useRef, useState } from 'preact/hooks';
import { t } from '../language';
import { Exercises, type Exercise } from '../parts/exercises';
import { linkTo } from '../router';
import { Locality, type LocalityState } from './convolution_locality';
import { Picture, type PictureState } from './convolution_picture';
import { Steps, type StepsState } from './convolution_steps';
import type { RoomProps } from './rooms';

interface State {
    steps?: StepsState;
    picture?: PictureState;
    locality?: LocalityState;
}

const exercises: readonly Exercise<State>[] = [
    {
        text: 'With a 5 × 5 kernel and stride 1, give the convolution’s output the size of its picture.',
        done: ({ steps }) =>
            steps?.config.kind === 'convolution' &&
            steps.config.kernel.every((k) => k === 5) &&
            steps.config.stride === 1 &&
            steps.places?.join() === steps.config.picture.join(),
    },
    {
        text: 'Make a complex cell answer to the upright boards of the fence, and put the frame where it answers with more than 80 % of its largest number.',
        done: ({ picture: p }) =>
            p !== undefined &&
            p.settings.scene === 'house' &&
            !p.filter.kernels &&
            (p.filter.cell === 'energy' || p.filter.cell === 'pooled') &&
            Math.abs(p.settings.orientation - 90) <= 10 &&
            p.settings.row > 92 - p.settings.wavelength &&
            p.value > 0.8 * p.largest,
    },
    {
        text: 'Train until LeNet leads by 20 percentage points on moved digits, and see it fall behind on shuffled ones.',
        done: ({ locality: l }) =>
            l !== undefined &&
            l.shift > 0 &&
            l.frame.lenet.moved[l.shift]! - l.frame.perceptron.moved[l.shift]! >= 0.2 &&
            l.frame.lenet.shuffled < l.frame.perceptron.shuffled,
    },
];

const parts = [
    ['', 'All of it'],
    ['steps', 'By hand'],
    ['picture', 'On a picture'],
    ['locality', 'Why not a perceptron'],
] as const;

/** Parts tell it how they stand, some many times a second: it alone is drawn again then. */
function Tasks({ listen }: { listen: (tell: (part: State) => void) => void }) {
    const [state, setState] = useState<State>({});
    listen((part) => setState((s) => ({ ...s, ...part })));
    const start = { example: 'convolution', kernel: '5x5', scene: 'house', orientation: '0', shift: '2' };
    return <Exercises list={exercises} state={state} link={linkTo('convolution', start)} />;
}

/** What a link says; another link begins anew. */
function Inside({ settings }: RoomProps) {
    const tell = useRef<(part: State) => void>(() => undefined);
    const part = settings.get('part') ?? '';
    const shown = (name: string) => !part || part === name || !parts.some(([known]) => known === part);
    return (
        <main class="room convolution">
            <h1>{t('Convolution')}</h1>
            <nav class="row" aria-label={t('Parts of the room')}>
                {parts.map(([name, title]) => (
                    <a
                        href={linkTo('convolution', name ? { part: name } : {})}
                        aria-current={name === part ? 'true' : undefined}
                    >
                        {t(title)}
                    </a>
                ))}
            </nav>
            {shown('steps') && <Steps settings={settings} onState={(steps) => tell.current({ steps })} />}
            {shown('picture') && <Picture settings={settings} onState={(picture) => tell.current({ picture })} />}
            {shown('locality') && <Locality settings={settings} onState={(locality) => tell.current({ locality })} />}
            <Tasks listen={(listener) => (tell.current = listener)} />
        </main>
    );
}

export function Convolution({ settings }: RoomProps) {
    return <Inside key={settings.toString()} settings={settings} />;
}
