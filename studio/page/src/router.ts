// The address after '#': a room and its settings, "#/playground?noise=0.1"; and before it what holds for all rooms:
// "?lang=ru&embed=1".
import { useEffect, useState } from 'preact/hooks';

export interface Place {
    room: string;
    settings: URLSearchParams;
    /** Counts the links that were followed: the room begins anew with each. */
    visit: number;
}

/** Settings that change what shows of a room but not the room itself. */
const VIEW = ['show', 'hide'] as const;

function read(visit: number): Place {
    const [room = '', settings = ''] = location.hash.replace(/^#\/?/, '').split('?');
    return { room: room || 'playground', settings: new URLSearchParams(settings), visit };
}

function essence({ room, settings }: Place): string {
    const rest = new URLSearchParams(settings);
    VIEW.forEach((key) => rest.delete(key));
    return `${room}?${rest}`;
}

export function usePlace(): Place {
    const [place, setPlace] = useState(() => read(0));
    useEffect(() => {
        const changed = () =>
            setPlace((before) => {
                const now = read(before.visit);
                return essence(now) === essence(before) ? now : { ...now, visit: before.visit + 1 };
            });
        // A link to where the page already is changes no address, but is meant to lead back to that state.
        const followed = (e: MouseEvent) => {
            const link = e.target instanceof Element ? e.target.closest('a') : null;
            const plain = e.button === 0 && !e.ctrlKey && !e.metaKey && !e.shiftKey;
            if (plain && link?.href === location.href) setPlace((before) => read(before.visit + 1));
        };
        addEventListener('hashchange', changed);
        addEventListener('click', followed);
        return () => {
            removeEventListener('hashchange', changed);
            removeEventListener('click', followed);
        };
    }, []);
    return place;
}

/** A list of names in the link, "show=data,training", after the '#' or before it; undefined where there is none. */
export function namesOf(place: Place, key: (typeof VIEW)[number]): string[] | undefined {
    const text = place.settings.get(key) ?? asked(key);
    return text === null ? undefined : text.split(',').filter(Boolean);
}

/** The address of these settings; those that are as usual are left out, what shows stays as it is. */
export function linkTo(room: string, settings: Record<string, string>, usual: Record<string, string> = {}): string {
    const query = new URLSearchParams(Object.entries(settings).filter(([key, value]) => usual[key] !== value));
    const here = read(0).settings;
    for (const key of VIEW) if (here.has(key)) query.set(key, here.get(key)!);
    const text = `${query}`.replaceAll('%2C', ',').replaceAll('%3A', ':');
    const place = `${location.origin === 'null' ? '' : location.origin}${location.pathname}${location.search}`;
    return `${place}#/${room}${text ? `?${text}` : ''}`;
}

/** Shows these groups of controls alone, or all but these; nothing given: all. */
export function changeView(change: Partial<Record<(typeof VIEW)[number], string[]>>): void {
    const { room, settings } = read(0);
    for (const key of VIEW) {
        const names = change[key];
        if (names?.length) settings.set(key, names.join(','));
        else settings.delete(key);
    }
    const text = `${settings}`.replaceAll('%2C', ',').replaceAll('%3A', ':');
    location.replace(`#/${room}${text ? `?${text}` : ''}`);
}

const asked = (key: string) => new URLSearchParams(location.search).get(key);
export const embedded = asked('embed') === '1';
export const presented = asked('present') === '1';
