// Small grey pictures to filter: drawn here, or a visitor's own, scaled down.

export interface Scene {
    width: number;
    height: number;
    /** Grey between 0 and 1, row by row. */
    values: Float32Array;
}

const WIDTH = 160,
    HEIGHT = 120;

function grey(c: OffscreenCanvasRenderingContext2D, width: number, height: number): Scene {
    const { data } = c.getImageData(0, 0, width, height);
    const values = Float32Array.from(
        { length: width * height },
        (_, i) => (0.299 * data[4 * i]! + 0.587 * data[4 * i + 1]! + 0.114 * data[4 * i + 2]!) / 255,
    );
    return { width, height, values };
}

function canvas(width: number, height: number): OffscreenCanvasRenderingContext2D {
    return new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
}

type Draw = OffscreenCanvasRenderingContext2D;
const tone = (v: number) => `rgb(${v} ${v} ${v})`;

function shape(c: Draw, fill: number, points: readonly (readonly [number, number])[]): void {
    c.fillStyle = tone(fill);
    c.beginPath();
    points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.fill();
}

function disc(c: Draw, fill: number, x: number, y: number, radius: number): void {
    c.fillStyle = tone(fill);
    c.beginPath();
    c.arc(x, y, radius, 0, 7);
    c.fill();
}

/** A house with a tiled roof, a tree, hills, and a fence of upright boards. */
function house(c: Draw): void {
    const sky = c.createLinearGradient(0, 0, 0, HEIGHT);
    sky.addColorStop(0, tone(150));
    sky.addColorStop(1, tone(225));
    c.fillStyle = sky;
    c.fillRect(0, 0, WIDTH, HEIGHT);
    disc(c, 250, 26, 22, 11);
    c.fillStyle = tone(165);
    c.beginPath();
    c.ellipse(30, 92, 70, 34, 0, 0, 7);
    c.ellipse(135, 96, 60, 36, 0, 0, 7);
    c.fill();
    c.fillStyle = tone(120);
    c.fillRect(0, 86, WIDTH, 34);
    c.fillStyle = tone(205);
    c.fillRect(58, 50, 58, 44);
    shape(c, 70, [
        [50, 52],
        [87, 22],
        [124, 52],
    ]);
    c.strokeStyle = tone(105);
    for (let row = 0; row < 5; row++) {
        const y = 30 + 5 * row,
            half = ((y - 22) / 30) * 37;
        c.beginPath();
        c.moveTo(87 - half, y);
        c.lineTo(87 + half, y);
        c.stroke();
    }
    c.fillStyle = tone(60);
    c.fillRect(104, 22, 7, 18);
    for (const x of [64, 94]) {
        c.fillStyle = tone(40);
        c.fillRect(x, 60, 15, 14);
        c.fillStyle = tone(230);
        c.fillRect(x + 7, 60, 1.5, 14);
        c.fillRect(x, 66, 15, 1.5);
    }
    c.fillStyle = tone(85);
    c.fillRect(82, 70, 9, 24);
    c.fillStyle = tone(75);
    c.fillRect(139, 58, 5, 34);
    for (const [x, y, r] of [
        [141, 48, 14],
        [132, 56, 10],
        [150, 57, 10],
    ] as const)
        disc(c, 88, x, y, r);
    for (const [x, y] of [
        [136, 44],
        [146, 50],
        [141, 57],
        [131, 54],
    ] as const)
        disc(c, 112, x, y, 3);
    for (let x = 3; x < WIDTH; x += 8)
        shape(c, 235, [
            [x, 116],
            [x, 96],
            [x + 2, 93],
            [x + 4, 96],
            [x + 4, 116],
        ]);
    c.fillStyle = tone(200);
    c.fillRect(0, 100, WIDTH, 2);
    c.fillRect(0, 110, WIDTH, 2);
}

/** Rays at every angle. */
function rays(c: Draw): void {
    c.fillStyle = tone(235);
    c.fillRect(0, 0, WIDTH, HEIGHT);
    const x = WIDTH / 2,
        y = HEIGHT / 2,
        count = 20;
    for (let i = 0; i < count; i++) {
        const at = (angle: number) => [x + 130 * Math.cos(angle), y - 130 * Math.sin(angle)] as const;
        const from = (2 * Math.PI * i) / count,
            half = Math.PI / count / 2;
        shape(c, 40, [[x, y], at(from - half), at(from + half)]);
    }
    disc(c, 235, x, y, 10);
}

/** Rings that get narrower: every angle and every wavelength. */
function rings(c: Draw): void {
    const image = c.createImageData(WIDTH, HEIGHT);
    for (let i = 0; i < WIDTH * HEIGHT; i++) {
        const x = (i % WIDTH) - WIDTH / 2 + 0.5,
            y = Math.floor(i / WIDTH) - HEIGHT / 2 + 0.5;
        const v = 128 + 100 * Math.cos((x * x + y * y) / 75);
        image.data.set([v, v, v, 255], 4 * i);
    }
    c.putImageData(image, 0, 0);
}

export const sceneNames = ['house', 'rays', 'rings'] as const;
export type SceneName = (typeof sceneNames)[number];
const drawings: Record<SceneName, (c: Draw) => void> = { house, rays, rings };

export function drawScene(name: SceneName): Scene {
    const c = canvas(WIDTH, HEIGHT);
    drawings[name](c);
    return grey(c, WIDTH, HEIGHT);
}

/** A picture from a file, at most 160 pixels along its longer side and large enough for the widest kernel. */
export async function readScene(file: Blob): Promise<Scene> {
    const bitmap = await createImageBitmap(file);
    const scale = WIDTH / Math.max(bitmap.width, bitmap.height);
    const wide = bitmap.width * scale,
        high = bitmap.height * scale;
    const c = canvas(Math.max(64, Math.round(wide)), Math.max(64, Math.round(high)));
    c.fillStyle = 'white';
    c.fillRect(0, 0, c.canvas.width, c.canvas.height);
    c.imageSmoothingQuality = 'high';
    c.drawImage(bitmap, (c.canvas.width - wide) / 2, (c.canvas.height - high) / 2, wide, high);
    bitmap.close();
    return grey(c, c.canvas.width, c.canvas.height);
}
