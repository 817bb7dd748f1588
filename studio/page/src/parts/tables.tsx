// Tables of numbers side by side in one drawing, wrapped where the page is narrow: a picture, a kernel, products, an
// output. Numbers that may be changed have a box over them, which shows when it is pointed at or has the focus.
import { useEffect, useRef, useState } from 'preact/hooks';

export interface TableCell {
    text: string;
    /** A smaller line below: what the number is multiplied by. */
    note?: string;
    /**
     * outside: padding; seen: under the window; gap: between its elements; now: what is being computed; chosen: the
     * largest of a window; empty: not yet computed.
     */
    look?: 'outside' | 'seen' | 'gap' | 'now' | 'chosen' | 'empty';
    /** Makes the number one that can be written. */
    edit?: { label: string; value: number; onChange: (value: number) => void };
    onChoose?: () => void;
}

export interface Table {
    name: string;
    title: string;
    /** A sign before the table: ×, =, →. */
    sign?: string;
    rows: number;
    columns: number;
    cell: (row: number, column: number) => TableCell;
    /** A frame around some cells: row, column, rows, columns. */
    frame?: readonly [number, number, number, number] | undefined;
    /** A line under the table. */
    below?: string;
}

const CELL = 44,
    TITLE = 26,
    BELOW = 24,
    SIGN = 34;

interface Place {
    table: Table;
    x: number;
    y: number;
}

/** From left to right, in a new row where the width is used up. */
function flow(tables: readonly Table[], limit: number): { places: Place[]; width: number; height: number } {
    const places: Place[] = [];
    let x = 2,
        y = 0,
        high = 0,
        width = 0;
    for (const table of tables) {
        const lead = table.sign ? SIGN : 0,
            wide = Math.max(table.columns * CELL, 7.5 * table.title.length);
        if (x > 2 && x + lead + wide + 4 > limit) {
            x = 2;
            y += high + 12;
            high = 0;
        }
        places.push({ table, x: x + lead, y });
        x += lead + wide + 14;
        width = Math.max(width, x - 10);
        high = Math.max(high, TITLE + table.rows * CELL + (table.below ? BELOW : 6));
    }
    return { places, width, height: y + high };
}

function Cells({ place: { table, x, y } }: { place: Place }) {
    const top = y + TITLE;
    const all = Array.from({ length: table.rows * table.columns }, (_, i) => {
        const row = Math.floor(i / table.columns),
            column = i % table.columns;
        return { row, column, cell: table.cell(row, column) };
    });
    return (
        <g data-table={table.name}>
            {table.sign && (
                <text class="sign" x={x - SIGN / 2 - 3} y={top + (table.rows * CELL) / 2 + 7} text-anchor="middle">
                    {table.sign}
                </text>
            )}
            <text class="title" x={x} y={y + 17}>
                {table.title}
            </text>
            {all.map(({ row, column, cell }) => (
                <g
                    class={`cell ${cell.look ?? ''}${cell.onChoose ? ' choose' : ''}`}
                    data-row={row}
                    data-column={column}
                    data-look={cell.look}
                    data-value={cell.look === 'empty' ? undefined : cell.text}
                    onClick={cell.onChoose}
                >
                    <rect x={x + column * CELL} y={top + row * CELL} width={CELL} height={CELL} />
                    <text
                        x={x + (column + 0.5) * CELL}
                        y={top + (row + 0.5) * CELL + (cell.note ? 0 : 5.5)}
                        text-anchor="middle"
                        style={cell.text.length > 4 ? { fontSize: '12px' } : undefined}
                    >
                        {cell.text}
                    </text>
                    {cell.note && (
                        <text
                            class="times"
                            x={x + (column + 0.5) * CELL}
                            y={top + (row + 0.5) * CELL + 15}
                            text-anchor="middle"
                        >
                            {cell.note}
                        </text>
                    )}
                </g>
            ))}
            {table.frame && (
                <rect
                    class="frame"
                    x={x + table.frame[1] * CELL}
                    y={top + table.frame[0] * CELL}
                    width={table.frame[3] * CELL}
                    height={table.frame[2] * CELL}
                />
            )}
            {table.below && (
                <text class="below" x={x} y={top + table.rows * CELL + 19}>
                    {table.below}
                </text>
            )}
        </g>
    );
}

export function Tables({ label, tables }: { label: string; tables: readonly Table[] }) {
    const box = useRef<HTMLDivElement>(null);
    const [limit, setLimit] = useState(Math.min(1000, innerWidth - 40));
    useEffect(() => {
        const watcher = new ResizeObserver(([entry]) => setLimit(entry!.contentRect.width));
        watcher.observe(box.current!);
        return () => watcher.disconnect();
    }, []);
    const { places, width, height } = flow(tables, limit);
    const part = (value: number, of: number) => `${(100 * value) / of}%`;
    return (
        <div ref={box}>
            <div class="tables" style={{ maxWidth: `${width}px` }}>
                <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
                    {places.map((place) => (
                        <Cells place={place} />
                    ))}
                </svg>
                {places.flatMap(({ table, x, y }) =>
                    Array.from({ length: table.rows * table.columns }, (_, i) => {
                        const row = Math.floor(i / table.columns),
                            column = i % table.columns,
                            edit = table.cell(row, column).edit;
                        return (
                            edit && (
                                <input
                                    key={`${table.name} ${row} ${column}`}
                                    type="number"
                                    step="any"
                                    aria-label={edit.label}
                                    value={edit.value}
                                    onInput={(e) =>
                                        Number.isFinite(e.currentTarget.valueAsNumber) &&
                                        edit.onChange(e.currentTarget.valueAsNumber)
                                    }
                                    style={{
                                        left: part(x + column * CELL + 3, width),
                                        top: part(y + TITLE + row * CELL + 3, height),
                                        width: part(CELL - 6, width),
                                        height: part(CELL - 6, height),
                                    }}
                                />
                            )
                        );
                    }),
                )}
            </div>
        </div>
    );
}
