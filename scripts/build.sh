#!/usr/bin/env bash
# Configures a CMake preset once and builds it: scripts/build.sh PRESET FOLDER [TARGET…]. SOMA_CMAKE_OPTIONS are
# given to CMake when it configures.
set -euo pipefail
preset=$1 folder=$2
shift 2
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
command -v cmake >/dev/null || { echo "cmake was not found: run scripts/setup.sh demo (or make demo) first" >&2; exit 1; }
if [ ! -f "$folder/CMakeCache.txt" ]; then
    generator="Unix Makefiles"
    ! command -v ninja >/dev/null || generator=Ninja
    mkdir -p "$folder"
    cmake --preset "$preset" -B "$folder" -G "$generator" ${SOMA_CMAKE_OPTIONS-} >"$folder/configure.log" 2>&1 ||
        { cat "$folder/configure.log" >&2; rm -f "$folder/CMakeCache.txt"; exit 1; }
    tail -n 4 "$folder/configure.log" | grep '^-- soma' || true
fi
targets=()
for target in "$@"; do targets+=(--target "$target"); done
cmake --build "$folder" -j "$jobs" "${targets[@]}"
