// What costs much to draw is drawn less often than frames come, and in a task of its own, so that no task is long.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

interface LateProps<T> {
    /** The newest that there is to draw. */
    value: T;
    /** Milliseconds between two drawings. */
    every: number;
    children: (value: T) => ComponentChildren;
}

export function Late<T>({ value, every, children }: LateProps<T>) {
    const [drawn, setDrawn] = useState(value);
    const newest = useRef(value);
    const timer = useRef<number>();
    newest.current = value;
    useEffect(() => {
        timer.current ??= window.setTimeout(() => {
            timer.current = undefined;
            setDrawn(newest.current);
        }, every);
    }, [value]);
    useEffect(() => () => clearTimeout(timer.current), []);
    return useMemo(() => <>{children(drawn)}</>, [drawn]);
}
