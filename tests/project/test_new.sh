#!/usr/bin/env bash
# soma new: the project that it writes builds without a warning against an installed soma, trains and answers well; a folder
# that holds something is left alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$SOMA_BUILD" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
cd "$work"
fail() { echo "$*"; exit 1; }
export LD_LIBRARY_PATH=$work/prefix/lib

mkdir empty
for folder in "my-first.net" empty; do
    prefix/bin/soma new "$folder" >out || fail "soma new $folder failed"
    (cd "$folder" && ls -A) | tr '\n' ' ' | grep -qx 'CMakeLists.txt README.md main.c ' || fail "other files than expected: $(ls -A "$folder")"
    ! grep -rq starter "$folder" || fail "the word starter is left in $folder: $(grep -rn starter "$folder")"
done
prefix/bin/soma new empty/inner/ >out
grep -q 'cd empty/inner/$' out && grep -q '\./build/inner$' out || fail "the lines that say how to go on: $(cat out)"

cmake -S my-first.net -B built -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_FLAGS=-Werror >log 2>&1 || fail "$(cat log)"
cmake --build built >log 2>&1 || fail "$(cat log)"
built/my_first_net >out 2>&1 || fail "$(cat out)"
# "accuracy A on 500 rows that trained, B on 500 that did not": both spirals are told apart
awk '/^accuracy/ { found = $2 > 0.95 && $8 > 0.95 } END { exit !found }' out || fail "it does not learn: $(tail -n 1 out)"
[ -s model.onnx ] || fail "it left no model.onnx"
# with files of one's own
prefix/bin/soma data blobs >train.csv
prefix/bin/soma data blobs:seed=1 >test.csv
built/my_first_net train.csv test.csv >out 2>&1 || fail "$(cat out)"
grep -qE '^accuracy (0.9|1)' out || fail "tables of one's own: $(tail -n 1 out)"
# with pictures: twenty of 2 x 3, dark or bright
{ printf '\0\0\10\3\0\0\0\24\0\0\0\2\0\0\0\3'; for _ in {1..10}; do printf '\1\2\3\1\2\3\377\376\375\377\376\375'; done; } >p-images-idx3-ubyte
{ printf '\0\0\10\1\0\0\0\24'; for _ in {1..10}; do printf '\0\1'; done; } >p-labels-idx1-ubyte
built/my_first_net p-images-idx3-ubyte p-images-idx3-ubyte >out 2>&1 && grep -q '^accuracy 1.000 on 20 rows' out || fail "pictures: $(tail -n 1 out)"
! built/my_first_net absent.csv test.csv 2>err || fail "a missing file is no error"
grep -q "absent.csv" err || fail "the message about a missing file: $(cat err)"

# refused, with one line and status 2, and nothing is written
touch keep.txt
for folder in . my-first.net keep.txt no/such/place ""; do
    rc=0
    prefix/bin/soma new "$folder" >out 2>err || rc=$?
    [ $rc = 2 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "soma new '$folder': status $rc: $(cat err)"
done
[ ! -e main.c ] || fail "a folder that holds files was written to"
