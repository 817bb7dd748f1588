#!/usr/bin/env bash
# Every public header stands alone and is free of warnings, as C17 and as C++20.
set -euo pipefail
rc=0
flags="-Wall -Wextra -Wpedantic -Wshadow -Werror -Iinclude -fsyntax-only"
compilers=()
for compiler in gcc clang; do ! command -v $compiler >/dev/null || compilers+=("$compiler -x c -std=c17 -Wstrict-prototypes"); done
for compiler in g++ clang++; do ! command -v $compiler >/dev/null || compilers+=("$compiler -x c++ -std=c++20"); done
for header in include/soma/*.h; do
    for compiler in "${compilers[@]}"; do
        echo "#include <soma/${header##*/}>" | $compiler $flags - || { echo "$header with $compiler"; rc=1; }
    done
done
exit $rc
