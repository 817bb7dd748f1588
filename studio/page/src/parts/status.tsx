// The line that says how training stands. Screen readers read it aloud, so it changes at most once a second.
import { useEffect, useRef, useState } from 'preact/hooks';
import { lossText, percent, t } from '../language';

export interface Standing {
    epoch: number;
    loss: number;
    /** Share of right answers on the test part; NaN where there is none. */
    accuracy: number;
}

export function standingText(s: Standing | undefined): string {
    if (!s) return t('ready');
    const accuracy = Number.isNaN(s.accuracy) ? '' : ` · ${t('accuracy')} ${percent(s.accuracy)}`;
    return `${t('epoch')} ${s.epoch} · ${t('loss')} ${lossText(s.loss)}${accuracy}`;
}

export function Status({ text }: { text: string }) {
    const [shown, setShown] = useState(text);
    const last = useRef(-Infinity);
    const newest = useRef(text);
    newest.current = text;
    useEffect(() => {
        if (text === shown) return;
        const timer = setTimeout(
            () => {
                last.current = performance.now();
                setShown(newest.current);
            },
            Math.max(0, last.current + 1000 - performance.now()),
        );
        return () => clearTimeout(timer);
    }, [text === shown]);
    return (
        <p role="status" class="status">
            {shown}
        </p>
    );
}
