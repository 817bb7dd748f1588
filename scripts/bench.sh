#!/usr/bin/env bash
# make bench: soma's own rows of docs/performance.md on this machine, one JSON object a line. THREADS=2 by default.
set -euo pipefail
cd "$(dirname "$0")/.."
threads=${THREADS:-2}
for batch in 1 32 256; do
    for optimizer in rmsprop adam; do
        build/soma bench mlp --mode train --batch $batch --opt $optimizer --threads "$threads" --json
    done
done
build/soma bench lenet --mode train --batch 64 --threads "$threads" --json
for batch in 1 64; do
    build/soma bench lenet --mode infer --batch $batch --threads "$threads" --json
done
