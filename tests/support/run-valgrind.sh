#!/bin/sh
# Runs the unit tests of a preset under valgrind: run-valgrind.sh PRESET
# An error, and any block that is definitely or indirectly lost, fails.
set -eu

ctest --preset "$1" -L unit -N --show-only=json-v1 |
    python3 -c 'import json, sys
for test in json.load(sys.stdin)["tests"]:
    print(" ".join(test["command"]))' |
    while read -r program; do
        echo "valgrind $(basename "$program")"
        valgrind --quiet --error-exitcode=99 --leak-check=full \
            --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect \
            --suppressions=tests/support/valgrind.supp "$program" >/dev/null 2>"$program.valgrind" || {
            cat "$program.valgrind" >&2
            exit 1
        }
    done
