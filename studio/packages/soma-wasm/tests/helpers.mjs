import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadSoma } from '../dist/index.js';

export const project = fileURLToPath(new URL('../../../../', import.meta.url));
const build = process.env.SOMA_BUILD ?? `${project}build`;
export const command = `${build}/soma`;

export const soma = await loadSoma(readFileSync(new URL('../dist/soma.wasm', import.meta.url)));

/** The native library's results by name (native.c). */
export function native() {
    const lines = execFileSync(`${build}/studio/native`, { encoding: 'utf8' }).trim().split('\n');
    return new Map(lines.map((line) => [line.split(' ')[0], line.split(' ').slice(1).map(Number)]));
}

export function near(actual, expected, what, rtol = 1e-4, atol = 1e-5) {
    assert.equal(actual.length, expected.length, `${what}: length`);
    expected.forEach((e, i) =>
        assert.ok(Math.abs(actual[i] - e) <= atol + rtol * Math.abs(e), `${what}[${i}]: ${actual[i]}, expected ${e}`),
    );
}
