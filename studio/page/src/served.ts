// The server behind the page, when `soma studio` is one: its address holds a token, without which it tells nothing. The
// token is taken out of the address at once, so that a link that is copied does not give it away; the tab keeps it.
const KEY = 'soma-token';

function takeToken(): string {
    const [room = '', query = ''] = location.hash.split('?');
    const settings = new URLSearchParams(query);
    const token = settings.get('token');
    try {
        if (token === null) return sessionStorage.getItem(KEY) ?? '';
        sessionStorage.setItem(KEY, token);
    } catch {
        if (token === null) return ''; // a tab that keeps nothing
    }
    settings.delete('token');
    history.replaceState(
        null,
        '',
        `${location.pathname}${location.search}${room}${settings.size ? `?${settings}` : ''}`,
    );
    return token;
}

const token = location.protocol === 'http:' ? takeToken() : '';
/** Whether the page came from `soma studio`. */
export const served = token !== '';

/** What the server refused, in its words. */
export class Refusal extends Error {}

/** Asks the server. A Refusal when it says no; another error when there is no server any more. */
export async function ask<T>(
    method: 'GET' | 'POST',
    name: string,
    query: Record<string, string>,
    body?: object,
): Promise<T> {
    const response = await fetch(`/api/${name}?${new URLSearchParams(query)}`, {
        method,
        headers: { 'X-Soma-Token': token },
        ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (response.ok) return (await response.json()) as T;
    const text = await response.text();
    let error = text;
    try {
        error = (JSON.parse(text) as { error: string }).error;
    } catch {
        // no JSON: the words as they are
    }
    throw new Refusal(error.trim());
}
