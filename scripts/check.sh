#!/usr/bin/env bash
# make check: everything, in stages; each stage's output goes to build/check/STAGE.log and its end is shown when it fails.
# Ends with "N passed, N failed": CTest's tests counted one by one, every other stage as one. Builds are incremental.
# ONLY="release asan" runs some of the stages.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
passed=0 failed=0 skipped=()
scripts/setup.sh check || exit 1
mkdir -p build/check
# Warnings are errors here; and a build that was configured before the tests' tools were installed has no tests yet.
export SOMA_CMAKE_OPTIONS=-DSOMA_WERROR=ON
[ ! -f build/CMakeCache.txt ] || cmake $SOMA_CMAKE_OPTIONS build >build/check/configure.log 2>&1 ||
    { cat build/check/configure.log; exit 1; }

wanted() { [ -z "${ONLY-}" ] || [[ " $ONLY " == *" $1 "* ]]; }

# stage NAME COMMAND…: one result.
stage() {
    local name=$1 start=$SECONDS log=build/check/$1.log
    shift
    wanted "$name" || return 0
    if "$@" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        printf 'ok      %-10s %4d s\n' "$name" $((SECONDS - start))
    else
        failed=$((failed + 1))
        printf 'FAILED  %-10s %4d s, build/check/%s.log ends with:\n' "$name" $((SECONDS - start)) "$name"
        grep -aE -A 12 '^not ok ' "$log" | head -n 60 # of a test of many, what failed stands far from the end
        tail -n 40 "$log"
        return 1
    fi
}

# tests NAME FOLDER CTEST-OPTIONS…: as many results as CTest ran tests.
tests() {
    local name=$1 folder=$2 start=$SECONDS log=build/check/$1.log line bad all rc=0
    shift 2
    wanted "$name" || return 0
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$jobs" "$@" >"$log" 2>&1 </dev/null || rc=$?
    line=$(grep -E '^[0-9]+% tests passed' "$log" | tail -n 1)
    if [[ $line =~ ([0-9]+)\ tests?\ failed\ out\ of\ ([0-9]+) ]]; then
        bad=${BASH_REMATCH[1]} all=${BASH_REMATCH[2]}
    else
        bad=1 all=1
    fi
    [ $rc = 0 ] || [ "$bad" -gt 0 ] || { bad=$((bad + 1)); all=$((all + 1)); }
    local missed
    missed=$(grep -cE '\*\*\*Skipped' "$log")
    while read -r test; do skipped+=("$name/$test"); done < <(sed -n 's/^ *[0-9]*\/[0-9]* Test *#[0-9]*: \([^ ]*\) .*\*\*\*Skipped.*/\1/p' "$log")
    passed=$((passed + all - bad - missed)) failed=$((failed + bad))
    if [ "$bad" = 0 ]; then
        printf 'ok      %-10s %4d s, %d tests\n' "$name" $((SECONDS - start)) $((all - missed))
    else
        printf 'FAILED  %-10s %4d s, %d of %d tests, build/check/%s.log ends with:\n' "$name" $((SECONDS - start)) "$bad" "$all" "$name"
        tail -n 60 "$log"
    fi
}

# onnx and onnxruntime for the tests that compare with them; without them those tests say that they skip.
peer_python() {
    [ -e build/venv/ready ] && return
    rm -rf build/venv
    python3 -m venv build/venv &&
        build/venv/bin/pip install --quiet --disable-pip-version-check numpy onnx onnxruntime && touch build/venv/ready
}

static_program() {
    scripts/build.sh static build/static soma && cp build/static/soma-static build/soma-static || return 1
    local size
    size=$(stat -c %s build/soma-static)
    echo "$size bytes"
    [ "$size" -le 2000000 ] || { echo "expected at most 2 MB"; return 1; }
    ! readelf -l build/soma-static | grep -q INTERP || { echo "it wants a dynamic linker"; return 1; }
    # Its kernels are compiled small: to the same bits.
    scripts/build.sh release build soma || return 1
    local isa program
    for isa in baseline avx2 avx512; do # a level that this processor lacks is another time the best it has
        for program in soma soma-static; do
            SOMA_ISA=$isa build/$program train data/mnist/t10k-images-idx3-ubyte.gz --backend portable --epochs 1 --seed 1 \
                --net "conv 4 5x5 tanh, maxpool 3, dense 20 gelu, dense 10 sigmoid" --opt rmsprop \
                --overwrite --out "build/check/$program" || return 1
        done
        cmp build/check/soma/model.onnx build/check/soma-static/model.onnx || return 1
    done
}

# The core alone: nothing but the C library and libm may be needed.
bare_core() {
    SOMA_CMAKE_OPTIONS="$SOMA_CMAKE_OPTIONS -DCMAKE_BUILD_TYPE=Debug -DSOMA_ONE_LEVEL=ON" \
        scripts/build.sh bare build/bare soma_shared || return 1
    local needs
    needs=$(readelf -d build/bare/libsoma.so | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|ld-linux.*)\.so')
    [ -z "$needs" ] || { echo "needs also: $needs"; return 1; }
}

if wanted python; then
    if peer_python >build/check/python.log 2>&1 </dev/null; then
        export PATH=$PWD/build/venv/bin:$PATH SOMA_PYTHON=$PWD/build/venv/bin/python
    else
        echo "note    onnxruntime could not be installed: the comparisons with it are skipped"
    fi
fi
stage build scripts/build.sh release build && tests release build
stage asan-build scripts/build.sh asan build/asan && tests asan build/asan
stage tsan-build scripts/build.sh tsan build/tsan && tests tsan build/tsan
stage format env LINT=format scripts/lint.sh
stage cppcheck env LINT=cppcheck scripts/lint.sh
# Only kernels, which have their own options, are optimised here: what is wanted of these builds is what the compiler says.
stage clang env SOMA_CMAKE_OPTIONS="$SOMA_CMAKE_OPTIONS -DCMAKE_BUILD_TYPE=None" scripts/build.sh clang build/clang &&
    stage tidy env LINT=tidy scripts/lint.sh
stage bare bare_core
stage static static_program
stage neon-build scripts/build.sh neon build-neon && tests neon build-neon

# The studio wants a compiler for WebAssembly, Node and a browser, which not every machine that builds soma has.
if wanted studio; then
    if command -v emcc node npm chromium >/dev/null && [ "$(command -v emcc node npm chromium | wc -l)" = 4 ]; then
        stage studio env CI=true scripts/studio.sh test
    else
        skipped+=(studio)
    fi
fi

[ ${#skipped[@]} = 0 ] || echo "Skipped, since what they need is not on this machine: ${skipped[*]}"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
