/// <reference types="vite/client" />

/** Of workers, which may wait for a file. */
declare class FileReaderSync {
    readAsArrayBuffer(file: Blob): ArrayBuffer;
}
