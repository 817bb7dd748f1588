// The presenter mode: large type, and a list of links that PageDown and PageUp turn over, as the buttons of a remote
// control do. The list is text, one link a line with a title behind it, and stays in the browser's storage.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../language';
import { rooms } from '../rooms/rooms';
import { lecture } from './lecture';

const KEY = 'soma-studio-links';

interface Stop {
    link: string;
    title: string;
}

/** The lecture's own list, as far as this page has its rooms. */
function ready(): string {
    const has = (link: string) => rooms.some((room) => link.split(/[/?]/)[1] === room.name);
    return lecture.flatMap(([link, title]) => (has(link) ? [`${link}  ${t(title)}`] : [])).join('\n');
}

/** Storage may be closed to a page (opened from a file, private windows): then the list lasts as long as the page. */
function stored(): string {
    try {
        return localStorage.getItem(KEY) || ready();
    } catch {
        return ready();
    }
}

function store(text: string): void {
    try {
        if (text.trim() && text.trim() !== ready()) localStorage.setItem(KEY, text);
        else localStorage.removeItem(KEY);
    } catch {
        // The list is kept on the page.
    }
}

/** Links may be whole addresses: what stands after '#' is this page's. */
function stopsOf(text: string): Stop[] {
    return text.split('\n').flatMap((line) => {
        const found = /^\s*\S*?(#\S*)\s*(.*?)\s*$/.exec(line);
        return found ? [{ link: found[1]!, title: found[2]! }] : [];
    });
}

function List({ text, onChange }: { text: string; onChange: (text: string) => void }) {
    const dialog = useRef<HTMLDialogElement>(null);
    const box = useRef<HTMLTextAreaElement>(null);
    const open = () => {
        box.current!.value = text;
        dialog.current!.showModal();
    };
    const use = () => {
        dialog.current!.close();
        onChange(box.current!.value);
    };
    return (
        <>
            <button type="button" onClick={open}>
                {t('List')}
            </button>
            <dialog ref={dialog} class="list" aria-label={t('Links to turn over')}>
                <h2>{t('Links to turn over')}</h2>
                <label for="links" class="note">
                    {t('One link a line, and a title behind it. “Link to this state” of each room gives the links.')}
                </label>
                <textarea id="links" ref={box} rows={14} spellcheck={false} wrap="off" />
                <div class="row">
                    <button type="button" class="main" onClick={use}>
                        {t('Use this list')}
                    </button>
                    <button type="button" onClick={() => (box.current!.value = ready())}>
                        {t('The lecture')}
                    </button>
                    <button type="button" onClick={() => dialog.current!.close()}>
                        {t('Leave as it is')}
                    </button>
                </div>
            </dialog>
        </>
    );
}

export function Presenter({ onLeave }: { onLeave: () => void }) {
    const [text, setText] = useState(stored);
    const stops = stopsOf(text);
    const [at, setAt] = useState(() => stops.findIndex((s) => s.link === location.hash));
    const go = (to: number) => {
        const stop = stops[to];
        if (!stop) return;
        setAt(to);
        location.hash = stop.link;
    };
    const latest = useRef({ go, at, onLeave });
    latest.current = { go, at, onLeave };
    useEffect(() => {
        const pressed = (e: KeyboardEvent) => {
            const busy = document.querySelector('dialog[open]');
            if (busy || e.ctrlKey || e.altKey || e.metaKey) return;
            const now = latest.current;
            if (e.key === 'PageDown') now.go(now.at + 1);
            else if (e.key === 'PageUp') now.go(now.at - 1);
            else if (e.key === 'Escape') now.onLeave();
            else return;
            e.preventDefault();
        };
        addEventListener('keydown', pressed, { capture: true });
        return () => removeEventListener('keydown', pressed, { capture: true });
    }, []);
    const change = (next: string) => {
        const list = next.trim() ? next : ready();
        store(list);
        setText(list);
        setAt(stopsOf(list).findIndex((s) => s.link === location.hash));
    };
    return (
        <footer class="presenter" aria-label={t('Presenter')}>
            <button type="button" onClick={() => go(at - 1)} disabled={at <= 0} aria-label={t('Page before')}>
                ←
            </button>
            <button
                type="button"
                class="main"
                onClick={() => go(at + 1)}
                disabled={at + 1 >= stops.length}
                aria-label={t('Next page')}
            >
                →
            </button>
            <span class="where">
                {at < 0 ? '–' : at + 1} / {stops.length}
            </span>
            <strong>{stops[at]?.title}</strong>
            <List text={text} onChange={change} />
            <button type="button" onClick={onLeave}>
                {t('Leave')} (Esc)
            </button>
        </footer>
    );
}
