#!/usr/bin/env bash
# Completion: what bash offers after some words is what the program takes there; the zsh script is read by zsh where it is
# installed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rc=0
fail() { echo "$*"; rc=1; }
"$SOMA" --completion bash >"$work/bash"
. "$work/bash"
[ "$(complete -p soma)" = "complete -F _soma soma" ] || fail "complete -p soma: $(complete -p soma)"
cd "$work"
mkdir -p place/runs && cd place && touch "iris of mine.csv" data.csv

# offers WORD… : what is offered for the last word, a line each
offers() {
    COMP_WORDS=(soma "$@") COMP_CWORD=$#
    _soma
    printf '%s\n' "${COMPREPLY[@]}"
}
expect() { # EXPECTED WORD…
    local expected=$1 found
    shift
    found=$(offers "$@" | LC_ALL=C sort | tr '\n' ' ')
    [ "$found" = "$expected " ] || fail "soma $*: offered '$found', expected '$expected'"
}
among() { # WANTED WORD…
    local wanted=$1
    shift
    offers "$@" | grep -xF -- "$wanted" >/dev/null || fail "soma $*: '$wanted' is not among $(offers "$@" | tr '\n' ' ')"
}
expect "train" tr
expect "--epochs" train --ep
expect "nesterov" train --opt ne
expect "nesterov" train --optimizer ne
expect "nesterov" train --opt = ne
expect "auto classify regress" train --task ""
expect "lenet linear logistic" train --net l
expect "mlp" bench ml
expect "spiral" train sp
expect "spiral" train iris.csv --test sp
expect "data.csv diabetes digits" train d
expect "iris iris of mine.csv" eval runs iri
expect "random runs" eval r
expect "runs" eval ru
expect "runs" train --resume r
expect "bash" --completion b
expect "predict" --man p
expect "infer" bench lenet --mode i
expect "" train --epochs ""
expect "" train --weight-decay ""
expect "spiral" data s
expect "data.csv" predict runs data.
for command in $("$SOMA" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | sed '/^soma$/d'); do
    among "$command" ""
    while read -r option; do among "$option" "$command" "$option"; done \
        < <("$SOMA" "$command" --help | sed -n '/^Other names/q; s/^  \(--[a-z0-9-]*\).*/\1/p')
done

for bad in "--completion" "--completion fish" "--completion bash zsh"; do
    status=0
    "$SOMA" $bad >"$work/out" 2>"$work/err" || status=$?
    [ $status = 2 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" = 1 ] || fail "soma $bad: status $status"
done

"$SOMA" --completion zsh >"$work/_soma"
if command -v zsh >/dev/null; then
    zsh -f -n "$work/_soma" || fail "zsh does not read the script"
    # _arguments and _describe only print what they are given
    zsh_offers() {
        zsh -f -c 'compdef() { :; }; . '"$work"'/_soma
            _arguments() { print -rl -- "$@" }; _describe() { print -rl -- "${(P@)2}" }
            words=(soma "$@") CURRENT=$(( $# + 1 )); _soma' zsh "$@"
    }
    zsh_offers t | grep '^train:train a network' >/dev/null || fail "zsh: the commands: $(zsh_offers t)"
    zsh_offers train -- | grep -xF -- "--task=[what the target is; auto decides by its values]:TASK:( auto classify regress)" >/dev/null || fail "zsh: --task: $(zsh_offers train -- | grep task)"
    zsh_offers train -- | grep '^\*:.*spiral.*_files' >/dev/null || fail "zsh: DATA"
    zsh_offers train -- | grep "^--allow-symmetric\[accept constant hidden weights, which can't become different\]$" >/dev/null || fail "zsh: a flag"
else
    echo "zsh is not installed: its script was made but not run"
fi
exit $rc
