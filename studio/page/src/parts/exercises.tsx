// Tasks of a room that check themselves: each is a sentence and what must be true of the room's state. A task that was
// done stays done until the page is left.
import { useRef } from 'preact/hooks';
import { t } from '../language';
import { useShown } from './view';

export interface Exercise<S> {
    text: string;
    done: (state: S) => boolean;
}

interface ExercisesProps<S> {
    list: readonly Exercise<S>[];
    /** Undefined as long as the room has nothing to look at. */
    state: S | undefined;
    /** Leads to settings from which the tasks begin. */
    link: string;
}

export function Exercises<S>({ list, state, link }: ExercisesProps<S>) {
    const done = useRef(new Set<number>());
    if (state !== undefined)
        list.forEach((exercise, i) => {
            if (!done.current.has(i) && exercise.done(state)) done.current.add(i);
        });
    if (!useShown('Exercises')) return null;
    return (
        <details class="exercises">
            <summary>
                {t('Exercises')}: {done.current.size} / {list.length}
            </summary>
            <ol aria-label={t('Exercises')}>
                {list.map((exercise, i) => (
                    <li data-done={done.current.has(i)}>
                        <span aria-hidden="true">{done.current.has(i) ? '✓' : '○'}</span> {t(exercise.text)}
                        <span class="hidden"> ({t(done.current.has(i) ? 'done' : 'not yet done')})</span>
                    </li>
                ))}
            </ol>
            <a href={link}>{t('A place to begin')}</a>
        </details>
    );
}
