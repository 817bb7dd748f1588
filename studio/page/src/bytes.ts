/** The bytes behind an address: a file of the site, or part of the single page, where nothing can be fetched. */
export async function bytesAt(url: string): Promise<ArrayBuffer> {
    if (!url.startsWith('data:')) return (await fetch(url)).arrayBuffer();
    const data = url.slice(url.indexOf(',') + 1);
    const text = url.slice(0, url.indexOf(',')).endsWith(';base64') ? atob(data) : decodeURIComponent(data);
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer;
}
