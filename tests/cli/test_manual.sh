#!/usr/bin/env bash
# Manual pages: every command has one, every option of its --help stands in it, and man and mandoc (each where it is
# installed) find nothing wrong with the pages.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }
mapfile -t commands < <("$SOMA" --help | awk '/^soma COMMAND/ { on = 1; next } on && /^  [a-z]/ { print $1; next } on && n++ > 0 { exit }')
[ ${#commands[@]} -ge 8 ] || fail "found only the commands ${commands[*]}"
"$SOMA" --man >"$work/soma.1"
for command in "${commands[@]}"; do
    page=$work/soma-$command.1
    "$SOMA" --man "$command" >"$page"
    grep -q "^.BR soma.-$command (1)" "$work/soma.1" || fail "soma.1 does not refer to soma-$command"
    while read -r option; do
        grep -qF -- "${option//-/\\-}" "$page" || fail "soma-$command.1 has no $option"
    done < <("$SOMA" "$command" --help | grep -oE '^  --[a-z0-9-]+' | tr -d ' ')
done
for bad in "--man nosuch" "--man train eval"; do
    rc=0
    "$SOMA" $bad >"$work/out" 2>"$work/err" || rc=$?
    [ $rc = 2 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" = 1 ] || fail "soma $bad: status $rc"
done
checked=
if command -v man >/dev/null && man --version 2>/dev/null | grep -q man; then
    checked="$checked man"
    for page in "$work"/*.1; do
        LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" >/dev/null 2>"$work/err" || fail "$page: $(cat "$work/err")"
        [ ! -s "$work/err" ] || fail "$page: $(cat "$work/err")"
    done
    # An option's line reads as it is typed.
    LC_ALL=C.UTF-8 MANWIDTH=100 man -E UTF-8 -l "$work/soma-train.1" >"$work/shown"
    grep -qE '^ +--batch N$' "$work/shown" || fail "soma-train.1 does not show --batch N"
fi
if command -v mandoc >/dev/null; then
    checked="$checked mandoc"
    # pages carry no date, so that a build gives the same files whenever it is made
    found=$(mandoc -Tlint -Wwarning "$work"/*.1 2>&1 | grep -v 'missing date' || true)
    [ -z "$found" ] || fail "$found"
fi
[ -n "$checked" ] || { echo "skipped: neither man nor mandoc is installed"; exit 77; }
echo "pages of soma and ${#commands[@]} commands checked by$checked"
