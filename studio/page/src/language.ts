// The two languages of the page. English texts stand in the code; the Russian ones are found here by them.
import { russian } from './russian';

const asked = new URLSearchParams(location.search).get('lang');
export const language: 'en' | 'ru' =
    asked === 'ru' || asked === 'en' ? asked : navigator.language.startsWith('ru') ? 'ru' : 'en';

export function t(text: string): string {
    return language === 'ru' ? (russian[text] ?? text) : text;
}

/** A number with that many decimals, as the language writes it. */
export function decimal(value: number, digits: number): string {
    const text = Number.isFinite(value) ? value.toFixed(digits).replace(/^-(?=[0.]*$)/, '') : '–';
    return language === 'ru' ? text.replace('.', ',') : text;
}

/** A number as it is. */
export const plain = (value: number): string => (language === 'ru' ? `${value}`.replace('.', ',') : `${value}`);

/** A loss: small ones keep their digits. */
export function lossText(value: number): string {
    return value !== 0 && Math.abs(value) < 0.001
        ? value.toExponential(1).replace('.', language === 'ru' ? ',' : '.')
        : decimal(value, 4);
}

/** Two digits and a power of ten. */
export function scientific(value: number): string {
    if (!Number.isFinite(value)) return '–';
    return value.toExponential(value === 0 ? 0 : 1).replace('.', language === 'ru' ? ',' : '.');
}

export function percent(share: number): string {
    return `${decimal(100 * share, 1)} %`;
}
