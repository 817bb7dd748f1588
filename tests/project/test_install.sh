#!/usr/bin/env bash
# A program outside the tree can use what make install leaves: the examples are built against a fresh installation, as C17
# and as C++20, by pkg-config and by find_package, with the shared and the static library, and run.
set -euo pipefail
for tool in g++ pkg-config; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
root=$PWD work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$SOMA_BUILD" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
# Only what is installed may be seen: sources are copied away from the tree.
cp -r examples "$work/examples"
cp -r tests/project/consumer "$work/consumer"
ln -s "$root/data" "$work/data"
cd "$work"
warnings="-Wall -Wextra -Wpedantic -Werror"
run() { "$@" >out 2>&1 || { echo "failed: $*"; cat out; exit 1; }; }

export PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig LD_LIBRARY_PATH=$work/prefix/lib
for source in examples/*.c; do
    name=$(basename "$source" .c)
    run gcc -std=c17 -O2 $warnings -o "$name-c" "$source" $(pkg-config --cflags --libs soma) -lm
    run g++ -x c++ -std=c++20 -O2 $warnings -o "$name-cpp" "$source" -x none $(pkg-config --cflags soma) \
        prefix/lib/libsoma.a $(pkg-config --static --libs-only-l soma | sed 's/-lsoma//') -pthread
done
run cmake -S consumer -B built -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release
run cmake --build built
for program in arrays own_loss xor backpropagation gradient_descent vanishing_gradient; do
    for kind in c cpp; do run ./$program-$kind; done
done
run ./mnist-c data/mnist 1
for program in built/*_shared built/*_static; do
    [[ $program == *mnist* ]] || run "$program"
done
run prefix/bin/soma --version
# The installed command finds the installed module.
if [ -e prefix/lib/soma/libsoma-onednn.so ]; then
    run prefix/bin/soma bench lenet --backend onednn
    grep -q onednn out || { cat out; exit 1; }
fi
