#!/bin/sh
# Prints the public functions: every name that the given headers declare with SOMA_API, sorted, one a line.
# With --map first: the same as a linker's version script.
set -eu
map=no
if [ "${1-}" = --map ]; then map=yes; shift; fi
names=$(sed -n 's/^SOMA_API \([^(]*[ *]\)\{0,1\}\(soma_[a-z0-9_]*\)(.*/\2/p' "$@" | LC_ALL=C sort -u)
[ -n "$names" ] || { echo "exports.sh: no SOMA_API declaration in $*" >&2; exit 1; }
if [ $map = yes ]; then
    echo '{ global:'
    for name in $names; do echo "    $name;"; done
    echo '  local: *; };'
else
    printf '%s\n' $names
fi
