#!/bin/sh
# The shared library exports what the headers in include/ declare, neither more nor less, and the
# map says the same: check-exports.sh PRESET
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat include/hsmiam/*.h | tr '\n' ' ' | grep -oE 'HSMIAM_API [^;(]*\(' |
    grep -oE 'hsmiam_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$work/header"
nm -D --defined-only "build/$1/module/libhsmiam.so" | awk '$2 != "A" {print $3}' |
    sed 's/@.*//' | sort -u >"$work/library"
grep -oE '^ +hsmiam_[a-z0-9_]+;' module/libhsmiam.map | tr -d ' ;' | sort -u >"$work/map"
[ -s "$work/header" ]
diff "$work/header" "$work/library"
diff "$work/header" "$work/map"
