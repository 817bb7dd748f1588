// The address after '#': a room and its settings, "#/playground?noise=0.1".
import { useEffect, useState } from 'preact/hooks';

export interface Place {
    room: string;
    settings: URLSearchParams;
}

function read(): Place {
    const [room = '', settings = ''] = location.hash.replace(/^#\/?/, '').split('?');
    return { room: room || 'playground', settings: new URLSearchParams(settings) };
}

export function usePlace(): Place {
    const [place, setPlace] = useState(read);
    useEffect(() => {
        const changed = () => setPlace(read());
        addEventListener('hashchange', changed);
        return () => removeEventListener('hashchange', changed);
    }, []);
    return place;
}

/** A link to these settings; those that are as usual are left out. */
export function linkTo(room: string, settings: Record<string, string>, usual: Record<string, string> = {}): string {
    const query = new URLSearchParams(Object.entries(settings).filter(([key, value]) => usual[key] !== value));
    const text = query.toString();
    return `${location.origin === 'null' ? '' : location.origin}${location.pathname}${location.search}#/${room}${text ? `?${text}` : ''}`;
}

export const embedded = new URLSearchParams(location.search).get('embed') === '1';
