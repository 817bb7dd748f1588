#!/usr/bin/env bash
# The public functions are exactly those that the headers declare, in the shared and in the static library, and a change of
# the list is seen: it must be written down in exports.txt (make exports).
set -euo pipefail
list=tests/project/exports.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rc=0
differ() { diff "$1" "$2" || { echo "$3"; rc=1; }; }

sh scripts/exports.sh include/soma/*.h >"$work/headers"
nm -D --defined-only "$SOMA_BUILD/libsoma.so" | awk '{ print $3 }' | LC_ALL=C sort -u >"$work/shared"
nm -g --defined-only "$SOMA_BUILD/libsoma.a" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort -u >"$work/static"
differ $list "$work/headers" "the headers (right) declare other functions than $list: run make exports if that is meant"
differ $list "$work/shared" "libsoma.so (right) exports other symbols than $list"
differ $list "$work/static" "libsoma.a (right) has other global symbols than $list"
exit $rc
