#!/bin/sh
# Runs the tests of a preset, and fails as well if one of them was skipped or not run:
# run-ctest.sh PRESET [ctest options]
set -eu

preset=$1
shift
report="build/$preset/tests.xml"
rm -f "$report"
status=0
ctest --preset "$preset" --output-junit "$(pwd)/$report" --test-output-size-passed 65536 "$@" ||
    status=$?
# What the tests that look through memory, and the fault matrix, came to.
sed -n 's/^\(.*<system-out>\)\{0,1\}\([0-9]* scans, [0-9]* copies\) (\([0-9]*\) MiB looked through)$/\2 \3/p' "$report" |
    awk '{ scans += $1; copies += $3; size += $5 } END {
        if (scans) printf "%d scans, %d copies (%d MiB looked through)\n", scans, copies, size }'
grep -Eo '[0-9]+ points, [0-9]+ settled, [0-9]+ lost, [0-9]+ orphaned$' "$report" || true
[ "$status" -eq 0 ] || exit "$status"
if grep -Eq 'status="(disabled|notrun)"|<skipped' "$report"; then
    echo "A test was skipped; what it needs is missing." >&2
    exit 1
fi
