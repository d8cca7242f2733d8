#!/bin/sh
# Builds the Debian packages twice, in two folders, at two dates, and holds the one against the
# other byte for byte; then lets lintian look at them, and installs, uses, removes and purges them
# under a root of their own: check-packages.sh
set -eu

top=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DEBFULLNAME=$(git -C "$top" log -1 --format=%an)
DEBEMAIL=$(git -C "$top" log -1 --format=%ae)
export DEBFULLNAME DEBEMAIL

# build FOLDER: what is in the working tree, built there.
build() {
    mkdir -p "$1"
    git -C "$top" ls-files -z --cached --others --exclude-standard |
        tar -C "$top" --null --files-from=- --ignore-failed-read -cf - | tar -C "$1" --touch -xf -
    (cd "$1" && {
        cmake --preset package && cmake --build --preset package --target package
    } >"$work/log" 2>&1) || {
        cat "$work/log" >&2
        exit 1
    }
}
build "$work/one"
(umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 build "$work/another/place")

one=$work/one/build/package
other=$work/another/place/build/package
for file in module/libhsmiam.so module/libhsmiam.a module/hsmiam-pkcs11.so tool/hsmiam; do
    cmp "$one/$file" "$other/$file"
done
packages=
for package in "$one"/packages/*.deb; do
    cmp "$package" "$other/packages/${package##*/}"
    packages="$packages $package"
done

# shellcheck disable=SC2086 # a list of words
lintian --allow-root --fail-on error,warning $packages

# What this machine has is what their dependencies are held against.
root=$work/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/triggers"
cp /var/lib/dpkg/status "$root/var/lib/dpkg/status"
in_root() {
    fakeroot dpkg --root="$root" --force-script-chrootless --force-not-root \
        --log="$work/dpkg.log" "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        exit 1
    }
}
# shellcheck disable=SC2086 # a list of words
in_root --install $packages
LD_LIBRARY_PATH=$(dirname "$root"/usr/lib/*/libhsmiam.so.0)
"$root/usr/bin/hsmiam" --version
for name in hsmiam hsmiam-create-access-key hsmiam.h hsmiam_token_new; do
    mandoc -T ascii "$root"/usr/share/man/man[0-9]/"$name".[0-9].gz >/dev/null
done
export LD_LIBRARY_PATH
cc -xc - -o "$work/user" -I"$root/usr/include" -L"$LD_LIBRARY_PATH" -lhsmiam <<'EOF'
#include <hsmiam.h>
int main(void)
{
    return hsmiam_version()[0] == '\0';
}
EOF
"$work/user"
python3 "$top/tests/support/check_sbom.py" "$root"/usr/share/doc/*/*.spdx.json

in_root --remove hsmiam hsmiam-pkcs11 libhsmiam-dev libhsmiam0
in_root --purge hsmiam hsmiam-pkcs11 libhsmiam-dev libhsmiam0
left=$(find "$root" -path "$root/var/lib/dpkg" -prune -o ! -type d -print)
if [ -n "$left" ]; then
    printf 'The packages leave behind:\n%s\n' "$left" >&2
    exit 1
fi
