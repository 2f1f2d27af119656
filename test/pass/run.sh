#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Golden tests of the passes. test/pass/PASS/NAME.ir, printed by `mica dump` after PASS, must be
# NAME.want; or it must be refused with exactly the message NAME.err.
#
#     test/pass/run.sh            checks all; MICA=path names another binary than build/mica
#     test/pass/run.sh --write    writes what comes out into NAME.want or NAME.err, for review

cd "$(dirname "$0")/../.." || exit 1
mica=${MICA:-build/mica}
if [ ! -x "$mica" ]; then
    echo "$mica is missing: build it first" >&2
    exit 1
fi
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
passed=0
failed=0

fail() {
    failed=$((failed + 1))
    echo "$1"
}

# Compares a file of expectations with what came out.
compare() {
    if diff -u "$1" "$2" >"$out/diff" 2>&1; then
        passed=$((passed + 1))
    else
        fail "$1 differs:"
        cat "$out/diff"
    fi
}

for ir in test/pass/*/*.ir; do
    name=${ir%.ir}
    pass=$(basename "$(dirname "$ir")")
    "$mica" dump "$ir" --after "$pass" >"$out/want" 2>"$out/err"
    status=$?
    if [ "$1" = --write ]; then
        rm -f "$name.want" "$name.err"
        if [ $status -eq 0 ]; then cp "$out/want" "$name.want"; else cp "$out/err" "$name.err"; fi
    elif [ -f "$name.want" ] && [ $status -eq 0 ]; then
        compare "$name.want" "$out/want"
    elif [ -f "$name.err" ] && [ $status -eq 1 ]; then
        compare "$name.err" "$out/err"
    else
        fail "$ir: status $status, and no expectation that fits:"
        cat "$out/err"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
