// Controls of a training that several rooms have.
import { optimizerNames, type OptimizerName } from 'soma-wasm';
import { decimal } from '../language';
import { Choice, Slider } from './controls';

interface OptimizerProps {
    value: OptimizerName;
    onChange: (value: OptimizerName) => void;
}

export function OptimizerChoice(props: OptimizerProps) {
    return <Choice label="Optimizer" options={optimizerNames.map((o) => [o, o] as const)} {...props} />;
}

interface RateProps {
    value: number;
    /** Decades from and to which the slider goes, and how far it goes at a time. */
    min: number;
    max: number;
    step: number;
    /** Digits behind the point that are shown. */
    digits: number;
    onChange: (value: number) => void;
}

/** The learning rate, by its logarithm. */
export function RateSlider({ value, digits, onChange, ...decades }: RateProps) {
    return (
        <Slider
            label="Learning rate"
            value={Math.log10(value)}
            {...decades}
            text={decimal(value, digits)}
            onChange={(v) => onChange(Number((10 ** v).toPrecision(3)))}
        />
    );
}
