#!/usr/bin/env python3
"""Holds that no secret is formatted: no call that makes text, in module/ and tool/, is given one.

A secret is: an hsmiam_secret, the bytes that one gave out, what is named as a secret and is a
pointer to bytes, and the pieces of a reply; a tool_secret, and what temporary credentials are made
of. Its size may be told; where a protocol has it written, that is in BY_PROTOCOL. The calls are
those whose prototype says that they take a format, the printf family, and what copies bytes into a
text or a file. The rules are tried on samples first, since a check that finds nothing proves
nothing.
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterator

TOP = pathlib.Path(__file__).resolve().parents[2]

COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
FORMATTED = re.compile(r"\b(\w+)\s*\([^;{}]*\)\s*__attribute__\(\(format\(printf")
SINKS = {
    "printf", "fprintf", "dprintf", "sprintf", "snprintf", "vsnprintf", "asprintf", "vasprintf",
    "syslog", "puts", "fputs", "write", "fwrite", "send", "strerror_r", "perror",
    "hsmiam_buffer_append", "hsmiam_buffer_append_string", "hsmiam_escape_append",
    "hsmiam_escape_append_once", "hsmiam_query_append", "hsmiam_headers_add",
    "hsmiam_error_set_origin", "hsmiam_digest_format_hex", "tool_text_write", "tool_text_put",
    "tool_text_copy", "tool_value_add_string", "tool_value_new", "tool_prompt_confirm",
}  # fmt: skip

# The file, the call, and what it may be given: the credentials of a credential_process, the
# authorization token of the endpoint.
BY_PROTOCOL = {
    ("tool/cmd_credential_process.c", "write", "text"),
    ("tool/serve_token.c", "write", "token"),
}  # fmt: skip

IN_TOOL = re.compile(r"\btool_secret\b\s*(?:\*\s*(?:const\s*)?)*(\w+)")
DECLARED = re.compile(r"\bhsmiam_secret\s*(?:\*\s*(?:const\s*)?)+(\w+)")
BYTES = re.compile(r"\b(?:char|uint8_t|void|CK_BYTE|CK_UTF8CHAR)\s*\*\s*(?:const\s*)?(\w+)")
GETTER = (r"\bhsmiam_(?:secret_get_(?:data|room)"
          r"|credentials_get_(?:secret_access_key|session_token))\b")  # fmt: skip
GIVEN_OUT = re.compile(rf"\b(\w+)\s*=\s*(?:\([^()]*\)\s*)?{GETTER}\s*\(")
SECRET_NAME = re.compile(r"^(?:\w*_)?(?:secret|pin|wrapped|plaintext)(?:_out|_value)?$")
# The only thing about a secret that may be told.
HARMLESS = re.compile(
    r"\b(?:hsmiam_secret_get_size|sizeof|strlen)\s*\([^()]*\)|\b\w+(?:->|\.)(?:size|limit|pages)\b"
    r"|\w+\s*[!=]=\s*NULL")

BAD = (
    'void f(hsmiam_secret *key) { hsmiam_error_set(e, s, "%s", hsmiam_secret_get_data(key)); }',
    'void f(const hsmiam_secret *key) { hsmiam_log_write(log, l, "%p", (void *)key); }',
    'void f(void) { uint8_t *to = hsmiam_secret_get_room(k, &n); snprintf(t, 9, "%.*s", 4, to); }',
    'void f(const char *secret) { hsmiam_buffer_append_format(b, "x %s", secret); }',
    'void f(const char *pin, int n) { write(2, pin, n); }',
    'void f(tool_secret *key) { tool_text_print(stderr, "%s", key->data); }',
    'void f(void) { tool_secret key = {0}; write(1, key.data, key.size); }',
    'void f(void) { tool_text_write(stderr, hsmiam_credentials_get_session_token(c)); }',
    'struct s { hsmiam_secret *kept; }; void f(struct s *a) { fprintf(stderr, "%s", a->kept); }',
)
GOOD = (
    'void f(hsmiam_secret *key) { hsmiam_error_set(e, s, "%zu", hsmiam_secret_get_size(key)); }',
    'void f(const char *pin) { hsmiam_error_set(e, s, "%s", pin == NULL ? "no" : "a"); }',
    'void f(hsmiam_secret *value) { hsmiam_error_set(e, s, "%s", rule->value ? "t" : "f"); }',
    'void f(tool_secret *key) { tool_error_set(e, s, "%zu", key->size); }',
    'void f(const char *name, hsmiam_secret *key) { hsmiam_log_write(log, l, "%s", name); }',
)


def strip(text: str) -> str:
    """The code alone: strings become empty, comments a blank."""
    return COMMENT_OR_STRING.sub(lambda match: '""' if match.group()[0] == '"' else " ", text)


def calls(code: str, names: set[str]) -> Iterator[tuple[str, str, int]]:
    """Each call of one of the names: its name, what stands in its parentheses, and its line."""
    for match in re.finditer(rf"\b({'|'.join(sorted(names))})\s*\(", code):
        depth, at = 1, match.end()
        while depth and at < len(code):
            depth += {"(": 1, ")": -1}.get(code[at], 0)
            at += 1
        if code[at : at + 2].lstrip()[:1] in "{_" and code[at:].lstrip()[:1] != "":
            continue  # its definition or its prototype
        yield match.group(1), code[match.end() : at - 1], code.count("\n", 0, match.start()) + 1


def members_of(code: str) -> set[str]:
    """The members of structures in a file that are secrets."""
    bodies = re.findall(r"struct\s*\w*\s*\{([^{}]*)\}", code)
    return {name for body in bodies for name in DECLARED.findall(body) + IN_TOOL.findall(body)}


def secrets_of(code: str) -> set[str]:
    """The names in a file that stand for a secret."""
    named = {name for name in BYTES.findall(code) if SECRET_NAME.match(name)}
    declared = set(DECLARED.findall(code)) | set(IN_TOOL.findall(code))
    return declared | set(GIVEN_OUT.findall(code)) | named


def check(code: str, sinks: set[str], everywhere: set[str]) -> list[tuple[int, str, str]]:
    """The calls in a file's code that are given a secret: line, call, and name of the secret."""
    names = secrets_of(code)
    members = members_of(code) | everywhere
    wrong = []
    for call, arguments, line in calls(code, sinks):
        rest = HARMLESS.sub(" ", arguments)
        found = re.findall(GETTER, rest)
        found += [
            name
            for access, name in re.findall(r"(->|\.|\b)\s*\b([A-Za-z_]\w*)\b", rest)
            if name in (members if access else names)
        ]
        if found:
            wrong.append((line, call, found[0]))
    return wrong


