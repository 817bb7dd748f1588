// A file that is dropped anywhere in a room.
import { useState } from 'preact/hooks';

/** Properties of the element that takes a dropped file, and whether one hangs over it. */
export function useDrop(take: (file: File) => void) {
    const [over, setOver] = useState(false);
    return {
        over,
        target: {
            onDragOver: (e: DragEvent) => {
                e.preventDefault();
                setOver(true);
            },
            onDragLeave: () => setOver(false),
            onDrop: (e: DragEvent) => {
                e.preventDefault();
                setOver(false);
                const file = e.dataTransfer?.files[0];
                if (file) take(file);
            },
        },
    };
}
