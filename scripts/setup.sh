#!/usr/bin/env bash
# Installs what is missing on Debian or Ubuntu: scripts/setup.sh demo | check | studio | browser (which the
# studio's tests need besides). Says what it installs, does nothing when all
# is there, and without root or password-free sudo prints the one line to run and ends with status 1.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-demo}

# package:something that is there when the package is (a command, a path, or a file in a search path of the compiler)
demo="gcc:gcc libc6-dev:stdio.h make:make cmake:cmake ninja-build:ninja zlib1g-dev:zlib.h libpng-dev:png.h
      libjpeg-dev:jpeglib.h libjansson-dev:jansson.h
      libdnnl-dev:dnnl.h libmicrohttpd-dev:microhttpd.h nanopb:protoc-gen-nanopb libnanopb-dev:pb.h"
check="$demo g++:g++ git:git pkg-config:pkg-config libcmocka-dev:cmocka.h clang:clang clang-format:clang-format
       clang-tidy:clang-tidy cppcheck:cppcheck python3:python3 python3-venv:venv gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc
       libc6-dev-arm64-cross:/usr/aarch64-linux-gnu/include/stdio.h qemu-user-static:qemu-aarch64-static"
studio="$demo emscripten:emcc nodejs:node npm:npm"
browser="$studio chromium:chromium"

present() {
    case $1 in
        venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        /*) [ -e "$1" ] ;;
        *.h) [ -n "$(find /usr/include /usr/local/include -maxdepth 2 -name "$1" -print -quit 2>/dev/null)" ] ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

case $what in
    demo) list=$demo ;;
    check) list=$check ;;
    studio) list=$studio ;;
    browser) list=$browser ;;
    *) echo "usage: scripts/setup.sh demo|check|studio|browser" >&2; exit 2 ;;
esac
missing=()
for entry in $list; do
    present "${entry#*:}" || missing+=("${entry%%:*}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing: ${missing[*]}. This machine has no apt-get; install what corresponds to these Debian packages." >&2
    exit 1
fi
line="apt-get install -y --no-install-recommends ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        echo "Some packages are missing. Run this line, then the same make again:" >&2
        if command -v sudo >/dev/null; then echo "    sudo apt-get update && sudo $line" >&2
        else echo "    su -c \"apt-get update && $line\"" >&2
        fi
        exit 1
    fi
fi
echo "Installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
install=(env DEBIAN_FRONTEND=noninteractive $line)
# The package lists may be absent or old: on failure they are fetched anew and the installation tried once more.
if ! "${as_root[@]}" "${install[@]}" >"$log" 2>&1 </dev/null; then
    { "${as_root[@]}" apt-get update && "${as_root[@]}" "${install[@]}"; } >"$log" 2>&1 </dev/null || {
        tail -n 15 "$log" >&2
        echo "apt-get failed; the line was: $line" >&2
        exit 1
    }
fi
