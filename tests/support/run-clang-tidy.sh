#!/bin/sh
# clang-tidy over module/ and tool/, by .clang-tidy: run-clang-tidy.sh PRESET
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git ls-files 'module/*.c' 'tool/*.c' >"$work/files"
[ -s "$work/files" ]

# It counts suppressed warnings on standard error: what it says is shown where it fails.
# shellcheck disable=SC2016 # for the inner shell
xargs -P 2 -n 1 sh -c '
    said=$(clang-tidy --quiet -p "build/$1" --warnings-as-errors="*" "$2" 2>&1) || {
        printf "clang-tidy %s: failed\n%s\n" "$2" "$said" >&2
        exit 1
    }' sh "$1" <"$work/files"
