// Form controls with their labels.
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { plain, t } from '../language';
import { formulaOf } from './formulas';
import { usePresenting, useShown } from './view';

/** The lecture's formula that belongs to a control, where the room is presented. */
export function Formula({ label, value }: { label: string; value?: string }) {
    const text = usePresenting() ? formulaOf(label, value) : undefined;
    return text ? <p class="formula">{text}</p> : null;
}

interface ChoiceProps<T extends string> {
    label: string;
    value: T;
    options: readonly (readonly [T, string])[];
    onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
    const id = useId();
    return (
        <div class="field">
            <label for={id}>{t(label)}</label>
            <select id={id} value={value} onChange={(e) => onChange(e.currentTarget.value as T)}>
                {options.map(([name, text]) => (
                    <option value={name} selected={name === value}>
                        {t(text)}
                    </option>
                ))}
            </select>
            <Formula label={label} value={value} />
        </div>
    );
}

interface RangeProps {
    label: string;
    value: number;
    min: number;
    max: number;
    step: number;
    text?: string;
    onChange: (value: number) => void;
}

export function Slider({ label, value, min, max, step, text, onChange }: RangeProps) {
    const id = useId();
    return (
        <div class="field">
            {/* No <output>: its role is status, which belongs to the one line about the training. */}
            <label for={id}>
                {t(label)}: <span>{text ?? plain(value)}</span>
            </label>
            <input
                id={id}
                type="range"
                min={min}
                max={max}
                step={step}
                value={value}
                onInput={(e) => onChange(Number(e.currentTarget.value))}
            />
            <Formula label={label} value={`${value}`} />
        </div>
    );
}

interface NumberProps {
    label: string;
    value: number;
    min?: number;
    max?: number;
    step?: number | 'any';
    /** The label is for screen readers alone. */
    quiet?: boolean;
    onChange: (value: number) => void;
}

export function NumberBox({ label, value, quiet = false, onChange, ...limits }: NumberProps) {
    const id = useId();
    /** What is being edited: a value that changes meanwhile, as a weight in training does, doesn't take its place. */
    const [edited, setEdited] = useState<string>();
    return (
        <div class="field">
            <label for={id} class={quiet ? 'hidden' : undefined}>
                {t(label)}
            </label>
            <input
                id={id}
                type="number"
                step="any"
                {...limits}
                value={edited ?? value}
                onFocus={(e) => setEdited(e.currentTarget.value)}
                onInput={(e) => setEdited(e.currentTarget.value)}
                onChange={(e) =>
                    Number.isFinite(e.currentTarget.valueAsNumber) && onChange(e.currentTarget.valueAsNumber)
                }
                onBlur={() => setEdited(undefined)}
            />
            <Formula label={label} value={`${value}`} />
        </div>
    );
}

export function Check({
    label,
    value,
    onChange,
}: {
    label: string;
    value: boolean;
    onChange: (value: boolean) => void;
}) {
    return (
        <label class="check">
            <input type="checkbox" checked={value} onChange={(e) => onChange(e.currentTarget.checked)} /> {t(label)}
        </label>
    );
}

interface GroupProps {
    title: string;
    /** In links that choose what shows; made of the title unless given. */
    name?: string;
    children: ComponentChildren;
}

/** Controls that belong together; a lecturer may leave them out. */
export function Group({ title, name, children }: GroupProps) {
    if (!useShown(title, name)) return null;
    return (
        <fieldset>
            <legend>{t(title)}</legend>
            <Formula label={title} />
            {children}
        </fieldset>
    );
}

/** The same without a frame. */
export function Part({ title, name, children }: GroupProps) {
    return useShown(title, name) ? <>{children}</> : null;
}

interface TransportProps {
    running: boolean;
    onToggle: () => void;
    onStep: () => void;
    onReset: () => void;
}

/** Train / Pause, Step, Reset. */
export function Transport({ running, onToggle, onStep, onReset }: TransportProps) {
    return (
        <div class="transport" role="group" aria-label={t('Training')}>
            <button type="button" class="main" onClick={onToggle}>
                {t(running ? 'Pause' : 'Train')}
            </button>
            <button type="button" onClick={onStep}>
                {t('Step')}
            </button>
            <button type="button" onClick={onReset}>
                {t('Reset')}
            </button>
        </div>
    );
}
