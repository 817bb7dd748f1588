// The project's sample of MNIST as data of the page: four IDX files under gzip, which the worker fetches when a room
// first asks for them and unpacks. Only the page knows where they lie (mnist_urls.ts): the worker's own address is a
// blob's.

/** Where the four files lie, as absolute addresses; in the single page the addresses hold the files. */
export interface MnistUrls {
    trainImages: string;
    trainLabels: string;
    testImages: string;
    testLabels: string;
}

export const DIGIT_SIDE = 28;
export const DIGIT_SIZE = DIGIT_SIDE * DIGIT_SIDE;

export interface Digits {
    count: number;
    /** count × 28 × 28, from 0, the ground, to 1, ink. */
    images: Float32Array;
    /** 0 to 9. */
    labels: Uint8Array;
}

export interface Mnist {
    train: Digits;
    test: Digits;
}

const files = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** A file, asked for once; after a failure it is tried again. */
function fetched(url: string): Promise<Uint8Array<ArrayBuffer>> {
    const file =
        files.get(url) ??
        fetch(url).then(async (answer) => {
            if (!answer.ok) throw new Error(`MNIST: the server answers ${answer.status}`);
            return new Uint8Array(await answer.arrayBuffer());
        });
    files.set(url, file);
    file.catch(() => files.delete(url));
    return file;
}

/** Asks for the files before a room does: then the page needs no server any more. */
export async function fetchMnist(urls: MnistUrls): Promise<void> {
    await Promise.all(Object.values(urls).map(fetched));
}

/** A server may have taken gzip for an encoding of its own and unpacked the file already. */
async function unpacked(url: string): Promise<Uint8Array> {
    const bytes = await fetched(url);
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(plain).arrayBuffer());
}

/** The sizes that an IDX file of bytes names, and what follows them. */
function parse(file: Uint8Array): { sizes: number[]; data: Uint8Array } {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const rank = file[3] ?? 0;
    if (file.length < 4 + 4 * rank || view.getUint32(0) !== 0x800 + rank)
        throw new Error('MNIST: no IDX file of bytes');
    const sizes = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
    const data = file.subarray(4 + 4 * rank);
    if (data.length !== sizes.reduce((a, b) => a * b, 1))
        throw new Error('MNIST: a file has another size than it says');
    return { sizes, data };
}

async function read(imagesUrl: string, labelsUrl: string): Promise<Digits> {
    const [images, labels] = (await Promise.all([imagesUrl, labelsUrl].map(unpacked))).map(parse);
    const count = labels!.data.length;
    if (images!.sizes.join() !== [count, DIGIT_SIDE, DIGIT_SIDE].join())
        throw new Error('MNIST: pictures and labels do not belong together');
    return { count, images: shares(images!.data), labels: labels!.data };
}

/** Bytes as numbers from 0 to 1. By a loop: Float32Array.from with a function takes twenty times as long. */
function shares(bytes: Uint8Array): Float32Array {
    const to = new Float32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) to[i] = bytes[i]! / 255;
    return to;
}

let loaded: Promise<Mnist> | undefined;

/** Read once and shared by the rooms, which must not change it; after a failure it is tried again. */
export function loadMnist(urls: MnistUrls): Promise<Mnist> {
    loaded ??= Promise.all([read(urls.trainImages, urls.trainLabels), read(urls.testImages, urls.testLabels)]).then(
        ([train, test]) => ({ train, test }),
    );
    loaded.catch(() => (loaded = undefined));
    return loaded;
}