def main() -> int:
    files = sorted(path for part in ("module", "tool") for path in (TOP / part).rglob("*.[ch]"))
    code = {str(path.relative_to(TOP)): strip(path.read_text()) for path in files}
    sinks = SINKS | {name for text in code.values() for name in FORMATTED.findall(text)}
    for sample in BAD:
        assert check(strip(sample), sinks, set()), f"the rules miss: {sample}"
    for sample in GOOD:
        assert not check(strip(sample), sinks, set()), f"the rules misjudge: {sample}"
    # Members of structures that are secrets are so wherever they are used.
    members = {
        name for path, text in code.items() if path.endswith(".h") for name in members_of(text)
    }
    # ... but for names that are common for other things too; there the file's own say decides.
    common = {"value", "secret", "room"}
    found = [
        (path, *given)
        for path, text in code.items()
        for given in check(text, sinks, members - common)
    ]
    allowed = {(path, call, name) for path, _, call, name in found} & BY_PROTOCOL
    wrong = [f"nothing is written by protocol any more: {each}" for each in BY_PROTOCOL - allowed]
    wrong += [
        f"{path}:{line}: {call}() is given {name}"
        for path, line, call, name in found
        if (path, call, name) not in BY_PROTOCOL
    ]
    print("\n".join(wrong) or f"{len(files)} files format no secret ({len(sinks)} calls watched)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
