// What passes through the layers: values forward and gradients backward, their ranges and histograms.
import type { Statistics, Tap } from 'soma-wasm';
import { decimal, language, percent, t } from '../language';

function short(value: number): string {
    const size = Math.abs(value);
    if (size === 0 || (size >= 0.01 && size < 1000)) return decimal(value, 2);
    return value
        .toExponential(1)
        .replace('.', language === 'ru' ? ',' : '.')
        .replace('-', '−');
}

function Bars({ statistics, class: name }: { statistics: Statistics; class: string }) {
    const most = Math.max(1, ...statistics.histogram.map((b) => Math.sqrt(b)));
    return (
        <svg class={`bars ${name}`} viewBox="0 0 96 24" aria-hidden="true">
            {statistics.histogram.map((b, i) => {
                const height = (22 * Math.sqrt(b)) / most;
                return <rect x={3 * i} y={24 - height} width={2.4} height={height} />;
            })}
        </svg>
    );
}

/** Values stand above, gradients below. */
export function Ranges({ names, taps }: { names: string[]; taps: Tap[] }) {
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label={t('Ranges of values and gradients')}>
            <table class="ranges">
                <thead>
                    <tr>
                        <th scope="col">{t('layer')}</th>
                        <th scope="col">{t('what')}</th>
                        <th scope="col">{t('histogram')}</th>
                        <th scope="col">{t('from … to')}</th>
                        <th scope="col">{t('mean ± deviation')}</th>
                        <th scope="col">{t('off · always off')}</th>
                    </tr>
                </thead>
                {taps.map((tap, i) => (
                    <tbody>
                        {(['values', 'gradients'] as const).map((what, k) => {
                            const s = tap[what],
                                kind = k ? 'gradient' : 'value';
                            return (
                                <tr>
                                    {k === 0 && (
                                        <th scope="rowgroup" rowSpan={2}>
                                            {names[i]}
                                        </th>
                                    )}
                                    <td>
                                        <span class={kind}>{t(what)}</span>
                                    </td>
                                    <td>
                                        <Bars statistics={s} class={kind} />
                                    </td>
                                    <td>
                                        {short(s.min)} … {short(s.max)}
                                    </td>
                                    <td>
                                        {short(s.mean)} ± {short(s.deviation)}
                                    </td>
                                    <td>
                                        {k === 0 && !Number.isNaN(tap.dead)
                                            ? `${percent(tap.saturated)} · ${percent(tap.dead)}`
                                            : ''}
                                    </td>
                                </tr>
                            );
                        })}
                    </tbody>
                ))}
            </table>
        </div>
    );
}
