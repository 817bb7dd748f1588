#!/usr/bin/env bash
# The documents keep up with the tree: relative links lead somewhere, the architecture names every room of src/, every
# decision is listed, every network by name is described, and README shows the commands that a newcomer needs.
set -euo pipefail
rc=0
complain() { echo "$*"; rc=1; }
while IFS= read -r file; do
    while IFS= read -r link; do
        case $link in http*|'#'*|mailto:*) continue ;; esac
        [ -e "$(dirname "$file")/${link%%#*}" ] || complain "$file: the link $link leads nowhere"
    done < <(grep -oE '\]\([^) ]+\)' "$file" | sed 's/^](//; s/)$//')
done < <(find . -path ./build -prune -o -path ./build-neon -prune -o -name node_modules -prune -o -name '*.md' -print)
for room in src/*/ src/backend/*/; do
    [ -z "$(find "$room" -name '*.c' -print -quit)" ] || grep -q "$room" docs/architecture.md || complain "docs/architecture.md does not name $room"
done
for page in docs/decisions/*.md; do
    [ "$(basename "$page")" = README.md ] || grep -q "($(basename "$page"))" docs/decisions/README.md ||
        complain "docs/decisions/README.md does not list $page"
done
for command in "make demo" "make check"; do
    grep -q "$command" README.md || complain "README.md does not show '$command'"
done
while IFS= read -r net; do
    for file in docs/networks.md src/nn/zoo.h cli/show.c; do
        grep -qw -- "$net" $file || complain "$file does not name the network $net"
    done
done < <(sed -n 's/.*{\.name = "\([a-z0-9_]*\)".*/\1/p' src/nn/zoo.c)
exit $rc
