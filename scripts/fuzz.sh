#!/usr/bin/env bash
# make fuzz: each reader (or those in TARGETS) gets 30 seconds (SECONDS_EACH) of broken files from libFuzzer, started from whole ones. What it finds
# stays in build/fuzz/found and is a file that reproduces the failure: build/fuzz/tests/fuzz_csv FILE.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
duration=${SECONDS_EACH:-30}
scripts/build.sh fuzz build/fuzz soma $(cd tests/fuzz && basename -s .c fuzz_*.c) >build/fuzz.log || { tail -n 30 build/fuzz.log; exit 1; }
mkdir -p build/fuzz/found
rc=0

# A model and a checkpoint to begin with.
trained() {
    [ -e build/fuzz/trained/model.onnx ] || build/fuzz/soma train data/tables/iris.csv --net "dense 4 relu" --epochs 1 \
        --out build/fuzz/trained >build/fuzz/trained.log 2>&1 || true
    cp build/fuzz/trained/model.onnx build/fuzz/trained/checkpoint.safetensors "$1"
}

for name in ${TARGETS:-$(cd tests/fuzz && basename -s .c fuzz_*.c)}; do
    program=build/fuzz/tests/$name
    mkdir -p "build/fuzz/corpus/$name"
    case $name in
        fuzz_csv) cp data/tables/iris.csv build/fuzz/corpus/$name/ ;;
        fuzz_picture) cp tests/fuzz/seeds/*.png tests/fuzz/seeds/*.jpg build/fuzz/corpus/$name/ ;;
        fuzz_arrays) cp tests/fuzz/seeds/*.npz build/fuzz/corpus/$name/ ;;
        fuzz_spec) cp tests/fuzz/seeds/*.spec build/fuzz/corpus/$name/ ;;
        fuzz_names) printf 'points=100,noise=0.1,seed=3' >build/fuzz/corpus/$name/points ;;
        fuzz_cell) printf '2024-03-31T18:30:00Z' >build/fuzz/corpus/$name/date; printf -- '-1.234,5e+10' >build/fuzz/corpus/$name/number ;;
        fuzz_metadata) cp tests/fuzz/seeds/*.json build/fuzz/corpus/$name/ ;;
        fuzz_onnx | fuzz_checkpoint | fuzz_safetensors) trained build/fuzz/corpus/$name ;;
        fuzz_idx) gzip -dc data/mnist/t10k-labels-idx1-ubyte.gz >build/fuzz/corpus/$name/labels ;;
    esac
    if "$program" -max_total_time="$duration" -artifact_prefix=build/fuzz/found/$name- "build/fuzz/corpus/$name" \
        >"build/fuzz/$name.log" 2>&1 </dev/null
    then echo "ok      $name"
    else echo "FAILED  $name"; tail -n 25 "build/fuzz/$name.log"; rc=1
    fi
done
exit $rc
