// Networks that were trained in one room and are wanted in another.

export interface TrainedNetwork {
    /** The complete specification, as the command line takes it. */
    spec: string;
    steps: number;
    /** On the test part; NaN where there are no classes. */
    accuracy: number;
}

/** A room whose network can be saved. */
export interface TrainedSource {
    /** Undefined before there is one. */
    trained(): TrainedNetwork | undefined;
    /** As an ONNX file. */
    save(): Uint8Array;
}
