#!/usr/bin/env bash
# make demo: from nothing to a trained network: installs what is missing, builds, trains LeNet on the digits in data/mnist,
# evaluates it on pictures that it has never seen, and leaves model.onnx.
set -euo pipefail
cd "$(dirname "$0")/.."
out=runs/demo
train=data/mnist/train-images-idx3-ubyte.gz
test=data/mnist/t10k-images-idx3-ubyte.gz

echo "1. What building needs"
scripts/setup.sh demo
echo "2. Building soma into build/"
mkdir -p build
scripts/build.sh release build soma >build/demo.log 2>&1 || { grep -E 'error|Error|FAILED' build/demo.log || tail -n 30 build/demo.log; exit 1; }
show() { printf '\n$ %s\n' "$*"; "$@"; }
echo "3. Training LeNet on 7,000 handwritten digits"
show build/soma train $train --test $test --net lenet --epochs "${EPOCHS:-15}" --seed 1 --out $out --overwrite
echo
echo "4. Asking it about 1,500 pictures that it has never seen"
show build/soma eval $out $test
cat <<END

The model is $out/model.onnx, a standard ONNX file. What to try next:
  build/soma train data/tables/iris.csv               train on a table; the last column is the target
  build/soma predict $out $test | head       answers as CSV
  build/soma show $out                         layers, parameters, memory
  build/soma bench lenet --mode train --batch 64      how fast this machine trains it
  build/soma --help                                   everything else
  make check                                          all the tests
END
