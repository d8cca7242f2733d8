#!/bin/sh
# Runs the unit tests of a preset under valgrind: run-valgrind.sh PRESET
# An error, and any block that is definitely or indirectly lost, fails.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# test_token_guard waits by the clock for a token that is slow: under valgrind each one is. The
# sanitizers have it.
# test_ledger_bytes verifies ledgers by the ten thousand, by the code that its neighbours test.
ctest --preset "$1" -L unit -E "test_token_guard|test_ledger_bytes" -N --show-only=json-v1 >"$work/tests.json"
python3 -c 'import json, sys
for test in json.load(sys.stdin)["tests"]:
    print(" ".join(test["command"]))' <"$work/tests.json" >"$work/programs"
if [ ! -s "$work/programs" ]; then
    echo "There are no unit tests in preset $1." >&2
    exit 1
fi

# What a program says is shown if it fails, in one piece, for two run at a time. Whatever signals the
# caller ignores (nohup, a background job) must reach the tests of signals.
# shellcheck disable=SC2016 # for the inner shell
xargs -P 2 -I '{}' sh -c '
    if env --default-signal valgrind --quiet --error-exitcode=99 --leak-check=full \
        --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect \
        --suppressions=tests/support/valgrind.supp \
        "$1" >/dev/null 2>"$1.valgrind"; then
        echo "valgrind $(basename "$1")"
    else
        { echo "valgrind $(basename "$1"): failed" && cat "$1.valgrind"; } >&2
        exit 1
    fi' sh '{}' <"$work/programs"
echo "$(wc -l <"$work/programs") unit tests passed under valgrind"
