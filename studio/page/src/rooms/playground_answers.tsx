// What the playground's network answers, in the picture that belongs to the task, and how well.
import { GRID, REACH, type Described, type Frame } from '../engine/playground';
import { PICTURE_SIDE } from '../engine/playground_data';
import { decimal, lossText, percent, t } from '../language';
import { LinePlot } from '../parts/line_plot';
import { Painting } from '../parts/painting';
import { Plane } from '../parts/plane';
import type { PlaygroundSettings } from './playground_settings';

interface Props {
    s: PlaygroundSettings;
    described: Described | undefined;
    frame: Frame | undefined;
    onAdd: (x: number, y: number, other: boolean) => void;
}

export function Picture({ s, described, frame, onAdd }: Props) {
    const points = described ? [described.train, ...(s.showTest ? [{ ...described.test, open: true }] : [])] : [];
    if (s.task === 'paint')
        return <Painting label={t('The picture as the network paints it')} colours={frame?.grid} side={GRID} upward />;
    if (s.task === 'regress')
        return (
            <LinePlot
                label={t('The curve of the answers, and the points')}
                answers={frame?.grid}
                reach={REACH}
                points={points}
                onAdd={(x, y) => onAdd(x, y, false)}
            />
        );
    return (
        <Plane
            label={t('The answers over the plane, and the points')}
            grid={frame?.grid}
            side={GRID}
            outputs={described?.outputs ?? 1}
            reach={REACH}
            discretise={s.discretise}
            onAdd={onAdd}
            points={points}
        />
    );
}

/** What stands beside the network's answers: the picture to be painted, or what a line makes of the points. */
export function Beside({ s, described, frame }: Omit<Props, 'onAdd'>) {
    if (s.task === 'paint')
        return (
            <div class="beside-network">
                <h2>{t('The picture to be painted')}</h2>
                <Painting label={t('The picture to be painted')} colours={described?.picture} side={PICTURE_SIDE} />
            </div>
        );
    if (!frame?.linear || !described) return null;
    const { grid, train, test } = frame.linear;
    return (
        <div class="beside-network">
            <h2>{t('A linear classifier')}</h2>
            <Plane
                label={t('What a linear classifier answers over the plane')}
                grid={grid}
                side={GRID}
                outputs={described.outputs}
                reach={REACH}
                discretise={s.discretise}
                points={[described.train, ...(s.showTest ? [{ ...described.test, open: true }] : [])]}
            />
            <dl class="numbers">
                <dt>{t('linear, test')}</dt>
                <dd>
                    {percent(test.accuracy)} · {lossText(test.loss)}
                </dd>
                <dt>{t('network, test')}</dt>
                <dd>
                    {percent(frame.test.accuracy)} · {lossText(frame.test.loss)}
                </dd>
                <dt>{t('linear, training')}</dt>
                <dd>
                    {percent(train.accuracy)} · {lossText(train.loss)}
                </dd>
            </dl>
        </div>
    );
}

export function Numbers({
    frame,
    best,
}: {
    frame: Frame | undefined;
    best: { epoch: number; loss: number } | undefined;
}) {
    const standing = (m: Frame['train'] | undefined) =>
        `${decimal(m?.loss ?? NaN, 4)}${m && Number.isFinite(m.accuracy) ? ` · ${percent(m.accuracy)}` : ''}`;
    const tested = frame && !Number.isNaN(frame.test.loss);
    return (
        <dl class="numbers">
            <dt>{t('training')}</dt>
            <dd>{standing(frame?.train)}</dd>
            {tested && (
                <>
                    <dt>{t('test')}</dt>
                    <dd>{standing(frame?.test)}</dd>
                    <dt>{t('gap')}</dt>
                    <dd>{decimal((frame?.test.loss ?? NaN) - (frame?.train.loss ?? NaN), 4)}</dd>
                </>
            )}
            {best && <dt>{t('lowest test loss')}</dt>}
            {best && (
                <dd>
                    {decimal(best.loss, 4)} ({t('epoch')} {best.epoch})
                </dd>
            )}
            <dt>{t('engine')}</dt>
            <dd>
                {decimal((frame?.speed ?? 0) / 1e6, 2)} {t('million examples a second')}, {t('picture')}{' '}
                {decimal(frame?.gridMs ?? NaN, 1)} {t('ms')}
            </dd>
        </dl>
    );
}
