#!/bin/sh
# clang-tidy over module/ and tool/, by .clang-tidy: run-clang-tidy.sh PRESET
set -eu

git ls-files 'module/*.c' 'tool/*.c' |
    xargs -P 2 -n 1 clang-tidy --quiet -p "build/$1" --warnings-as-errors='*' 2>/dev/null
