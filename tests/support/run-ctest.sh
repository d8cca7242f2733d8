#!/bin/sh
# Runs the tests of a preset, and fails as well if one of them was skipped or not run:
# run-ctest.sh PRESET [ctest options]
set -eu

preset=$1
shift
report="build/$preset/tests.xml"
rm -f "$report"
ctest --preset "$preset" --output-junit "$(pwd)/$report" "$@"
if grep -Eq 'status="(disabled|notrun)"|<skipped' "$report"; then
    echo "A test was skipped; what it needs is missing." >&2
    exit 1
fi
