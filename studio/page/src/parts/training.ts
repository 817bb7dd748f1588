// Asks the engine for slices of training as long as a room runs. The next slice is asked for before the last is drawn,
// so that engine and page work at the same time.
import { useEffect, useRef, useState } from 'preact/hooks';

/** Until the browser has painted, so that no more is drawn than it can show; a hidden page goes on without. */
const painted = () =>
    new Promise((done) => (document.hidden ? setTimeout(done, 0) : requestAnimationFrame(() => setTimeout(done, 0))));

export interface Training {
    running: boolean;
    start: () => void;
    stop: () => void;
    toggle: () => void;
}

export function useTraining<F>(
    run: () => Promise<F>,
    show: (frame: F) => void,
    failed: (message: string) => void,
): Training {
    const [running, setRunning] = useState(false);
    const latest = useRef({ run, show, failed });
    latest.current = { run, show, failed };
    useEffect(() => {
        if (!running) return;
        let on = true;
        void (async () => {
            try {
                let frame = await latest.current.run();
                while (on) {
                    const next = latest.current.run();
                    latest.current.show(frame);
                    await painted();
                    frame = await next;
                }
                // What the engine did last is shown too, so that page and engine stand at the same step.
                latest.current.show(frame);
            } catch (error) {
                latest.current.failed(error instanceof Error ? error.message : String(error));
                setRunning(false);
            }
        })();
        return () => {
            on = false;
        };
    }, [running]);
    return {
        running,
        start: () => setRunning(true),
        stop: () => setRunning(false),
        toggle: () => setRunning((r) => !r),
    };
}
