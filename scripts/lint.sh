#!/usr/bin/env bash
# make lint: clang-format, cppcheck and clang-tidy over the C files that git knows. LINT=format,cppcheck,tidy picks some.
# clang-tidy looks again only at files that changed since they last passed, by a stamp in build/lint.
set -uo pipefail
cd "$(dirname "$0")/.."
want=${LINT:-format,cppcheck,tidy}
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
failed=0
mapfile -t files < <(git ls-files '*.c' '*.h')
mapfile -t sources < <(git ls-files 'src/*.c' 'cli/*.c')

if [[ $want == *format* ]]; then
    clang-format --dry-run -Werror "${files[@]}" || failed=1
fi

if [[ $want == *cppcheck* ]]; then
    # Its parser doesn't know vector extensions: kernels are left to clang-tidy.
    mapfile -t plain < <(printf '%s\n' "${sources[@]}" | grep -v /portable/isa/)
    mkdir -p build/lint/cppcheck
    cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --suppressions-list=.cppcheck --cppcheck-build-dir=build/lint/cppcheck -j "$jobs" -D_GNU_SOURCE \
        -DSOMA_HAVE_ZLIB=1 -DSOMA_HAVE_PNG=1 -DSOMA_HAVE_JPEG=1 -DSOMA_HAVE_ONNX=1 -DSOMA_HAVE_JSON=1 -DSOMA_HAVE_HTTP=1 -Iinclude -Isrc -Icli \
        "${plain[@]}" || failed=1
fi

if [[ $want == *tidy* ]]; then
    scripts/build.sh clang build/clang >/dev/null || exit 1
    mkdir -p build/lint/tidy
    # Kernels are compiled for each instruction set and the command's files twice: one look at each suffices, and one at the
    # descriptors, which some kernel files are otherwise.
    python3 - >build/lint/compile_commands.json <<'END' || exit 1
import json
commands = json.load(open("build/clang/compile_commands.json"))
print(json.dumps(list({(c["file"], "KERNEL_ISA=" in c["command"]): c for c in commands}.values())))
END
    # A file passes again unseen while it, every header and the rules are the same.
    shared=$( (cat .clang-tidy; clang-tidy --version; git ls-files -z '*.h' | xargs -0 cat) | sha256sum | cut -c1-16)
    # The analyzer's default of 225,000 nodes a function takes three times as long.
    export EFFORT="--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=75000"
    work=()
    for file in "${sources[@]}"; do
        mark=build/lint/tidy/$(sha256sum "$file" | cut -c1-16)-$shared
        [ -e "$mark" ] || work+=("$file=$mark")
    done
    if [ ${#work[@]} -gt 0 ]; then
        printf '%s\0' "${work[@]}" | xargs -0 -n 1 -P "$jobs" bash -c '
            file=${1%%=*} mark=${1#*=}
            if clang-tidy -p build/lint --quiet --warnings-as-errors="*" $EFFORT "$file" >"$mark.log" 2>&1
            then : >"$mark"; rm -f "$mark.log"
            else grep -v "warnings generated" "$mark.log" >&2; rm -f "$mark.log"; exit 1
            fi' lint || failed=1
    fi
fi
exit $failed
