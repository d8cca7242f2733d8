#!/bin/sh
# The shared library exports what the headers in include/ declare, neither more nor less, and the
# map says the same; the PKCS#11 module exports PKCS#11's functions only, and all of them:
# check-exports.sh PRESET
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

nm -D --defined-only "build/$1/module/hsmiam-pkcs11.so" | awk '{print $3}' | sort >"$work/module"
grep -oE '_CK_DECLARE_FUNCTION \(C_[A-Za-z]+' "$(pkg-config --variable=includedir p11-kit-1)/p11-kit-1/p11-kit/pkcs11.h" |
    grep -oE 'C_[A-Za-z]+' >"$work/standard"
printf 'C_GetInterface\nC_GetInterfaceList\n' >>"$work/standard"
sort -u "$work/standard" | diff - "$work/module"
