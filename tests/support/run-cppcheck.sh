#!/bin/sh
# cppcheck over module/ and tool/: run-cppcheck.sh PRESET
set -eu

cppcheck --quiet --std=c11 --enable=warning,performance,portability --error-exitcode=1 -j 2 \
    --inline-suppr --suppress=missingIncludeSystem \
    --project="build/$1/compile_commands.json" -i tests
