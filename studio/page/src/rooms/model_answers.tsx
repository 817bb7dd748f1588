// A model's answers: one row as bars, many as a table; and all of them as a CSV file, as the command writes it.
import type { Answer, Answers, Opened } from '../engine/model';
import { decimal, percent, t } from '../language';
import { save } from '../parts/figure';
import { numberText } from '../parts/tensor_view';

/** Rows and columns of the table; the file has all. */
const ROWS = 100,
    COLUMNS = 12,
    BARS = 10;

/** The place of the largest number of a row. */
export function largest(answer: Answer, row: number): number {
    let best = 0;
    for (let k = 1; k < answer.size; k++)
        if (answer.data[row * answer.size + k]! > answer.data[row * answer.size + best]!) best = k;
    return best;
}

/** Whether a row's numbers are probabilities. */
export function areProbabilities(answer: Answer, row: number): boolean {
    const values = answer.data.subarray(row * answer.size, (row + 1) * answer.size);
    const sum = values.reduce((a, b) => a + b, 0);
    return values.every((v) => v >= 0 && v <= 1 + 1e-6) && Math.abs(sum - 1) < 1e-3;
}

/** Names of a row's numbers: the classes, or places. */
export function namesOf(opened: Opened, answer: Answer, own: readonly string[]): string[] {
    const names =
        own.length === answer.size ? own : opened.classes?.length === answer.size ? opened.classes : undefined;
    return Array.from({ length: answer.size }, (_, i) => names?.[i] ?? `${i}`);
}

function csvOf(opened: Opened, answers: Answers, own: readonly string[]): string {
    const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const bad = new Set(answers.errors.map(([row]) => row));
    const heads = answers.outputs.flatMap((o) => {
        const names = namesOf(opened, o, own);
        if (o.size === 1) return ['prediction'];
        return ['prediction', ...names.map((n) => `p(${n})`)];
    });
    const rows = Array.from({ length: answers.rows }, (_, row) =>
        answers.outputs.flatMap((o) => {
            const values = Array.from(o.data.subarray(row * o.size, (row + 1) * o.size));
            if (bad.has(row)) return Array<string>(o.size === 1 ? 1 : o.size + 1).fill('');
            return o.size === 1
                ? [`${values[0]}`]
                : [namesOf(opened, o, own)[largest(o, row)]!, ...values.map((v) => `${v}`)];
        }),
    );
    return [heads, ...rows].map((cells) => `${cells.map(quoted).join(',')}\n`).join('');
}

function Bars({ answer, names, row }: { answer: Answer; names: string[]; row: number }) {
    const values = Array.from(answer.data.subarray(row * answer.size, (row + 1) * answer.size));
    const shares = areProbabilities(answer, row),
        most = Math.max(...values.map(Math.abs)) || 1;
    const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]!);
    return (
        <table class="answer-bars" aria-label={`${t('Answer')} ${answer.name}`}>
            <tbody>
                {order.slice(0, BARS).map((i) => (
                    <tr>
                        <th scope="row">{names[i]}</th>
                        <td data-value={values[i]}>{shares ? percent(values[i]!) : numberText(values[i]!)}</td>
                        <td aria-hidden="true">
                            <span
                                class={values[i]! < 0 ? 'part negative' : 'part'}
                                style={{ width: `${(100 * Math.abs(values[i]!)) / (shares ? 1 : most)}%` }}
                            />
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

function Table({
    answers,
    answer,
    names,
    row,
    onRow,
}: {
    answers: Answers;
    answer: Answer;
    names: string[];
    row: number;
    onRow: (row: number) => void;
}) {
    const bad = new Map(answers.errors);
    const columns = Math.min(COLUMNS, answer.size);
    const heads = areProbabilities(answer, 0) ? names.map((n) => `p(${n})`) : names;
    return (
        <div class="scroll cell-table" tabIndex={0} role="region" aria-label={`${t('Answers')} ${answer.name}`}>
            <table aria-label={`${t('Answers')} ${answer.name}`}>
                <thead>
                    <tr>
                        <th scope="col">{t('row')}</th>
                        {answer.size > 1 && <th scope="col">{t('prediction')}</th>}
                        {Array.from({ length: columns }, (_, k) => (
                            <th scope="col">{answer.size > 1 ? heads[k] : t('prediction')}</th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {Array.from({ length: Math.min(ROWS, answers.rows) }, (_, i) => (
                        <tr>
                            <th scope="row">
                                <button type="button" aria-pressed={i === row} onClick={() => onRow(i)}>
                                    {i + 1}
                                </button>
                            </th>
                            {bad.has(i) ? (
                                <td colSpan={columns + 1}>{bad.get(i)}</td>
                            ) : (
                                <>
                                    {answer.size > 1 && <td>{names[largest(answer, i)]}</td>}
                                    {Array.from({ length: columns }, (_, k) => {
                                        const value = answer.data[i * answer.size + k]!;
                                        return (
                                            <td data-value={value}>
                                                {answer.size > 1 ? decimal(value, 4) : numberText(value)}
                                            </td>
                                        );
                                    })}
                                </>
                            )}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

interface Props {
    opened: Opened;
    answers: Answers;
    /** Names of classes that were typed in. */
    names: readonly string[];
    /** The row that is looked into. */
    row: number;
    onRow: (row: number) => void;
}

export function ModelAnswers({ opened, answers, names, row, onRow }: Props) {
    return (
        <>
            {answers.outputs.map((answer) => (
                <>
                    <h3>
                        {answer.name}
                        {opened.target && answers.outputs.length === 1 ? ` (${opened.target})` : ''}
                    </h3>
                    {answers.rows > 1 ? (
                        <Table
                            answers={answers}
                            answer={answer}
                            names={namesOf(opened, answer, names)}
                            row={row}
                            onRow={onRow}
                        />
                    ) : (
                        <Bars answer={answer} names={namesOf(opened, answer, names)} row={0} />
                    )}
                </>
            ))}
            {answers.rows > ROWS && (
                <p class="note">
                    {t('Shown are the first')} {ROWS}; {t('the file has all rows.')}
                </p>
            )}
            <button
                type="button"
                onClick={() => save('answers.csv', new Blob([csvOf(opened, answers, names)], { type: 'text/csv' }))}
            >
                {t('Save the answers as CSV')}
            </button>
        </>
    );
}
