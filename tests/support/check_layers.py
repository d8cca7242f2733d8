#!/usr/bin/env python3
"""Holds the rules of the house: which layer may include what, and what no file may call.

A layer includes only layers below it. A third-party header belongs to the layers that are named
here, and its results become ours there. Nothing in module/ prints, exits or aborts.
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["base", "profile", "token", "ledger", "sigv4", "iam", "custody", "cryptoki"]

THIRD_PARTY = {
    "p11-kit/": ["module/token", "module/cryptoki"],
    "curl/": ["module/iam"],
    "expat.h": ["module/iam"],
    "openssl/": ["module/token/audit_key.c", "module/token/evp.h", "module/token/fingerprint.c",
                 "module/token/recipient.c", "module/token/wrapping_key.c",
                 "module/token/transport_key.c",
                 "module/token/trial.c", "module/ledger/hash.c", "module/ledger/public_key.c",
                 "module/sigv4", "module/iam", "module/custody/take.c",
                 "module/custody/wrapped_key.c"],
    "jansson.h": ["tool"],
    "yaml.h": ["tool"],
    "libsmartcols/": ["tool"],
}

BANNED_IN_MODULE = re.compile(
    r"\b(printf|fprintf|vprintf|puts|putchar|perror|exit|_exit|abort|assert|system|popen|gets|"
    r"strcpy|strcat|sprintf|vsprintf|strtok|alloca|setenv|putenv|signal|sigaction)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def check_include(path: str, header: str) -> str | None:
    """What is wrong with a file's including a header, if anything is."""
    for prefix, places in THIRD_PARTY.items():
        if header.startswith(prefix) and not any(path.startswith(place) for place in places):
            return f"{header} belongs to {', '.join(places)}"
    part = header.split("/")[0]
    if path.startswith("tool/") and part in LAYERS:
        return f"the tool sees include/ only, not {header}"
    if path.startswith("module/") and part in LAYERS:
        layer = path.split("/")[1]
        if LAYERS.index(part) > LAYERS.index(layer):
            return f"layer {layer} includes {header} of a layer above it"
    if path.startswith("include/") and part in LAYERS:
        return f"a public header includes {header}"
    return None


def check_file(path: pathlib.Path) -> list[str]:
    """The rules that one file breaks."""
    name = path.relative_to(TOP).as_posix()
    text = path.read_text()
    wrong = []
    if "SPDX-License-Identifier: Apache-2.0" not in text.splitlines()[0]:
        wrong.append(f"{name}: no SPDX-License-Identifier in its first line")
    for header in INCLUDE.findall(text):
        problem = check_include(name, header)
        if problem:
            wrong.append(f"{name}: {problem}")
    if name.startswith("module/"):
        code = STRING.sub('""', COMMENT.sub("", text))
        wrong += [f"{name}: calls {call}()" for call in BANNED_IN_MODULE.findall(code)]
    return wrong


def check_guarded() -> list[str]:
    """Every PKCS#11 function called on a borrowed session has a guarded one: NULL otherwise."""
    folder = TOP / "module/token"
    table = re.findall(r"^ +F\((\w+), ", (folder / "guarded.c").read_text(), re.M)
    guarded = {f"C_{name}" for name in table}
    return [f"module/token/{path.name}: {call} is not in guarded.c"
            for path in sorted(folder.glob("*.c")) if path.name != "guarded.c"
            for call in re.findall(r"(?:session|token)->functions->(C_\w+)\(", path.read_text())
            if call not in guarded]


def main() -> int:
    files = [path for folder in ("include", "module", "tool")
             for path in sorted((TOP / folder).rglob("*.[ch]"))]
    wrong = [line for path in files for line in check_file(path)]
    folders = {path.relative_to(TOP / "module").parts[0] for path in files
               if path.is_relative_to(TOP / "module")}
    wrong += [f"module/{folder} is no layer" for folder in sorted(folders - set(LAYERS))]
    wrong += check_guarded()
    print("\n".join(wrong) or f"{len(files)} files keep the rules")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
