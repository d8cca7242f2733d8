#!/bin/sh
# Installs what hsmiam needs from Debian's packages: install-packages.sh demo|tests|checks
# Each set holds the one before it. Nothing is done if all of it is there.
set -eu

what=${1:-demo}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

demo="gcc libc6-dev cmake ninja-build pkg-config libssl-dev libp11-kit-dev libcurl4-openssl-dev
    libexpat1-dev libjansson-dev libyaml-dev libsmartcols-dev libmicrohttpd-dev
    softhsm2 opensc p11-kit gnutls-bin openssl ca-certificates python3"
tests="libcmocka-dev python3-venv curl strace gdb systemd libnss3 libnss3-tools p11-kit-modules
    cargo-web rustc-web libclang-dev libsqlite3-dev mandoc groff-base
    python3-pykcs11 openjdk-17-jdk-headless
    bash-completion zsh fish"
checks="clang clang-format clang-tidy libclang-rt-14-dev cppcheck shellcheck valgrind g++ git
    dpkg-dev file lintian fakeroot"

case $what in
demo) packages=$demo ;;
tests) packages="$demo $tests" ;;
checks) packages="$demo $tests $checks" ;;
*)
    echo "usage: install-packages.sh demo|tests|checks" >&2
    exit 2
    ;;
esac

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done

if [ -n "$missing" ]; then
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Not installed yet, and only root can install them:$missing" >&2
            exit 1
        fi
        as_root=sudo
    fi
    $as_root apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
fi

# moto, the IAM that this project did not write, comes from PyPI into an environment of its own.
if [ "$what" != demo ]; then
    venv="$top/build/venv"
    requirements="$here/requirements.txt"
    if ! cmp -s "$requirements" "$venv/installed.txt"; then
        python3 -m venv --clear "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
        cp "$requirements" "$venv/installed.txt"
    fi
fi

# Kryoptic, a software token of PKCS#11 3.x, comes from its published crate as source.
if [ "$what" != demo ]; then
    built="$top/build/kryoptic"
    if ! cat "$here"/kryoptic_module/* | cmp -s - "$built/installed"; then
        PATH=/usr/bin:$PATH cargo build --release --locked --quiet \
            --manifest-path "$here/kryoptic_module/Cargo.toml" --target-dir "$built"
        cat "$here"/kryoptic_module/* >"$built/installed"
    fi
fi

# A public suite of tests of PKCS#11 modules: those of the crate cryptoki, in its published source.
if [ "$what" != demo ]; then
    built="$top/build/conformance"
    suite="$here/conformance_suite"
    if ! cat "$suite"/* | cmp -s - "$built/installed"; then
        rm -rf "$built"
        mkdir -p "$built"
        PATH=/usr/bin:$PATH cargo metadata --locked --format-version 1 --quiet \
            --manifest-path "$suite/Cargo.toml" >"$built/metadata.json"
        source=$(python3 -c 'import json, os, sys
for package in json.load(open(sys.argv[1]))["packages"]:
    if package["name"] == "cryptoki":
        print(os.path.dirname(package["manifest_path"]))' "$built/metadata.json")
        cp -R "$source" "$built/source"
        PATH=/usr/bin:$PATH cargo test --no-run --locked --quiet --message-format json \
            --manifest-path "$built/source/Cargo.toml" --target-dir "$built/target" \
            --test basic --test allowed_mechanisms --test wycheproof >"$built/artifacts.json"
        python3 -c 'import json, shutil, sys
for line in open(sys.argv[1] + "/artifacts.json"):
    artifact = json.loads(line)
    if artifact.get("executable"):
        shutil.copy(artifact["executable"], sys.argv[1] + "/" + artifact["target"]["name"])' "$built"
        rm -rf "$built/target" "$built/source" "$built"/*.json
        cat "$suite"/* >"$built/installed"
    fi
fi
