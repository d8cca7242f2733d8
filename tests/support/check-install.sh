#!/bin/sh
# Installs a preset's build into a folder of its own and uses what is there: by pkg-config (shared
# and static), by CMake, from C++, each header by itself, the program that the README shows, and the
# tool: check-install.sh PRESET
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top=$(pwd)

cmake --install "build/$1" --prefix "$work/usr" >/dev/null
libdir=$(dirname "$(find "$work/usr" -name libhsmiam.so)")
cat >"$work/user.c" <<'EOF'
#include <hsmiam.h>
#include <string.h>
int main(void)
{
    hsmiam_token *token = NULL;
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_status status = hsmiam_token_new("https://no-uri", &token, error);
    int wrong = status != HSMIAM_ERR_ARGUMENT || hsmiam_error_get_message(error)[0] == '\0' ||
                strlen(hsmiam_version()) == 0;
    hsmiam_error_free(&error);
    return wrong;
}
EOF
cp tests/examples/sign_and_export.c "$work"
# It ends before it looks for a token: what it says of the URI comes from the library.
try_example() {
    said=$("$@" https://no-uri recipient.pem none ledger.jsonl 2>&1) && return 1
    case $said in *'begins with "pkcs11:"'*) ;; *) echo "$*: $said" >&2 && return 1 ;; esac
}

[ -f "$libdir/pkcs11/hsmiam-pkcs11.so" ]
grep -q '^module: .*hsmiam-pkcs11\.so$' "$work/usr/share/p11-kit/modules/hsmiam-pkcs11.module"

for header in "$work"/usr/include/hsmiam/*.h; do
    cc -std=c17 -Wall -Wextra -Werror -I"$work/usr/include" -fsyntax-only "$header"
done

PKG_CONFIG_PATH="$libdir/pkgconfig"
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # lists of words
{
    cc "$work/user.c" -o "$work/shared" $(pkg-config --cflags --libs hsmiam)
    cc -std=c17 -Wall -Wextra -Werror "$work/sign_and_export.c" -o "$work/example" \
        $(pkg-config --cflags --libs hsmiam)
    c++ -x c++ "$work/user.c" -o "$work/shared-cxx" $(pkg-config --cflags --libs hsmiam)
    # hsmiam.pc's --static is for a program without any shared library; this one has only ours so.
    cc "$work/user.c" -o "$work/static" $(pkg-config --cflags hsmiam) "$libdir/libhsmiam.a" \
        -pthread $(pkg-config --libs "$(pkg-config --print-requires-private hsmiam)")
}
LD_LIBRARY_PATH="$libdir" "$work/shared"
LD_LIBRARY_PATH="$libdir" "$work/shared-cxx"
"$work/static"
try_example env LD_LIBRARY_PATH="$libdir" "$work/example"

cat >"$work/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(hsmiam REQUIRED)
add_executable(user-shared user.c)
target_link_libraries(user-shared PRIVATE hsmiam::shared)
add_executable(user-static user.c)
target_link_libraries(user-static PRIVATE hsmiam::static)
add_executable(example sign_and_export.c)
target_link_libraries(example PRIVATE hsmiam::shared)
EOF
cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/usr" >/dev/null
cmake --build "$work/build" >/dev/null
"$work/build/user-shared"
"$work/build/user-static"
try_example "$work/build/example"

# Without the files by which the static library's own libraries are found, the shared one is there
# all the same; who asks for the static one is told what is missing, and may do without.
mkdir "$work/bare" "$work/nothing"
cp "$work/user.c" "$work/bare"
cat >"$work/bare/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(bare LANGUAGES C)
find_package(hsmiam COMPONENTS static)
if(hsmiam_FOUND OR NOT hsmiam_NOT_FOUND_MESSAGE MATCHES "p11-kit")
  message(FATAL_ERROR "hsmiam::static must not be found: ${hsmiam_NOT_FOUND_MESSAGE}")
endif()
find_package(hsmiam REQUIRED COMPONENTS shared OPTIONAL_COMPONENTS static)
if(TARGET hsmiam::static)
  message(FATAL_ERROR "hsmiam::static must not be there")
endif()
add_executable(user user.c)
target_link_libraries(user PRIVATE hsmiam::shared)
EOF
PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR="$work/nothing" cmake -S "$work/bare" -B "$work/bare/build" \
    -G Ninja -DCMAKE_PREFIX_PATH="$work/usr" -DPKG_CONFIG_USE_CMAKE_PREFIX_PATH=OFF \
    -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON >"$work/bare/log" 2>&1 || {
    cat "$work/bare/log" >&2
    exit 1
}
cmake --build "$work/bare/build" >/dev/null
"$work/bare/build/user"

# hsmiam.pc asks for what the build asks for, and names libdl, which some C libraries have apart.
for wanted in 'p11-kit-1 >= 0.24' 'expat >= 2.4.5' 'libssl >= 3.0' 'libcrypto >= 3.0'; do
    pkg-config --print-requires-private hsmiam | grep -qx "$wanted"
done
pkg-config --libs --static hsmiam | grep -q -e '-ldl'

"$work/usr/bin/hsmiam" --version
cd "$top"
