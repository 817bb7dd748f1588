// The width of an element on the page.
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** The width that a picture has on the page, so that its letters keep their size. */
export function useWidth<E extends HTMLElement>(): { box: RefObject<E>; width: number } {
    const box = useRef<E>(null);
    const [width, setWidth] = useState(480);
    // Before the first painting, so that nothing is seen to change.
    useLayoutEffect(() => {
        const measure = () => setWidth(Math.max(240, box.current?.clientWidth ?? 0));
        const watcher = new ResizeObserver(measure);
        measure();
        watcher.observe(box.current!);
        return () => watcher.disconnect();
    }, []);
    return { box, width };
}
