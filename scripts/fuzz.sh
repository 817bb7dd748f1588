#!/usr/bin/env bash
# make fuzz: each reader gets 30 seconds (SECONDS_EACH) of broken files from libFuzzer, started from whole ones. What it finds
# stays in build/fuzz/found and is a file that reproduces the failure: build/fuzz/tests/fuzz_csv FILE.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
duration=${SECONDS_EACH:-30}
scripts/build.sh fuzz build/fuzz $(cd tests/fuzz && basename -s .c fuzz_*.c) >build/fuzz.log || { tail -n 30 build/fuzz.log; exit 1; }
mkdir -p build/fuzz/found
rc=0
for program in build/fuzz/tests/fuzz_*; do
    name=$(basename "$program")
    mkdir -p "build/fuzz/corpus/$name"
    case $name in
        fuzz_csv) cp data/tables/iris.csv build/fuzz/corpus/$name/ ;;
        fuzz_picture) cp tests/fuzz/seeds/*.png tests/fuzz/seeds/*.jpg build/fuzz/corpus/$name/ ;;
        fuzz_arrays) cp tests/fuzz/seeds/*.npz build/fuzz/corpus/$name/ ;;
        fuzz_idx) gzip -dc data/mnist/t10k-labels-idx1-ubyte.gz >build/fuzz/corpus/$name/labels ;;
    esac
    if "$program" -max_total_time="$duration" -artifact_prefix=build/fuzz/found/$name- "build/fuzz/corpus/$name" \
        >"build/fuzz/$name.log" 2>&1 </dev/null
    then echo "ok      $name"
    else echo "FAILED  $name"; tail -n 25 "build/fuzz/$name.log"; rc=1
    fi
done
exit $rc
