#!/usr/bin/env bash
# The studio: scripts/studio.sh wasm | build | test. wasm makes the npm package of the engine, build the page too, test
# builds all and tries it: the package beside the native library, the page in a browser.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-build}
case $what in wasm | build | test) ;; *) echo "usage: scripts/studio.sh wasm|build|test" >&2; exit 2 ;; esac
if [ "$what" = test ]; then scripts/setup.sh browser; else scripts/setup.sh studio; fi

scripts/build.sh wasm build-wasm soma_wasm
cd studio
# What the lock file names, installed once for each of its versions.
if [ ! -e node_modules/.ready ] || [ package-lock.json -nt node_modules/.ready ]; then
    npm ci --no-audit --no-fund --loglevel=error
    touch node_modules/.ready
fi
mkdir -p packages/soma-wasm/dist
cp ../build-wasm/soma.wasm packages/soma-wasm/dist/
npm run --silent build -w soma-wasm
echo "soma-wasm: $(cat packages/soma-wasm/dist/soma.wasm packages/soma-wasm/dist/*.js | gzip -9c | wc -c) bytes after gzip"
[ "$what" != wasm ] || exit 0

npm run --silent build -w soma-studio
mkdir -p ../build
cp page/dist/single/soma-studio.html ../build/
# The command carries the page, for `soma studio`. A build that was configured before its libraries came looks for them again.
cd ..
[ ! -f build/CMakeCache.txt ] || cmake build >build/configure.log
scripts/build.sh release build soma
echo "studio/page/dist/site is the page for a web server, build/soma-studio.html the page in one file; build/soma studio serves it"
[ "$what" != build ] || exit 0

scripts/build.sh release build studio_native
cd studio
npm test --silent
